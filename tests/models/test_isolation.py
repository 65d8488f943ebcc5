"""The limits under which foreign files are read."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import models.foreign.isolation
from models.foreign.isolation import run_main

ISOLATION = Path(models.foreign.isolation.__file__)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


def run_limited(code: str) -> subprocess.CompletedProcess[str]:
    """code in a Python that has set itself 64 MiB and one second."""
    start = (
        "import importlib.util as u\n"
        f"spec = u.spec_from_file_location('isolation', {str(ISOLATION)!r})\n"
        "isolation = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(isolation)\n"
        "isolation.limit_this_process(memory_bytes=64 * 2**20, cpu_s=1, file_bytes=2**20)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, check=False, timeout=300
    )


@linux_only
def test_memory_beyond_the_limit_is_not_given() -> None:
    assert run_limited("print(len(bytearray(32 * 2**20)))").stdout.strip() == str(32 * 2**20)
    assert "MemoryError" in run_limited("bytearray(128 * 2**20)").stderr


@linux_only
def test_a_process_that_computes_for_too_long_is_ended() -> None:
    assert run_limited("while True: pass").returncode == -signal.SIGKILL


def test_the_child_sees_no_secrets_and_not_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LATENTLOOM_TOKEN", "secret")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "probe.py").write_text(
        "import os, sys\n"
        "def main(arguments):\n"
        "    print(arguments, 'LATENTLOOM_TOKEN' in os.environ, '' in sys.path)\n"
        "    return 7\n"
    )
    done = run_main("probe", ["a", "b"], folder=tmp_path, timeout_s=300)
    assert done.stdout.strip() == "['a', 'b'] False False"
    assert done.returncode == 7


def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "hanging.py").write_text("import time\ndef main(_): time.sleep(3600)\n")
    with pytest.raises(subprocess.TimeoutExpired):
        run_main("hanging", [], folder=tmp_path, timeout_s=1)

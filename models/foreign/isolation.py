"""Running a module of this package in a child process, within limits of memory and time.

The limits of memory and processor time hold on Linux; elsewhere the time-out remains.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Exit statuses of a child that says in one line of output why it ends:
REFUSED = 3  # the file cannot be used
UNWRITABLE = 4  # what is made of it cannot be written
_ROOT = Path(__file__).resolve().parents[2]  # the clone, or site-packages: where the package models lies
# Python's isolated mode ignores the working directory, PYTHONPATH and the user's site-packages, so the
# child is told where this process finds its modules.
_START = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
sys.exit(importlib.import_module(sys.argv[2]).main(sys.argv[3:]))
"""
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "TMPDIR")


def run_main(
    module: str, arguments: Sequence[str], *, folder: Path, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run the module's main(arguments) in folder and wait; what it returns is the exit status.

    Raises subprocess.TimeoutExpired, with the child killed.
    """
    paths = [str(_ROOT), *(path for path in sys.path if path and path != str(_ROOT))]
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment["OMP_NUM_THREADS"] = "1"
    return subprocess.run(  # noqa: S603 (this interpreter and our own module)
        [sys.executable, "-I", "-c", _START, json.dumps(paths), module, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
    )


def limit_this_process(*, memory_bytes: int, cpu_s: int, file_bytes: int) -> None:
    """From now on: at most memory_bytes more of address space, cpu_s of processor time, files of at most
    file_bytes, no core file.
    """
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    ceiling = pages * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent) + cpu_s, int(spent) + cpu_s))
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    largest = file_bytes if allowed == resource.RLIM_INFINITY else min(file_bytes, allowed)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

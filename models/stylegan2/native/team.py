"""The threads that run a kernel. A second pool beside PyTorch's would fight it for the cores: both spin."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch

Parallel = Callable[[int, int, int], None]
"""(address of a kernel, address of its task, threads): every thread of the team calls kernel(task)."""


@cache
def team() -> tuple[str, Parallel]:
    """A name and how to run: PyTorch's own OpenMP team where it can be entered, else threads of ours."""
    runtime = _openmp()
    if runtime is None:
        return "threads", _on_pool

    def on_team(kernel: int, task: int, threads: int) -> None:
        runtime.GOMP_parallel(ctypes.c_void_p(kernel), ctypes.c_void_p(task), threads, 0)

    return "openmp", on_team


def _openmp() -> ctypes.CDLL | None:
    """The OpenMP runtime that PyTorch has loaded into this process, if it speaks GNU's interface."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    loaded = {line.split(maxsplit=5)[5].strip() for line in maps.read_text().splitlines() if "omp" in line}
    home = str(Path(torch.__file__).parent)  # .../torch, and .../torch.libs begins with it too
    for path in sorted(loaded, key=lambda path: not path.startswith(home)):
        if Path(path).name.startswith(("libgomp", "libiomp5", "libomp")):
            library = ctypes.CDLL(path)
            return library if hasattr(library, "GOMP_parallel") else None
    return None


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="synthesis")


def _on_pool(kernel: int, task: int, threads: int) -> None:
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(kernel)  # releases the interpreter lock
    others = [_pool().submit(call, task) for _ in range(threads - 1)]
    call(task)
    for other in others:
        other.result()

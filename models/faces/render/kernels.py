"""How the numerical kernels of the renderer are compiled.

Numba compiles on first use (about 20 s altogether) and keeps the result in a folder named after the
sources of this package, because Numba itself does not notice when a function that a kernel calls has
changed. The folder lies in this package's __pycache__ or, where that cannot be written, in the user's
cache; where neither can be written, every process compiles anew.

Floating point keeps the order of operations of the source: no reassociation and no fused multiply-add,
so another processor gives the same picture up to the last bits of exp, sin and pow.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar, cast

import numba
from numba.core import config

Function = TypeVar("Function", bound=Callable[..., object])

_FLOATING_POINT = {"nnan", "ninf", "nsz", "arcp"}  # LLVM's flags: neither "reassoc" nor "contract"


def kernel(function: Function) -> Function:
    """A function compiled for the CPU, without Python's global lock."""
    folder = cache_folder()
    if folder is None:
        return cast(Function, numba.njit(function, fastmath=_FLOATING_POINT, nogil=True, error_model="numpy"))
    with _caching_in(folder):
        compiled = numba.njit(function, fastmath=_FLOATING_POINT, nogil=True, error_model="numpy", cache=True)
    return cast(Function, compiled)


def device(function: Function) -> Function:
    """A function that kernels call; compiled into each of them."""
    compiled = numba.njit(function, fastmath=_FLOATING_POINT, error_model="numpy", forceinline=True)
    return cast(Function, compiled)


@contextmanager
def _caching_in(folder: Path) -> Iterator[None]:
    """Numba decides where to cache a function when it is decorated."""
    before: str = getattr(config, "CACHE_DIR")  # noqa: B009  (set while numba is imported)
    setattr(config, "CACHE_DIR", str(folder))  # noqa: B010
    try:
        yield
    finally:
        setattr(config, "CACHE_DIR", before)  # noqa: B010


@lru_cache(maxsize=1)
def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None where nothing can be written."""
    here = Path(__file__).parent
    sources = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(here.glob("*.py"))))
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latentloom"
    return first_writable((here / "__pycache__", user), f"kernels-{sources.hexdigest()[:16]}")


def first_writable(parents: Sequence[Path], name: str) -> Path | None:
    """A folder of that name in the first of the parents that can be written, made there if need be."""
    for parent in parents:
        folder = parent / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def compiled_before() -> bool:
    """Whether a process on this machine has compiled these kernels already."""
    folder = cache_folder()
    return folder is not None and any(folder.rglob("*.nbc"))

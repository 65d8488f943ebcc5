"""Memory of training on a CPU under Linux: freed blocks are kept, not handed back to the kernel.

glibc returns every large block at once and asks for it again in the next step, and the kernel then zeroes
each page of it anew: 29,000 pages a step at 64x64 pixels and 8 pictures, 1,200 with what is done here.
"""

from __future__ import annotations

import ctypes
import sys

# mallopt's parameters, <malloc.h>.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGEST = 2**31 - 1  # mallopt takes an int
_PAD = 256 * 2**20


def keep_freed_memory() -> bool:
    """Have this process keep what it frees; False where the C library is not glibc, which changes nothing."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_MMAP_THRESHOLD, _LARGEST), (_TRIM_THRESHOLD, _LARGEST), (_TOP_PAD, _PAD))
    accepted = [mallopt(name, value) == 1 for name, value in settings]
    return all(accepted)

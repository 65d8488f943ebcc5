"""Arrays of numbers out of .npy files that came from anywhere (numpy.lib.format): nothing of one is run."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY"


class UnreadableArray(ValueError):
    """str() says what is wrong with the file, without a capital and a full stop."""


def read_npy(data: bytes, kinds: str) -> NDArray[np.generic]:
    """The array, read-only; the caller limits the size of data.

    kinds: of the dtypes that are taken, "f" floating-point, "i" and "u" integers; objects, which run code,
    are refused with all others. Raises UnreadableArray, also where the header disagrees with the length.
    """
    if not data.startswith(_MAGIC):
        raise UnreadableArray("it is not a .npy file")
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        old = version == (1, 0)
        read_header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, column_major, dtype = read_header(file)
    except Exception as error:  # the header is a Python literal and may be damaged in any way
        raise UnreadableArray("the header of the .npy file is damaged") from error
    if dtype.kind not in kinds:
        raise UnreadableArray(f"such a file holds numbers, and this one {dtype.name}")
    if math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise UnreadableArray("the .npy file is incomplete")
    array: NDArray[np.generic] = np.frombuffer(file.read(), dtype)
    return array.reshape(shape, order="F" if column_major else "C")

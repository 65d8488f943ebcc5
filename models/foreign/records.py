"""What a pickle becomes here: inert records that say what was written down, and the tensors in them.

A record is never more than data. Nothing is allocated for a tensor before materialise(), which checks every
claim against the bytes that are there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from models.weights import CheckpointError

DTYPES = {
    "float32": torch.float32,
    "float": torch.float32,
    "float64": torch.float64,
    "double": torch.float64,
    "float16": torch.float16,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "bool": torch.bool,
}
_ITEM_BYTES = {dtype: torch.empty(0, dtype=dtype).element_size() for dtype in DTYPES.values()}
_NUMPY_CODES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
_MAX_DIMENSIONS = 8


@dataclass(frozen=True)
class PickledModule:
    """A network of NVIDIA's PyTorch code: its class's bare name and its __dict__; its source is dropped."""

    class_name: str
    state: dict[object, object]


@dataclass
class PickledObject:
    """Any other object whose class is known: its class and what was set on it."""

    class_name: str
    state: dict[object, object] = field(default_factory=dict)


@dataclass
class PickledStorage:
    """The numbers under one or more tensors; in old files they come after the pickle that names them."""

    dtype: torch.dtype | None  # None: bytes whose meaning the tensor says
    count: int  # claimed
    data: memoryview | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NestedFile:
    """A storage that NVIDIA's pickles hold as a whole torch.save file in a byte string."""

    data: memoryview = field(repr=False)


@dataclass(frozen=True)
class PickledTensor:
    """A strided view of a storage."""

    storage: PickledStorage | NestedFile
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype | None = None  # where the storage is bytes


@dataclass
class PickledDtype:
    """A numpy type: plain numbers only."""

    code: str
    order: Literal["<", ">", "|"] = "<"

    def numpy(self) -> np.dtype[np.generic]:
        return np.dtype(self.code).newbyteorder(self.order)


@dataclass
class PickledArray:
    """A numpy array."""

    dtype: PickledDtype | None = None
    shape: tuple[int, ...] = ()
    fortran: bool = False
    data: memoryview | bytes = field(default=b"", repr=False)


def dtype_code(value: object) -> str:
    """One of numpy's codes for plain numbers; CheckpointError for anything else, objects above all."""
    if not isinstance(value, str) or value not in _NUMPY_CODES:
        raise CheckpointError("It holds a number of a type that no StyleGAN2 network needs.")
    return value


def extent(value: object) -> tuple[int, ...]:
    """Sizes or strides of a tensor; CheckpointError where they cannot be any."""
    whole = isinstance(value, tuple) and all(type(n) is int and n >= 0 for n in value)
    if not whole or len(value) > _MAX_DIMENSIONS:  # type: ignore[arg-type]
        raise CheckpointError("A tensor in this file is damaged.")
    return value  # type: ignore[return-value]


def bytes_of(value: object) -> memoryview:
    """A byte string of a pickle; CheckpointError where it is something else."""
    if not isinstance(value, bytes | memoryview):
        raise CheckpointError("This file is damaged.")
    return memoryview(value)


def scalar(dtype: object, data: object) -> object:
    """A numpy number as a Python one; CheckpointError where the bytes do not fit."""
    if not isinstance(dtype, PickledDtype):
        raise CheckpointError("A number in this file is damaged.")
    kind, raw = dtype.numpy(), bytes_of(data)
    if len(raw) != kind.itemsize:
        raise CheckpointError("A number in this file is damaged.")
    return np.frombuffer(raw, kind)[0].item()


def strided_values(storage: PickledStorage, tensor: PickledTensor) -> Tensor:
    """The tensor itself, contiguous, as stored. CheckpointError where it claims more than there is."""
    dtype = tensor.dtype or storage.dtype
    if dtype is None or storage.data is None:
        raise CheckpointError("A tensor in this file is larger than its data.")
    width = _ITEM_BYTES[dtype]
    available = min(len(storage.data) // width, storage.count if storage.dtype else len(storage.data))
    count = int(np.prod(tensor.size, dtype=object))
    if not count:
        return torch.empty(tensor.size, dtype=dtype)
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True))
    if last >= available or count > available:
        raise CheckpointError("A tensor in this file is larger than its data.")
    values = bytearray(storage.data[tensor.offset * width : (last + 1) * width])
    flat = torch.frombuffer(values, dtype=dtype)
    return flat.as_strided(tensor.size, tensor.stride).contiguous()


def array_values(array: PickledArray) -> Tensor:
    """The array as a tensor, in its own order of axes. CheckpointError where shape and bytes disagree."""
    if array.dtype is None:
        raise CheckpointError("An array in this file is damaged.")
    kind = array.dtype.numpy()
    if len(array.data) != kind.itemsize * int(np.prod(array.shape, dtype=object)):
        raise CheckpointError("An array in this file is larger than its data.")
    flat = np.frombuffer(array.data, kind).astype(kind.newbyteorder("="))
    return torch.from_numpy(flat.reshape(array.shape, order="F" if array.fortran else "C").copy())

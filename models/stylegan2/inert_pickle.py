"""Unpickling NVIDIA's network pickles into inert records: nothing that a file names is ever run.

Two walls: only the opcodes that such files consist of are understood, and a name in the file is only
looked up in a fixed table whose entries make plain records. No import, attribute lookup or call of
anything else can be written down in what is left of the pickle language.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from models.weights import CheckpointError


@dataclass(frozen=True)
class PickledModule:
    """A persistent object: its class's bare name and its __dict__. The source it carries is dropped."""

    class_name: str
    state: dict[str, object]


@dataclass(frozen=True)
class PickledTensor:
    """What is said of a tensor; nothing is allocated before materialise()."""

    storage: bytes = field(repr=False)  # a storage as torch.save wrote it before torch 1.6's zip files
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass
class _Dtype:
    code: str
    order: Literal["<", ">", "|"] = "<"


@dataclass(frozen=True)
class _Global:
    make: Callable[..., object]


class _Readable(Protocol):
    def read(self, n: int, /) -> bytes: ...
    def readline(self) -> bytes: ...


def _make_module(meta: object) -> PickledModule:
    if not isinstance(meta, dict) or meta.get("type") != "class":
        raise CheckpointError("A network in this pickle is damaged.")
    name, state = meta.get("class_name"), meta.get("state")
    if not isinstance(name, str) or not isinstance(state, dict):
        raise CheckpointError("A network in this pickle is damaged.")
    return PickledModule(name, state)


def _make_storage(data: object) -> bytes:
    if not isinstance(data, bytes):
        raise CheckpointError("A tensor in this pickle is damaged.")
    return data


def _is_extent(value: object) -> bool:
    return isinstance(value, tuple) and len(value) <= 8 and all(type(n) is int and n >= 0 for n in value)


def _make_tensor(storage: object, offset: object, size: object, stride: object, *_: object) -> PickledTensor:
    if not isinstance(storage, bytes) or not _is_extent((offset,)):
        raise CheckpointError("A tensor in this pickle is damaged.")
    if not _is_extent(size) or not _is_extent(stride) or len(size) != len(stride):  # type: ignore[arg-type]
        raise CheckpointError("A tensor in this pickle is damaged.")
    return PickledTensor(storage, offset, size, stride)  # type: ignore[arg-type]


def _make_parameter(tensor: object, *_: object) -> object:
    return tensor


def _make_dtype(code: object, *_: object) -> _Dtype:
    if code not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
        raise CheckpointError("A number in this pickle has a type that no StyleGAN2 network needs.")
    return _Dtype(str(code))


def _make_scalar(dtype: object, data: object) -> object:
    if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
        raise CheckpointError("A number in this pickle is damaged.")
    kind = np.dtype(dtype.code).newbyteorder(dtype.order)
    if len(data) != kind.itemsize:
        raise CheckpointError("A number in this pickle is damaged.")
    return np.frombuffer(data, kind)[0].item()


def _make_set(items: object) -> object:
    return items  # only names that nothing here looks at


_SCALAR = _Global(_make_scalar)
_GLOBALS = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _Global(_make_module),
    ("dnnlib.util", "EasyDict"): _Global(dict[object, object]),
    ("collections", "OrderedDict"): _Global(dict[object, object]),
    ("torch._utils", "_rebuild_tensor_v2"): _Global(_make_tensor),
    ("torch._utils", "_rebuild_parameter"): _Global(_make_parameter),
    ("torch.storage", "_load_from_bytes"): _Global(_make_storage),
    ("numpy", "dtype"): _Global(_make_dtype),
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,  # its name since numpy 2
    ("builtins", "set"): _Global(_make_set),
}

_PLAIN_OPCODES = (
    *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BINFLOAT),
    *(pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINBYTES, pickle.SHORT_BINBYTES),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_SET, pickle.ADDITEMS),
    *(pickle.EMPTY_DICT, pickle.SETITEM, pickle.SETITEMS),
    *(pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET),
    *(pickle.GLOBAL, pickle.STACK_GLOBAL),
)


class _InertUnpickler(pickle._Unpickler):
    """Python's own unpickler in Python: the C one grows its memo to whatever index a file names."""

    dispatch: ClassVar[dict[int, Callable[[pickle.Unpickler], None]]] = {
        code[0]: pickle._Unpickler.dispatch[code[0]] for code in _PLAIN_OPCODES
    }

    def find_class(self, module: str, name: str) -> _Global:
        """The table's entry; never the base class's lookup, which imports."""
        if module == "dnnlib.tflib.network":
            raise CheckpointError("TensorFlow StyleGAN pickles are not supported.")
        try:
            return _GLOBALS[module, name]
        except KeyError:
            wanted = ascii(f"{module}.{name}")[1:-1][:80]
            raise CheckpointError(f"It asks for {wanted}, which no StyleGAN2 network needs.") from None

    def _reduce(self: Any) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise CheckpointError("This pickle is damaged.")
        self.stack[-1] = function.make(*arguments)

    def _build(self: Any) -> None:
        """State is only ever set on a numpy dtype, whose second entry is the byte order."""
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, _Dtype) or not isinstance(state, tuple) or state[1] not in ("<", ">", "|"):
            raise CheckpointError("This pickle is damaged.")
        target.order = state[1]

    dispatch[pickle.REDUCE[0]] = _reduce
    dispatch[pickle.NEWOBJ[0]] = _reduce
    dispatch[pickle.BUILD[0]] = _build


def unpickle(stream: _Readable) -> object:
    """What the pickle holds, as records, dicts, lists and plain values.

    Raises CheckpointError whatever is wrong with the file.
    """
    try:
        return _InertUnpickler(stream).load()
    except CheckpointError:
        raise
    except Exception as error:  # whatever a broken pickle provokes, MemoryError and RecursionError too
        raise CheckpointError("This is not a network pickle, or it is damaged.") from error


def materialise(tensor: PickledTensor) -> Tensor:
    """The tensor itself, contiguous. Raises CheckpointError where it claims more than its storage holds."""
    flat = _storage_values(tensor.storage)
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True))
    count = int(np.prod(tensor.size, dtype=object))
    if count and (last >= flat.numel() or count > flat.numel()):
        raise CheckpointError("A tensor in this pickle is larger than its data.")
    if not count:
        return flat.new_empty(tensor.size)
    return flat.as_strided(tensor.size, tensor.stride, tensor.offset).clone(
        memory_format=torch.contiguous_format
    )


def _storage_values(data: bytes) -> Tensor:
    """A saved storage as a flat tensor: a second pickle, then the values, at the end.

    torch.load(weights_only=True) runs no code from it, but gives memory that it did not fill where
    the values are left out: so what it gives must be the very bytes at the end.
    """
    try:
        storage = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError("The data of a tensor in this pickle is damaged or unsafe.") from error
    if not isinstance(storage, torch.storage.TypedStorage) or storage.dtype not in (
        torch.float16,
        torch.float32,
    ):
        raise CheckpointError("The data of a tensor in this pickle is not float16 or float32.")
    size = storage._untyped_storage.nbytes()
    values = torch.empty(0, dtype=torch.uint8).set_(storage._untyped_storage)
    if size > len(data) or data[len(data) - size :] != values.numpy().tobytes():
        raise CheckpointError("A tensor in this pickle is larger than its data.")
    return values.view(storage.dtype)

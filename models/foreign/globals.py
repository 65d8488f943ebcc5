"""The names that network pickles use, and the records that stand for them here. There are no others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch

from models.foreign.recognition import WHAT_WORKS
from models.foreign.records import (
    DTYPES,
    NestedFile,
    PickledArray,
    PickledDtype,
    PickledModule,
    PickledObject,
    PickledStorage,
    PickledTensor,
    bytes_of,
    dtype_code,
    extent,
    scalar,
)
from models.weights import CheckpointError


@dataclass(frozen=True)
class Global:
    """What a name in a pickle may do: make a record."""

    make: Callable[..., object]


@dataclass(frozen=True)
class StorageClass(Global):
    """The class of a storage: the type of its numbers, None where it is bytes."""

    dtype: torch.dtype | None


@dataclass(frozen=True)
class TensorType(Global):
    """A torch.dtype, which pickles name instead of making."""

    dtype: torch.dtype


# Packages whose names give away what a file is.
_STRANGERS = {
    "tfutil": "a ProGAN network of the TensorFlow code",
    "pytorch_lightning": "a PyTorch Lightning checkpoint, as diffusion models come in",
    "lightning": "a PyTorch Lightning checkpoint, as diffusion models come in",
    "omegaconf": "a checkpoint with settings of OmegaConf, as diffusion models have",
    "transformers": "a model of the transformers library",
    "diffusers": "a diffusion model",
    "sklearn": "a scikit-learn model",
    "torch.nn.modules": "a whole PyTorch module, which only the program that saved it can load",
    "__main__": "an object of somebody's own program",
}


def refused_name(module: str, name: str) -> CheckpointError:
    """Why the file that asks for this name is not read."""
    for package, what in _STRANGERS.items():
        if f"{module}.".startswith(f"{package}."):
            return CheckpointError(f"It is {what}; {WHAT_WORKS}.")
    wanted = ascii(f"{module}.{name}")[1:-1][:80]
    return CheckpointError(f"It asks for {wanted}, which no StyleGAN2 network needs.")


def _module(meta: object) -> PickledModule:
    if isinstance(meta, dict) and meta.get("type") == "class":
        name, state = meta.get("class_name"), meta.get("state")
        if isinstance(name, str) and isinstance(state, dict):
            return PickledModule(name, state)
    raise CheckpointError("A network in this file is damaged.")


def _dict(*arguments: object) -> dict[object, object]:
    """OrderedDict() and EasyDict(), or Python 2's OrderedDict([[key, value], ...])."""
    if not arguments:
        return {}
    pairs = arguments[0] if len(arguments) == 1 else None
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
    ):
        raise CheckpointError("This file is damaged.")
    return dict(pairs)


def _tensor(storage: object, offset: object, size: object, stride: object, *_: object) -> PickledTensor:
    sizes, strides = extent(size), extent(stride)
    if not isinstance(storage, PickledStorage | NestedFile) or len(sizes) != len(strides):
        raise CheckpointError("A tensor in this file is damaged.")
    return PickledTensor(storage, extent((offset,))[0], sizes, strides)


def _typed_tensor(*arguments: object) -> PickledTensor:
    """torch._utils._rebuild_tensor_v3: the type is said apart from the storage."""
    storage, offset, size, stride, _grad, _hooks, dtype, *_ = arguments
    tensor = _tensor(storage, offset, size, stride)
    if not isinstance(dtype, TensorType):
        raise CheckpointError("A tensor in this file is damaged.")
    return dataclasses.replace(tensor, dtype=dtype.dtype)


def _parameter(tensor: object, *_: object) -> object:
    return tensor


def _from_type(function: object, _type: object, arguments: object, *_: object) -> object:
    """A tensor with Python attributes: the attributes are dropped."""
    if not isinstance(function, Global) or not isinstance(arguments, tuple):
        raise CheckpointError("A tensor in this file is damaged.")
    return function.make(*arguments)


def _dtype(code: object, *_: object) -> PickledDtype:
    return PickledDtype(dtype_code(code))


def _array(*_: object) -> PickledArray:
    return PickledArray()  # its state follows


def _array_from_buffer(data: object, dtype: object, shape: object, order: object) -> PickledArray:
    if not isinstance(dtype, PickledDtype):
        raise CheckpointError("An array in this file is damaged.")
    return PickledArray(dtype, extent(shape), order == "F", bytes_of(data))


def _encoded(text: object, *_: object) -> bytes:
    """Python 3 writes bytes so where the pickle must be readable by Python 2."""
    if not isinstance(text, str):
        raise CheckpointError("This file is damaged.")
    return text.encode("latin1")


def _as_list(items: object = (), *_: object) -> list[object]:
    return list(items) if isinstance(items, list | tuple) else []


def _object(class_name: str) -> Global:
    return Global(lambda *_: PickledObject(class_name))


def _named_only(*_: object) -> object:
    raise CheckpointError("This file is damaged.")


_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": None,
}

GLOBALS: dict[tuple[str, str], Global] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Global(_module),
    ("dnnlib.util", "EasyDict"): Global(_dict),
    ("dnnlib", "EasyDict"): Global(_dict),
    ("dnnlib.tflib.network", "Network"): _object("Network"),
    ("collections", "OrderedDict"): Global(_dict),
    ("argparse", "Namespace"): _object("Namespace"),
    ("_codecs", "encode"): Global(_encoded),
    ("torch._utils", "_rebuild_tensor"): Global(_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): Global(_tensor),
    ("torch._utils", "_rebuild_tensor_v3"): Global(_typed_tensor),
    ("torch._utils", "_rebuild_parameter"): Global(_parameter),
    ("torch._utils", "_rebuild_parameter_with_state"): Global(_parameter),
    ("torch._tensor", "_rebuild_from_type_v2"): Global(_from_type),
    ("torch", "Tensor"): Global(_named_only),
    ("torch.nn.parameter", "Parameter"): Global(_parameter),
    ("torch", "Size"): Global(lambda sizes: extent(tuple(sizes))),
    ("torch", "device"): Global(lambda *_: None),
    ("torch.storage", "_load_from_bytes"): Global(lambda data: NestedFile(bytes_of(data))),
    ("numpy", "dtype"): Global(_dtype),
    ("numpy", "ndarray"): Global(_named_only),
    **{("torch", name): StorageClass(_named_only, dtype) for name, dtype in _STORAGES.items()},
    ("torch.storage", "UntypedStorage"): StorageClass(_named_only, None),
    **{("torch", name): TensorType(_named_only, dtype) for name, dtype in DTYPES.items()},
    **{(module, "set"): Global(_as_list) for module in ("builtins", "__builtin__")},
    **{(f"numpy.{core}.multiarray", "scalar"): Global(scalar) for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): Global(_array) for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): Global(_array_from_buffer) for core in ("core", "_core")},
}

"""Writing pickles in the structure of NVIDIA's from networks of ours, true ones and others."""

from __future__ import annotations

import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.stylegan2.discriminator import Discriminator
from models.stylegan2.generator import Generator
from tests.models.pickles import Reduced, saved

State = dict[str, Any]
Reconstruct = Callable[..., object]

_CLASSES = {
    "FullyConnected": "FullyConnectedLayer",
    "ToRGB": "ToRGBLayer",
    "Convolution": "Conv2dLayer",
    "UpsamplingShortcut": "Conv2dLayer",
    "DownsamplingShortcut": "Conv2dLayer",
    "LabelMapping": "MappingNetwork",
}


def persistence_function(monkeypatch: pytest.MonkeyPatch) -> Reconstruct:
    """The function that NVIDIA's pickles name, picklable under its name for the time of a test."""
    module = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(_meta: object) -> None:
        raise AssertionError("a test executed a pickle")

    _reconstruct_persistent_obj.__module__ = module.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_utils", types.ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return _reconstruct_persistent_obj


def storage_of(tensor: torch.Tensor) -> bytes:
    """A storage as NVIDIA's pickles nest it."""
    untyped = tensor.detach().clone().untyped_storage()
    typed: Callable[..., object] = torch.storage.TypedStorage
    return saved(typed(wrap_storage=untyped, dtype=tensor.dtype, _internal=True), legacy=True)


def pickled_tensor(
    data: bytes, size: tuple[int, ...], stride: tuple[int, ...], offset: object = 0
) -> Reduced:
    """A tensor as NVIDIA's pickles write it, whether it fits its storage or not."""
    storage = Reduced(torch.storage._load_from_bytes, data)
    no_hooks: OrderedDict[str, object] = OrderedDict()
    return Reduced(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, no_hooks)


def module_states(network: Generator | Discriminator) -> dict[str, State]:
    """NVIDIA's __dict__ of every module, by dotted name; children are put in by persistent()."""
    states: dict[str, State] = {}
    for name, module in network.named_modules():
        tensors = {
            key: pickled_tensor(storage_of(value), tuple(value.shape), value.stride())
            for key, value in [*module._parameters.items(), *module._buffers.items()]
            if value is not None
        }
        kind = _CLASSES.get(type(module).__name__, type(module).__name__)
        state: State = {"_parameters": tensors, "_buffers": {"unused": None}, "_modules": {}, "class": kind}
        states[name] = state | _attributes(name, kind, network)
    if isinstance(network, Discriminator) and network.config.mbstd_num_channels:
        group = network.config.mbstd_group_size
        states["b4.mbstd"] = {
            "_parameters": {},
            "_buffers": {},
            "class": "MinibatchStdLayer",
            "group_size": group,
        }
    return states


def _attributes(name: str, kind: str, network: Generator | Discriminator) -> State:
    config, shortcut = network.config, name.endswith(".skip")
    mapped = name.startswith("mapping.fc")
    attributes: dict[str, State] = {
        "MappingNetwork": {"num_layers": config.mapping_layers},
        "SynthesisBlock": {"architecture": config.architecture},
        "SynthesisLayer": {
            "activation": "lrelu",
            "use_noise": getattr(config, "use_noise", None),
            "conv_clamp": config.conv_clamp,
        },
        "ToRGBLayer": {"conv_clamp": config.conv_clamp},
        "Conv2dLayer": {
            "activation": "linear" if shortcut else "lrelu",
            "conv_clamp": None if shortcut or name == "b4.fromrgb" else config.conv_clamp,
        },
        "FullyConnectedLayer": {
            "activation": "lrelu" if mapped or name == "b4.fc" else "linear",
            "bias_gain": np.float64(config.mapping_lr_multiplier) if mapped else 1,
        },
    }
    return attributes.get(kind, {})


def persistent(
    states: dict[str, State], reconstruct: Reconstruct, source: str = "raise SystemExit"
) -> Reduced:
    """The top module and all below it as NVIDIA's persistent objects, which carry their source code."""

    def network(name: str) -> Reduced:
        state = dict(states[name])
        prefix = f"{name}." if name else ""
        children = [key for key in states if key.startswith(prefix) and key and "." not in key[len(prefix) :]]
        state["_modules"] = {key[len(prefix) :]: network(key) for key in children if key != name}
        meta = {"type": "class", "version": 6, "module_src": source, "class_name": state.pop("class")}
        return Reduced(reconstruct, meta | {"state": state})

    return network("")


def network_file(
    path: Path, reconstruct: Reconstruct, states: dict[str, State], source: str = "raise SystemExit"
) -> Path:
    """A pickle whose G_ema has these states."""
    path.write_bytes(pickle.dumps({"G_ema": persistent(states, reconstruct, source)}, protocol=4))
    return path

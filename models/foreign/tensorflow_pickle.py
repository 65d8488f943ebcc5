"""Networks of the original TensorFlow code of StyleGAN2: a pickle of the tuple (G, D, Gs).

Their variables have names like "8x8/Conv0_up/weight", kernels [kh, kw, in, out] and dense layers [in, out].
The rules are those of NVIDIA's own converter, so that the numbers are those of their PyTorch networks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from models.foreign.network import ForeignNetwork, Networks, checked_network
from models.foreign.recognition import WHAT_WORKS
from models.foreign.records import PickledArray, PickledObject, array_values
from models.foreign.shapes import discriminator_config, filters, generator_config
from models.weights import CheckpointError

_MAX_VARIABLES = 5000
Transform = Callable[[Tensor], Tensor]


def find_networks(content: object) -> Networks | None:
    """Networks of an unpickled file; None where it holds none of the TensorFlow code."""
    networks = list(content) if isinstance(content, tuple | list) else [content]
    states = [n.state for n in networks if isinstance(n, PickledObject) and n.class_name == "Network"]
    if not states or len(states) != len(networks):
        return None
    if len(states) == 3:
        _G, D, Gs = states  # Gs: the averaged weights
        return {"generator": lambda: read_generator(Gs), "discriminator": lambda: read_discriminator(D)}
    if len(states) == 1 and str(states[0].get("build_func_name"))[:2] == "D_":
        return {"discriminator": lambda: read_discriminator(states[0])}
    return {"generator": lambda: read_generator(states[-1])}


def read_generator(state: Mapping[object, object]) -> ForeignNetwork:
    """Raises CheckpointError where it is not a StyleGAN2 generator that can be built."""
    _refuse_older(state)
    options = _options(state)
    variables = _variables(state)
    size = options.get("resolution")
    tensors: dict[str, Tensor] = {}
    for name, value in variables.items():
        if name != "lod":
            ours, transform = _generator_name(name, size)
            tensors[ours] = transform(_tensor(value))
    config = generator_config(
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        _taps(options),
        conv_clamp=options.get("conv_clamp"),
        lr_multiplier=options.get("mapping_lrmul", 0.01),
    )
    return checked_network(config, {**tensors, **filters(config)})


def read_discriminator(state: Mapping[object, object]) -> ForeignNetwork:
    """Raises CheckpointError where it is not a StyleGAN2 discriminator that can be built."""
    _refuse_older(state)
    options = _options(state)
    size = options.get("resolution")
    tensors: dict[str, Tensor] = {}
    for name, value in _variables(state).items():
        if name != "lod":
            ours, transform = _discriminator_name(name, size)
            tensors[ours] = transform(_tensor(value))
    config = discriminator_config(
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        _taps(options),
        conv_clamp=options.get("conv_clamp"),
        mbstd_group_size=options.get("mbstd_group_size"),  # where it is not said: the whole batch
        lr_multiplier=options.get("mapping_lrmul", 0.1),
    )
    return checked_network(config, {**tensors, **filters(config)})


def _kernel(x: Tensor) -> Tensor:
    return x.permute(3, 2, 0, 1)


def _flipped_kernel(x: Tensor) -> Tensor:
    return x.flip([0, 1]).permute(3, 2, 0, 1)


def _same(x: Tensor) -> Tensor:
    return x


def _generator_name(name: str, size: object) -> tuple[str, Transform]:
    """Our name for a variable, and what makes our tensor of it."""
    if name == "dlatent_avg":
        return "mapping.w_avg", _same
    if match := re.fullmatch(r"mapping/(?:Dense(\d+)|LabelEmbed)/(weight|bias)", name):
        layer = "embed" if match[1] is None else f"fc{match[1]}"
        return f"mapping.{layer}.{match[2]}", torch.t if match[2] == "weight" else _same
    if match := re.fullmatch(r"synthesis/noise(\d{1,2})", name):
        index = int(match[1])
        layer = f"b{2 ** ((index + 5) // 2)}.conv{(index + 1) % 2}"
        return f"synthesis.{layer}.noise_const", lambda x: x[0, 0]
    if name == "synthesis/4x4/Const/const":
        return "synthesis.b4.const", lambda x: x[0]
    match = re.fullmatch(r"synthesis/(?:(\d+)x\1/)?(\w+)/(\w+)", name.replace("4x4/Conv/", "4x4/Conv1/"))
    if match is None:
        raise _unknown(name)
    layer, resolution = _layer_of_lod(match[2], match[1], size)
    ours = {"Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"}.get(layer)
    part: tuple[str, Transform] | None = {
        "weight": ("weight", _flipped_kernel if ours in ("conv0", "skip") else _kernel),
        "bias": ("bias", _same),
        "noise_strength": ("noise_strength", _same),
        "mod_weight": ("affine.weight", torch.t),
        "mod_bias": ("affine.bias", lambda x: x + 1),
    }.get(match[3])
    if ours is None or part is None:
        raise _unknown(name)
    return f"synthesis.b{resolution}.{ours}.{part[0]}", part[1]


def _discriminator_name(name: str, size: object) -> tuple[str, Transform]:
    if match := re.fullmatch(r"(LabelEmbed|Mapping(\d+)|Output|4x4/Dense0)/(weight|bias)", name):
        layer = {"LabelEmbed": "mapping.embed", "Output": "b4.out", "4x4/Dense0": "b4.fc"}.get(match[1])
        return f"{layer or f'mapping.fc{match[2]}'}.{match[3]}", torch.t if match[3] == "weight" else _same
    match = re.fullmatch(r"(?:(\d+)x\1/)?(\w+)/(weight|bias)", name)
    if match is None:
        raise _unknown(name)
    layer, resolution = _layer_of_lod(match[2], match[1], size)
    names = {"FromRGB": "fromrgb", "Conv0": "conv0", "Conv1_down": "conv1", "Skip": "skip", "Conv": "conv"}
    if layer not in names:
        raise _unknown(name)
    return f"b{resolution}.{names[layer]}.{match[3]}", _kernel if match[3] == "weight" else _same


def _layer_of_lod(layer: str, resolution: str | None, size: object) -> tuple[str, str]:
    """Layer and resolution; "ToRGB_lod2", as some configurations say, is that of a quarter of the size."""
    match = re.fullmatch(r"(ToRGB|FromRGB)_lod(\d{1,2})", layer)
    if match is None:
        return layer, resolution or ""
    if type(size) is not int:
        raise CheckpointError("The resolution of this TensorFlow network is missing.")
    return match[1], str(size >> int(match[2]))


def _refuse_older(state: Mapping[object, object]) -> None:
    components = state.get("components")
    parts = list(components.values()) if isinstance(components, dict) else []
    names = [
        part.get("build_func_name")
        for part in (state, *(p.state for p in parts if isinstance(p, PickledObject)))
    ]
    if any(name in ("G_style", "G_paper", "D_basic", "D_paper") for name in names if isinstance(name, str)):
        raise CheckpointError(f"It is a StyleGAN1 or ProGAN network of the TensorFlow code; {WHAT_WORKS}.")


def _options(state: Mapping[object, object]) -> Mapping[object, object]:
    options = state.get("static_kwargs")
    if not isinstance(options, dict):
        raise CheckpointError("A TensorFlow network in this file is damaged.")
    for name in ("nonlinearity", "mapping_nonlinearity"):
        if options.get(name, "lrelu") != "lrelu":
            raise CheckpointError(f"Its layers use another {name} than lrelu, which is not supported.")
    if options.get("normalize_latents", True) is not True:
        raise CheckpointError("Its latents are not normalised, which is not supported.")
    return options


def _variables(state: Mapping[object, object]) -> dict[str, object]:
    """Variables of a network and its components, under names like "synthesis/4x4/Conv/weight"."""
    components = state.get("components")
    found = dict(_own_variables(state, ""))
    for name, part in (components if isinstance(components, dict) else {}).items():
        if not isinstance(name, str) or not isinstance(part, PickledObject):
            raise CheckpointError("A TensorFlow network in this file is damaged.")
        found.update(_own_variables(part.state, f"{name}/"))
    if not found:
        raise CheckpointError("The TensorFlow network in this file has no weights.")
    return found


def _own_variables(state: Mapping[object, object], prefix: str) -> list[tuple[str, object]]:
    variables = state.get("variables", [])
    if not isinstance(variables, list) or len(variables) > _MAX_VARIABLES:
        raise CheckpointError("A TensorFlow network in this file is damaged.")
    named = []
    for entry in variables:
        if not isinstance(entry, tuple | list) or len(entry) != 2 or not isinstance(entry[0], str):
            raise CheckpointError("A TensorFlow network in this file is damaged.")
        named.append((prefix + entry[0][:200], entry[1]))
    return named


def _tensor(value: object) -> Tensor:
    if isinstance(value, PickledArray):
        return array_values(value)
    if isinstance(value, float):  # numpy.float32: exact as a Python number
        return torch.tensor(value, dtype=torch.float32)
    raise CheckpointError("A variable of this TensorFlow network is damaged.")


def _taps(options: Mapping[object, object]) -> list[float]:
    taps = options.get("resample_kernel") or [1, 3, 3, 1]
    if not isinstance(taps, list | tuple):
        raise CheckpointError("Its resampling filter is not a row of taps.")
    return list(taps)


def _unknown(name: str) -> CheckpointError:
    if "LabelConcat" in name:
        return CheckpointError(
            "It is conditional in the way of the original TensorFlow code, which is not supported."
        )
    if "StyleMod" in name:
        return CheckpointError(f"It is a StyleGAN1 network of the TensorFlow code; {WHAT_WORKS}.")
    return CheckpointError(f"The variable {ascii(name)[:80]} is no part of a StyleGAN2 network.")

"""Is this a generator that can be built? Checks of config and tensors before either is used."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from models.stylegan2.generator import Generator, GeneratorConfig
from models.weights import CheckpointError

_CHANNEL_LIMIT = 8192


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _positive(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0  # type: ignore[arg-type,operator]


def _optional(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


def _is_filter(value: object) -> bool:
    """1 to 7 taps: from 8 on NVIDIA's code stores a separable filter, which is another tensor."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 7:
        return False
    return all(type(tap) in (int, float) and abs(tap) < 1e6 for tap in value) and sum(value) != 0


# The limits keep a hostile config from asking for absurd memory; real networks are far below them.
_CHECKS: dict[str, Callable[[object], bool]] = {
    "z_dim": _whole(1, _CHANNEL_LIMIT),
    "w_dim": _whole(1, _CHANNEL_LIMIT),
    "img_resolution": lambda value: value in [2**i for i in range(2, 13)] and type(value) is int,
    "img_channels": _whole(1, 16),
    "c_dim": _whole(0, 100_000),
    "mapping_layers": _whole(1, 64),
    "mapping_features": _optional(_whole(1, _CHANNEL_LIMIT)),
    "mapping_lr_multiplier": _positive,
    "channel_base": _whole(4, 2**24),
    "channel_max": _whole(1, _CHANNEL_LIMIT),
    "conv_clamp": _optional(_positive),
    "resample_filter": _is_filter,
    "use_noise": lambda value: type(value) is bool,
}


def parse_config(values: Mapping[str, object]) -> GeneratorConfig:
    """GeneratorConfig from JSON values (those with a default may be left out); CheckpointError if wrong."""
    fields = {field.name: field for field in dataclasses.fields(GeneratorConfig)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise CheckpointError(f"The config of this generator has the unknown entry {ascii(unknown[0])[:80]}.")
    for name, field in fields.items():
        if name not in values:
            if field.default is dataclasses.MISSING:
                raise CheckpointError(f"The config of this generator lacks {name}.")
        elif not _CHECKS[name](values[name]):
            raise CheckpointError(f"The config of this generator has a bad {name}.")
    known = dict(values)
    taps = known.get("resample_filter")
    if isinstance(taps, list):
        known["resample_filter"] = tuple(taps)
    config = GeneratorConfig(**known)  # type: ignore[arg-type]
    if config.channels(config.img_resolution) < 1:
        raise CheckpointError("The config of this generator has a channel_base below its resolution.")
    return config


def check_tensors(config: GeneratorConfig, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Names and shapes must be exactly those of Generator(config); CheckpointError names the first not."""
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in Generator(config).state_dict().items()}
    missing = [name for name in expected if name not in shapes]
    if missing:
        raise CheckpointError(f"{missing[0]} is missing ({len(missing)} of {len(expected)} tensors are).")
    unknown = [name for name in shapes if name not in expected]
    if unknown:
        raise CheckpointError(
            f"The tensor {ascii(unknown[0])[:80]} is no part of such a StyleGAN2 generator."
        )
    for name, shape in expected.items():
        if tuple(shapes[name]) != shape:
            found = str(list(shapes[name]))[:80]
            raise CheckpointError(f"{name} has the shape {found} instead of {list(shape)}.")


def build_generator(
    config: GeneratorConfig, tensors: Mapping[str, Tensor], device: str | torch.device
) -> Generator:
    """A generator with those tensors as float32: eval mode, no gradients. Raises CheckpointError."""
    check_tensors(config, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
    with torch.device("meta"):  # no random initial weights: they cost time and draw from the global seed
        generator = Generator(config)
    generator.to_empty(device=device)
    generator.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return generator.eval().requires_grad_(False)

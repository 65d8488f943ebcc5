"""Is this a network that can be built? Checks of config and tensors before either is used."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TypeVar, get_args, overload

import torch
from torch import Tensor

from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import Architecture, GeneratorConfig
from models.weights import CheckpointError

Config = TypeVar("Config", GeneratorConfig, DiscriminatorConfig)
Network = TypeVar("Network", Generator, Discriminator)
_CHANNEL_LIMIT = 8192


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _positive(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0  # type: ignore[arg-type,operator]


def _optional(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


def _is_filter(value: object) -> bool:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 64:
        return False
    return all(type(tap) in (int, float) and abs(tap) < 1e6 for tap in value) and sum(value) != 0


def _is_channels(value: object) -> bool:
    check = _whole(1, _CHANNEL_LIMIT)
    return isinstance(value, list | tuple) and len(value) <= 16 and all(check(entry) for entry in value)


def _power_of_two(low: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= 4096 and value.bit_count() == 1


_WIDTH = _whole(1, _CHANNEL_LIMIT)
# The limits keep a hostile config from asking for absurd memory; real networks are far below them.
_SHARED_CHECKS: dict[str, Callable[[object], bool]] = {
    "img_channels": _whole(1, 16),
    "c_dim": _whole(0, 100_000),
    "architecture": lambda value: isinstance(value, str) and value in get_args(Architecture),
    "channel_base": _whole(4, 2**24),
    "channel_max": _WIDTH,
    "block_channels": _optional(_is_channels),
    "conv_clamp": _optional(_positive),
    "resample_filter": _is_filter,
    "mapping_layers": _whole(0, 64),
    "mapping_features": _optional(_WIDTH),
    "embed_features": _optional(_WIDTH),
    "mapping_lr_multiplier": _positive,
}
_GENERATOR_CHECKS = _SHARED_CHECKS | {
    "z_dim": _WIDTH,
    "w_dim": _WIDTH,
    "img_resolution": _power_of_two(4),
    "use_noise": lambda value: type(value) is bool,
}
_DISCRIMINATOR_CHECKS = _SHARED_CHECKS | {
    "img_resolution": _power_of_two(8),
    "mbstd_group_size": _optional(_whole(1, 4096)),
    "mbstd_num_channels": _whole(0, _CHANNEL_LIMIT),
    "cmap_dim": _optional(_WIDTH),
}


def parse_generator_config(values: Mapping[str, object]) -> GeneratorConfig:
    """GeneratorConfig from JSON values (those with a default may be left out); CheckpointError if wrong."""
    return _parse(GeneratorConfig, values, _GENERATOR_CHECKS, "generator")


def parse_discriminator_config(values: Mapping[str, object]) -> DiscriminatorConfig:
    """As parse_generator_config."""
    return _parse(DiscriminatorConfig, values, _DISCRIMINATOR_CHECKS, "discriminator")


def _parse(
    kind: type[Config],
    values: Mapping[str, object],
    checks: Mapping[str, Callable[[object], bool]],
    noun: str,
) -> Config:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise CheckpointError(f"The config of this {noun} has the unknown entry {ascii(unknown[0])[:80]}.")
    for name, field in fields.items():
        if name not in values:
            if field.default is dataclasses.MISSING:
                raise CheckpointError(f"The config of this {noun} lacks {name}.")
        elif not checks[name](values[name]):
            raise CheckpointError(f"The config of this {noun} has a bad {name}.")
    known = dict(values)
    known |= {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
    try:
        config = kind(**known)  # type: ignore[arg-type]
    except ValueError as error:
        raise CheckpointError(f"The config of this {noun} is wrong: {error}.") from error
    if config.channels(config.img_resolution) < 1:
        raise CheckpointError(f"The config of this {noun} has a channel_base below its resolution.")
    return config


def check_tensors(
    config: GeneratorConfig | DiscriminatorConfig, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Names and shapes must be exactly those of the network; CheckpointError names the first that is not."""
    expected = {name: tuple(value.shape) for name, value in _unfilled(config).state_dict().items()}
    missing = [name for name in expected if name not in shapes]
    if missing:
        raise CheckpointError(f"{missing[0]} is missing ({len(missing)} of {len(expected)} tensors are).")
    unknown = [name for name in shapes if name not in expected]
    if unknown:
        raise CheckpointError(f"The tensor {ascii(unknown[0])[:80]} is no part of such a StyleGAN2 network.")
    for name, shape in expected.items():
        if tuple(shapes[name]) != shape:
            found = str(list(shapes[name]))[:80]
            raise CheckpointError(f"{name} has the shape {found} instead of {list(shape)}.")


def build_generator(
    config: GeneratorConfig, tensors: Mapping[str, Tensor], device: str | torch.device
) -> Generator:
    """A generator with those tensors as float32: eval mode, no gradients. Raises CheckpointError."""
    return _filled(_unfilled(config), config, tensors, device)


def build_discriminator(
    config: DiscriminatorConfig, tensors: Mapping[str, Tensor], device: str | torch.device
) -> Discriminator:
    """As build_generator."""
    return _filled(_unfilled(config), config, tensors, device)


@overload
def _unfilled(config: GeneratorConfig) -> Generator: ...
@overload
def _unfilled(config: DiscriminatorConfig) -> Discriminator: ...
def _unfilled(config: GeneratorConfig | DiscriminatorConfig) -> Generator | Discriminator:
    """Without memory for weights: random initial ones cost time and draw from the global seed."""
    with torch.inference_mode(False), torch.device("meta"):
        return Generator(config) if isinstance(config, GeneratorConfig) else Discriminator(config)


def _filled(
    network: Network,
    config: GeneratorConfig | DiscriminatorConfig,
    tensors: Mapping[str, Tensor],
    device: str | torch.device,
) -> Network:
    check_tensors(config, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
    with torch.inference_mode(False):  # or changes of the weights would not be counted
        network.to_empty(device=device)
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        return network.eval().requires_grad_(False)

"""Configurations read off the shapes of the tensors, which hold in every version of every program.

Names are NVIDIA's; what shapes do not show (clamping, learning rates, groups) the caller says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.validation import parse_discriminator_config, parse_generator_config
from models.weights import CheckpointError

Shapes = Mapping[str, tuple[int, ...]]


def generator_config(
    shapes: Shapes, taps: Iterable[float], conv_clamp: object = None, lr_multiplier: object = 0.01
) -> GeneratorConfig:
    """Raises CheckpointError where the shapes are not those of a StyleGAN2 generator."""
    resolutions = _resolutions(shapes, "synthesis.")
    channels = [_size(shapes, f"synthesis.b{r}.conv1.weight", 0) for r in resolutions]
    last = f"synthesis.b{resolutions[-1]}"
    w_dim = _size(shapes, f"{last}.conv1.affine.weight", 1)
    depth = _depth(shapes, "mapping.fc")
    c_dim, embedded = _embedding(shapes, "mapping.embed.weight")
    inputs = _size(shapes, "mapping.fc0.weight", 1) if depth else w_dim  # of the first layer, or of none
    return parse_generator_config(
        {
            "z_dim": inputs - embedded,
            "w_dim": w_dim,
            "c_dim": c_dim,
            "img_resolution": resolutions[-1],
            "img_channels": _size(shapes, f"{last}.torgb.weight", 0),
            "mapping_layers": depth,
            "mapping_features": _size(shapes, "mapping.fc0.weight", 0) if depth > 1 else None,
            "mapping_lr_multiplier": lr_multiplier,
            "embed_features": embedded or None,
            "block_channels": channels,
            "conv_clamp": conv_clamp,
            "resample_filter": list(taps),
            "use_noise": "synthesis.b4.conv1.noise_strength" in shapes,
            "architecture": _architecture(
                shapes, skip="synthesis.b4.torgb.weight", resnet=f"{last}.skip.weight"
            ),
        }
    )


def discriminator_config(
    shapes: Shapes,
    taps: Iterable[float],
    conv_clamp: object = None,
    mbstd_group_size: object = None,
    lr_multiplier: object = 0.01,
) -> DiscriminatorConfig:
    """Raises CheckpointError where the shapes are not those of a StyleGAN2 discriminator."""
    resolutions = _resolutions(shapes, "")
    first = f"b{resolutions[-1]}"
    last_channels = _size(shapes, "b4.conv.weight", 0)
    channels = [_size(shapes, f"b{r}.conv0.weight", 0) for r in resolutions[1:]]
    depth = _depth(shapes, "mapping.fc")
    c_dim, embedded = _embedding(shapes, "mapping.embed.weight")
    return parse_discriminator_config(
        {
            "img_resolution": resolutions[-1],
            "img_channels": _size(shapes, f"{first}.fromrgb.weight", 1),
            "c_dim": c_dim,
            "architecture": _architecture(shapes, skip="b4.fromrgb.weight", resnet=f"{first}.skip.weight"),
            "block_channels": [last_channels, *channels],
            "conv_clamp": conv_clamp,
            "resample_filter": list(taps),
            "mbstd_group_size": mbstd_group_size,
            "mbstd_num_channels": _size(shapes, "b4.conv.weight", 1) - last_channels,
            "cmap_dim": _size(shapes, "b4.out.weight", 0) if c_dim else None,
            "mapping_layers": depth,
            "mapping_features": _size(shapes, "mapping.fc0.weight", 0) if depth > 1 else None,
            "embed_features": embedded or None,
            "mapping_lr_multiplier": lr_multiplier,
        }
    )


def taps_of(kernel: Tensor) -> tuple[float, ...]:
    """The taps of a stored low-pass filter [k, k] or [k], as whole numbers where they are such multiples.

    Raises CheckpointError where it is no outer product of a row of taps.
    """
    kernel = kernel.to(torch.float64)
    if kernel.ndim == 1:
        return _whole_numbers(kernel / kernel.sum())
    square = kernel.ndim == 2 and kernel.shape[0] == kernel.shape[1] < 8
    taps = kernel.sum(dim=1) / kernel.sum() if square else kernel.new_zeros(1)
    if not square or not torch.allclose(torch.outer(taps, taps) * kernel.sum(), kernel, atol=1e-5):
        raise CheckpointError("Its resampling filter is not an outer product of a row of taps.")
    return _whole_numbers(taps)


def _whole_numbers(taps: Tensor) -> tuple[float, ...]:
    smallest = taps.abs()[taps.abs() > 1e-6].min()
    multiples = taps / smallest
    near = torch.allclose(multiples, multiples.round(), atol=1e-4)
    return tuple((multiples.round() if near else taps).tolist())


def filters(config: GeneratorConfig | DiscriminatorConfig) -> dict[str, Tensor]:
    """The filter buffers of such a network, for files that do not hold them."""
    network = Generator(config) if isinstance(config, GeneratorConfig) else Discriminator(config)
    return {name: value for name, value in network.named_buffers() if name.endswith("resample_filter")}


def _resolutions(shapes: Shapes, prefix: str) -> list[int]:
    found = {
        int(match[1]) for name in shapes if (match := re.match(rf"{re.escape(prefix)}b(\d{{1,5}})\.", name))
    }
    expected = [2**i for i in range(2, 2 + len(found))]
    if not found or sorted(found) != expected:
        raise CheckpointError("Its tensors are not those of a StyleGAN2 network.")
    return expected


def _size(shapes: Shapes, name: str, axis: int) -> int:
    shape = shapes.get(name, ())
    if len(shape) <= axis:
        raise CheckpointError(f"The tensor {name} of a StyleGAN2 network is missing or damaged.")
    return shape[axis]


def _depth(shapes: Shapes, prefix: str) -> int:
    count = 0
    while f"{prefix}{count}.weight" in shapes:
        count += 1
    return count


def _embedding(shapes: Shapes, name: str) -> tuple[int, int]:
    """Width of the labels and of what they are embedded in; 0, 0 without labels."""
    return (_size(shapes, name, 1), _size(shapes, name, 0)) if name in shapes else (0, 0)


def _architecture(shapes: Shapes, *, skip: str, resnet: str) -> str:
    if resnet in shapes:
        return "resnet"
    return "skip" if skip in shapes else "orig"

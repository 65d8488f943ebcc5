"""Checkpoints of rosinality's stylegan2-pytorch: converted ones, and those that its training writes.

Layers are named by order ("convs.3.conv.weight"), and equalised factors are applied when the network runs,
also before demodulation: there they are multiplied into the weights here, so that the numbers are the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from models.foreign.network import ForeignNetwork, Kind, Networks, checked_network
from models.foreign.records import PickledTensor
from models.foreign.shapes import discriminator_config, filters, generator_config, taps_of
from models.foreign.torch_file import materialise
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.validation import build_generator
from models.weights import CheckpointError

State = Mapping[str, PickledTensor]
_GENERATOR_SIGN, _DISCRIMINATOR_SIGN = "conv1.conv.modulation.weight", "final_linear.1.weight"
_DEVIATION_GROUP = 4  # fixed in its code
# Files of its training hold no mean of w: it is taken over this many z of this seed of numpy's RandomState.
_AVERAGED, _AVERAGE_SEED = 4096, 657
_NOISE_SEED = 0  # of the noise maps, which its older files do not hold

_SYNTHESIS_PARTS = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}
_BLOCK_PARTS = {
    "conv1.0.weight": "conv0.weight",
    "conv1.1.bias": "conv0.bias",
    "conv2.1.weight": "conv1.weight",
    "conv2.2.bias": "conv1.bias",
    "skip.1.weight": "skip.weight",
}
_EPILOGUE = {
    "final_conv.0.weight": "b4.conv.weight",
    "final_conv.1.bias": "b4.conv.bias",
    "final_linear.0.weight": "b4.fc.weight",
    "final_linear.0.bias": "b4.fc.bias",
    "final_linear.1.weight": "b4.out.weight",
    "final_linear.1.bias": "b4.out.bias",
}


def find_networks(content: object) -> Networks | None:
    """Networks of an unpickled file; None where it holds none of this code."""
    if not isinstance(content, dict):
        return None
    found: dict[Kind, Callable[[], ForeignNetwork]] = {}
    generator = _state(content, ("g_ema", "g"), _GENERATOR_SIGN)  # g_ema: the averaged weights
    if generator is not None:
        found["generator"] = partial(read_generator, generator, content.get("latent_avg"))
    discriminator = _state(content, ("d",), _DISCRIMINATOR_SIGN)
    if discriminator is not None:
        found["discriminator"] = partial(read_discriminator, discriminator)
    return found or None


def read_generator(state: State, latent_avg: object) -> ForeignNetwork:
    """latent_avg: the file's mean of w, where it has one.

    Raises CheckpointError where it is not a StyleGAN2 generator that can be built.
    """
    tensors = {}
    for name, pickled in _without_filters(state).items():
        ours = _generator_name(name)
        tensors[ours] = _generator_tensor(ours, materialise(pickled))
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    config = generator_config(shapes, _taps(state))
    tensors = {**_drawn_noise(config), **tensors, **filters(config)}
    if isinstance(latent_avg, PickledTensor):
        average = materialise(latent_avg)
        tensors["mapping.w_avg"] = average[0] if average.ndim == 2 else average
    else:
        tensors["mapping.w_avg"] = _average_w(config, tensors)
    return checked_network(config, tensors)


def read_discriminator(state: State) -> ForeignNetwork:
    """Raises CheckpointError where it is not a StyleGAN2 discriminator that can be built."""
    named = _without_filters(state)
    blocks = len({match[1] for name in named if (match := re.match(r"convs\.(\d+)\.conv1\.", name))})
    tensors = {}
    for name, pickled in named.items():
        value = materialise(pickled)
        ours = _discriminator_name(name, blocks)
        tensors[ours] = value.flatten() if ours.endswith(".bias") else value
    config = discriminator_config(
        {name: tuple(tensor.shape) for name, tensor in tensors.items()},
        _taps(state),
        mbstd_group_size=_DEVIATION_GROUP,
    )
    return checked_network(config, {**tensors, **filters(config)})


def _state(content: Mapping[object, object], keys: tuple[str, ...], sign: str) -> State | None:
    """The state dict under one of the keys, or content itself, that has the tensor named sign."""
    for value in (*(content.get(key) for key in keys), content):
        if isinstance(value, dict):
            state = {
                name.removeprefix("module."): tensor  # of torch.nn.DataParallel
                for name, tensor in value.items()
                if isinstance(name, str) and isinstance(tensor, PickledTensor)
            }
            if sign in state:
                return state
    return None


def _is_filter(name: str) -> bool:
    return name.endswith(("blur.kernel", "upsample.kernel", "conv2.0.kernel", "skip.0.kernel"))


def _without_filters(state: State) -> State:
    return {name: pickled for name, pickled in state.items() if not _is_filter(name)}


def _taps(state: State) -> tuple[float, ...]:
    """Of the filters, which are all the same; those of up-convolutions contain their gain."""
    rows = [taps_of(materialise(pickled)) for name, pickled in state.items() if _is_filter(name)]
    if not rows:
        return (1, 3, 3, 1)
    if any(len(row) != len(rows[0]) or not np.allclose(row, rows[0], atol=1e-5) for row in rows):
        raise CheckpointError("Its layers differ in their resampling filter, which is not supported.")
    return rows[0]


def _layer(index: int) -> str:
    """Name of the index-th convolution with noise: b4.conv1, b8.conv0, b8.conv1, b16.conv0, ..."""
    return f"synthesis.b{2 ** ((index + 5) // 2)}.conv{(index + 1) % 2}"


def _generator_name(name: str) -> str:
    if match := re.fullmatch(r"style\.(\d{1,2})\.(weight|bias)", name):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}"  # style.0 is the normalisation
    if match := re.fullmatch(r"noises\.noise_(\d{1,2})", name):
        return f"{_layer(int(match[1]))}.noise_const"
    if name == "input.input":
        return "synthesis.b4.const"
    match = re.fullmatch(r"(conv1|to_rgb1|convs\.(\d{1,2})|to_rgbs\.(\d{1,2}))\.(.+)", name)
    part = None if match is None else _SYNTHESIS_PARTS.get(match[4])
    if match is None or part is None:
        raise _unknown(name)
    if match[2] is not None:
        layer = _layer(int(match[2]) + 1)
    elif match[3] is not None:
        layer = f"synthesis.b{8 << int(match[3])}.torgb"
    else:
        layer = "synthesis.b4.conv1" if match[1] == "conv1" else "synthesis.b4.torgb"
    return f"{layer}.{part}"


def _generator_tensor(name: str, value: Tensor) -> Tensor:
    """rosinality's shapes have leading ones: [1, out, in, k, k], [1, C, 4, 4], [1, 1, r, r]; strength [1]."""
    if name.endswith("noise_strength"):
        return value.reshape(())
    if name.endswith("noise_const"):
        return value[0, 0]
    if name.endswith(".const"):
        return value[0]
    if name.endswith(".bias"):
        return value.flatten()
    if re.fullmatch(r"synthesis\.b\d+\.conv\d\.weight", name):
        return value[0] / math.sqrt(value[0, 0].numel())
    return value[0] if name.endswith("torgb.weight") else value


def _discriminator_name(name: str, blocks: int) -> str:
    """Blocks count from the picture down: convs.1 is the largest."""
    size = 4 << min(blocks, 16)
    if match := re.fullmatch(r"convs\.0\.(0\.weight|1\.bias)", name):
        return f"b{size}.fromrgb.{match[1][2:]}"
    match = re.fullmatch(r"convs\.(\d{1,2})\.(.+)", name)
    ours = _EPILOGUE.get(name) if match is None else _BLOCK_PARTS.get(match[2])
    if ours is None:
        raise _unknown(name)
    return ours if match is None else f"b{size >> (int(match[1]) - 1)}.{ours}"


def _drawn_noise(config: GeneratorConfig) -> dict[str, Tensor]:
    random = np.random.RandomState(_NOISE_SEED)
    sides = (4, *(r for r in config.resolutions[1:] for _ in range(2)))
    return {
        f"{_layer(i)}.noise_const": torch.from_numpy(random.randn(side, side).astype(np.float32))
        for i, side in enumerate(sides)
    }


def _average_w(config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> Tensor:
    generator = build_generator(config, {**tensors, "mapping.w_avg": torch.zeros(config.w_dim)}, "cpu")
    z = np.random.RandomState(_AVERAGE_SEED).randn(_AVERAGED, config.z_dim).astype(np.float32)
    average: Tensor = generator.mapping(torch.from_numpy(z))[:, 0].mean(dim=0)
    return average


def _unknown(name: str) -> CheckpointError:
    return CheckpointError(
        f"The tensor {ascii(name)[:80]} is no part of a StyleGAN2 network of rosinality's."
    )

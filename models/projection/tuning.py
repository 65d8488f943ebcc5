"""A generator adapted to one photo, kept as a small difference: low-rank changes of its convolutions.

A weight [out, in, k, k] with the factors up [out, r] and down [r, in * k * k] becomes
weight + rms(weight) * (up @ down): Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021,
section 4.1. Everybody else's pictures come from the untouched weights.

File: safetensors, format "latentloom-tuning", with the sha256 of the generator's file it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import safetensors.torch
import torch
from torch import Tensor

from models.stylegan2.generator import Generator
from models.weights import VERSION, CheckpointError, read_weights

FORMAT = "latentloom-tuning"
RANK_LIMIT = 512


@dataclass(frozen=True)
class LowRank:
    """up [out, r] and down [r, in * k * k], float32."""

    up: Tensor
    down: Tensor

    def added_to(self, weight: Tensor) -> Tensor:
        """The tuned weight, differentiable in the factors."""
        return weight + (self.up @ self.down).view_as(weight) * weight.square().mean().sqrt()


@dataclass(frozen=True)
class Tuning:
    """Changes of the synthesis network's convolutions, by name ("b8.conv0.weight")."""

    layers: Mapping[str, LowRank]

    @property
    def rank(self) -> int:
        """The largest of its layers."""
        return max((layer.up.shape[1] for layer in self.layers.values()), default=0)

    @property
    def size(self) -> int:
        """Bytes of the factors."""
        return sum(4 * (layer.up.numel() + layer.down.numel()) for layer in self.layers.values())


def tunable_weights(generator: Generator) -> dict[str, Tensor]:
    """The convolutions that a tuning changes: the 3x3 ones and those to RGB, by their names in synthesis."""
    named = generator.synthesis.named_parameters()
    return {name: value for name, value in named if value.ndim == 4}


def apply_tuning(generator: Generator, tuning: Tuning) -> Generator:
    """A generator with the tuned convolutions that shares every other tensor with the one given, which is
    not changed. Raises CheckpointError where the tuning was made for other shapes.
    """
    check_tuning(generator, tuning)
    with torch.inference_mode(False), torch.no_grad():
        changed = {}
        for name, weight in tunable_weights(generator).items():
            if (layer := tuning.layers.get(name)) is not None:
                factors = LowRank(layer.up.to(weight.device), layer.down.to(weight.device))
                changed[f"synthesis.{name}"] = factors.added_to(weight.detach())
    return sharing(generator, changed)


def sharing(generator: Generator, changed: Mapping[str, Tensor]) -> Generator:
    """A generator with these tensors in the place of its own, which shares all others with the one given."""
    with torch.inference_mode(False), torch.no_grad():
        with torch.device("meta"):  # no memory and no random numbers: every tensor is put in below
            other = Generator(generator.config)
        other.load_state_dict({**generator.state_dict(), **changed}, assign=True)
    return other.eval().requires_grad_(False)


def check_tuning(generator: Generator, tuning: Tuning) -> None:
    """Raises CheckpointError where the tuning was made for other shapes."""
    weights = tunable_weights(generator)
    for name, layer in tuning.layers.items():
        if name not in weights:
            raise CheckpointError(f"The tuning changes {ascii(name)[:80]}, which this generator lacks.")
        shape = weights[name].shape
        if layer.up.shape[0] != shape[0] or layer.down.shape[1] != shape[1:].numel():
            raise CheckpointError(f"The tuning's {name} is for another generator.")


def tuning_file(tuning: Tuning, generator_sha256: str) -> bytes:
    """The bytes of a safetensors file."""
    config = json.dumps({"generator": generator_sha256, "rank": tuning.rank}, sort_keys=True)
    return safetensors.torch.save(
        tuning_tensors(tuning), {"format": FORMAT, "version": VERSION, "config": config}
    )


def read_tuning(data: bytes, generator_sha256: str) -> Tuning:
    """Tuning from the bytes of tuning_file. Raises CheckpointError where they are damaged, or where it
    belongs to a generator with another sha256.
    """
    config, tensors = read_weights(data, FORMAT)
    if config.get("generator") != generator_sha256:
        raise CheckpointError("This tuning was made with another model, or with another version of this one.")
    return tuning_of(tensors)


def tuning_tensors(tuning: Tuning) -> dict[str, Tensor]:
    """Its factors under the names <layer>.up and <layer>.down."""
    tensors = {f"{name}.up": layer.up for name, layer in tuning.layers.items()}
    tensors |= {f"{name}.down": layer.down for name, layer in tuning.layers.items()}
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def tuning_of(tensors: Mapping[str, Tensor]) -> Tuning:
    """The tuning whose tuning_tensors these are, as float32. Raises CheckpointError."""
    names = sorted({name.rpartition(".")[0] for name in tensors})
    layers = {}
    for name in names:
        up, down = tensors.get(f"{name}.up"), tensors.get(f"{name}.down")
        if up is None or down is None or up.ndim != 2 or down.ndim != 2 or up.shape[1] != down.shape[0]:
            raise CheckpointError(f"The tuning's {ascii(name)[:80]} is damaged.")
        if up.shape[1] > RANK_LIMIT:
            raise CheckpointError(f"The tuning's {ascii(name)[:80]} has a rank above {RANK_LIMIT}.")
        layers[name] = LowRank(up.float(), down.float())
    if len(tensors) != 2 * len(layers):
        raise CheckpointError("The tuning holds tensors that are no part of one.")
    return Tuning(layers)

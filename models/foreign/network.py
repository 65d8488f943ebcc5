"""What a reader hands over: one network under our names, checked, ready to be written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.styleflow.checkpoint import FlowConfig
from models.stylegan2.discriminator import DiscriminatorConfig
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.validation import check_tensors
from models.weights import CheckpointError

Kind = Literal["generator", "discriminator", "flow"]


@dataclass(frozen=True)
class ForeignNetwork:
    """Tensors are float32, finite, and exactly those that the config asks for. program: whose file it was."""

    kind: Kind
    config: GeneratorConfig | DiscriminatorConfig | FlowConfig
    tensors: Mapping[str, Tensor]
    program: str = "an unnamed program"

    @property
    def values(self) -> dict[str, object]:
        """The config as JSON values."""
        return dataclasses.asdict(self.config)


# What a file holds; each is read only when it is called for. Raises CheckpointError.
Networks = Mapping[Kind, Callable[[], ForeignNetwork]]


def checked_network(
    config: GeneratorConfig | DiscriminatorConfig, tensors: Mapping[str, Tensor]
) -> ForeignNetwork:
    """Raises CheckpointError where a tensor is missing, too many, of another shape or not finite."""
    check_tensors(config, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
    kind: Kind = "generator" if isinstance(config, GeneratorConfig) else "discriminator"
    return ForeignNetwork(kind, config, {name: weight(name, value) for name, value in tensors.items()})


def weight(name: str, tensor: Tensor) -> Tensor:
    """The tensor as contiguous float32; CheckpointError where it has other numbers than finite ones."""
    if not tensor.is_floating_point():
        raise CheckpointError(f"{name} is stored as {str(tensor.dtype)[6:]}, not as floating point numbers.")
    tensor = tensor.to(torch.float32).contiguous()
    if not torch.isfinite(tensor).all():
        raise CheckpointError(f"{name} holds numbers that are not finite.")
    return tensor

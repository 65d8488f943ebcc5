"""What a flow file holds: configuration and tensors. No size or shape in it is trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from models.styleflow.attributes import ATTRIBUTES
from models.weights import CheckpointError, read_weights

FORMAT = "latentloom-flow"
MAX_WIDTH, MAX_DEPTH = 8192, 32
MAX_PARAMETERS = 2**26  # StyleFlow's own flow has 1.7 million


@dataclass(frozen=True)
class FlowConfig:
    """Everything that fixes the shapes and the input units of a flow."""

    dim: int
    hidden: tuple[int, ...]
    context_dim: int = len(ATTRIBUTES)
    num_blocks: int = 1
    whitened: bool = False
    attribute_mean: tuple[float, ...] | None = None  # raw units; None with attribute_std: fed as they are
    attribute_std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        sizes = (self.dim, self.context_dim, self.num_blocks, *self.hidden)
        if not all(1 <= size <= MAX_WIDTH for size in sizes) or not 1 <= len(self.hidden) <= MAX_DEPTH:
            raise ValueError(f"the sizes of a flow must be 1..{MAX_WIDTH}, with 1..{MAX_DEPTH} hidden layers")
        if self.num_blocks > MAX_DEPTH:
            raise ValueError(f"a flow has at most {MAX_DEPTH} blocks")
        if (self.attribute_mean is None) != (self.attribute_std is None):
            raise ValueError("attribute_mean and attribute_std go together")
        for values in (self.attribute_mean, self.attribute_std):
            if values is not None and not (
                len(values) == self.context_dim and all(math.isfinite(v) for v in values)
            ):
                raise ValueError(f"attribute_mean and attribute_std need {self.context_dim} finite numbers")
        if self.attribute_std is not None and min(self.attribute_std) <= 0:
            raise ValueError("attribute_std must be positive")


def read_flow(data: bytes) -> tuple[FlowConfig, dict[str, Tensor]]:
    """Configuration and finite float tensors of our safetensors file. Raises CheckpointError."""
    fields, tensors = read_weights(data, FORMAT)
    try:
        config = _config_from_json(fields)
    except (ValueError, KeyError, OverflowError) as error:
        raise CheckpointError("The config of this flow is damaged.") from error
    check_flow(config, tensors)
    return config, tensors


def _config_from_json(fields: Mapping[str, object]) -> FlowConfig:
    def numbers(name: str, kind: type[int] | type[float]) -> tuple[float, ...] | None:
        values = fields[name]
        if values is None:
            return None
        if not isinstance(values, list) or not all(type(v) in (int, kind) for v in values):
            raise ValueError(f"{name} must be a list of numbers")
        return tuple(values)

    def size(name: str) -> int:
        value = fields[name]
        if type(value) is not int:
            raise ValueError(f"{name} must be a whole number")
        return value

    hidden = numbers("hidden", int)
    return FlowConfig(
        dim=size("dim"),
        hidden=tuple(int(v) for v in hidden or ()),
        context_dim=size("context_dim"),
        num_blocks=size("num_blocks"),
        whitened=fields["whitened"] is True,
        attribute_mean=numbers("attribute_mean", float),
        attribute_std=numbers("attribute_std", float),
    )


def check_flow(config: FlowConfig, tensors: Mapping[str, Tensor]) -> None:
    """Raises CheckpointError where a flow of these values cannot be evaluated; they are finite numbers."""
    if config.context_dim != len(ATTRIBUTES):
        raise CheckpointError(
            f"This flow takes {config.context_dim} attributes; {len(ATTRIBUTES)} are needed."
        )
    if sum(value.numel() for value in tensors.values()) > MAX_PARAMETERS:
        raise CheckpointError("This flow is far larger than any known one.")
    for name, value in tensors.items():
        low = float(value.min()) if value.numel() else 0.0
        if name.endswith(".running_var") and low < 0:
            raise CheckpointError("This flow has a negative variance.")
        if name.endswith(".sqrt_end_time") and not 0 < float(value.square().max()) <= 100:
            raise CheckpointError("This flow has an end time outside 0..100.")
        if name == "whitening.scale" and low <= 0:
            raise CheckpointError("This flow has a whitening scale that is not positive.")

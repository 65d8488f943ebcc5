"""A first guess in one pass: a small residual network that reads w from a picture.

It is trained on pictures of one generator (models.training.encoder) and belongs to that generator. It
expects faces aligned as that generator knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.attributes.estimator import ResidualBlock
from models.projection.steps import Found
from models.stylegan2.generator import Generator
from models.weights import CheckpointError, read_weights, write_weights

FORMAT = "latentloom-encoder"
LIMIT = 8192  # of every number of the config: a file must not ask for absurd memory
_COUNTER = "num_batches_tracked"  # BatchNorm's, of no use after training


@dataclass(frozen=True)
class EncoderConfig:
    """resolution: side to which pictures are averaged down; widths: channels, each block halves the side."""

    resolution: int
    widths: tuple[int, ...]
    w_dim: int
    num_ws: int

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or self.resolution >> (len(self.widths) - 1) < 2:
            raise ValueError("widths must be two or more, and leave a side of 2 or more")


class Encoder(nn.Module):
    """Pictures [N, 3, R, R] of -1..1, any R -> ws [N, num_ws, w_dim], all rows alike."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3, config.widths[0], 3, padding=1)
        pairs = zip(config.widths[:-1], config.widths[1:], strict=True)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairs))
        side = config.resolution >> (len(config.widths) - 1)
        self.head = nn.Linear(config.widths[-1] * side * side, config.w_dim)
        self.register_buffer("mean", torch.zeros(config.w_dim))
        self.register_buffer("deviation", torch.ones(config.w_dim))

    def standardized(self, pictures: Tensor) -> Tensor:
        """(w - mean) / deviation [N, w_dim]: what it is trained on."""
        if pictures.ndim != 4 or pictures.shape[1] != 3:
            raise ValueError(f"pictures must be [N, 3, R, R], not {list(pictures.shape)}")
        side = self.config.resolution
        if pictures.shape[2:] != (side, side):
            pictures = F.interpolate(pictures, size=(side, side), mode="area")
        x = pictures.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
        x = self.blocks(F.relu(self.stem(x)))
        standard: Tensor = self.head(x.flatten(1))
        return standard

    def forward(self, pictures: Tensor) -> Tensor:
        w = self.mean + self.deviation * self.standardized(pictures)
        return w[:, None].repeat(1, self.config.num_ws, 1)


@torch.no_grad()
def first_guess(generator: Generator, target: Tensor, encoder: Encoder | None) -> Found:
    """The encoder's ws for target [3, R, R] of 0..255, or the mean face without one; the generator's own
    noise maps.
    """
    if encoder is None:
        return Found(generator.w_avg.repeat(1, generator.num_ws, 1))
    return Found(encoder(target[None].to(generator.w_avg.device, torch.float32) / 127.5 - 1))


def save_encoder(encoder: Encoder, path: str | Path) -> None:
    """Write a weight file in float16: the guess is only where a search begins."""
    tensors = {name: value for name, value in encoder.state_dict().items() if not name.endswith(_COUNTER)}
    write_weights(path, FORMAT, asdict(encoder.config), tensors, torch.float16)


def load_encoder(source: str | Path | bytes, device: str | torch.device = "cpu") -> Encoder:
    """Encoder in float32 and eval mode from a weight file (a path, or its bytes). Raises CheckpointError."""
    values, tensors = read_weights(source, FORMAT)
    try:
        encoder = Encoder(_parsed(values))
        state = {name: value.float() for name, value in tensors.items()}
        counters = {n: v for n, v in encoder.state_dict().items() if n.endswith(_COUNTER)}
        encoder.load_state_dict(state | counters)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError("This file does not hold the weights of an encoder.") from error
    encoder.to(memory_format=torch.channels_last)
    return encoder.to(device).eval().requires_grad_(False)


def _parsed(values: Mapping[str, Any]) -> EncoderConfig:
    """EncoderConfig from JSON; TypeError or ValueError where it is none."""
    if set(values) != {field.name for field in fields(EncoderConfig)}:
        raise ValueError("other entries")
    widths = values["widths"]
    numbers = [values["resolution"], values["w_dim"], values["num_ws"], *widths]
    if not all(type(number) is int and 1 <= number <= LIMIT for number in numbers):
        raise ValueError("not whole numbers")
    return EncoderConfig(values["resolution"], tuple(widths), values["w_dim"], values["num_ws"])

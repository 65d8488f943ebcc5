"""What a projection reports: each step with the parts of its loss, and the closest picture so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.projection.settings import Rung
from models.projection.tuning import Tuning, apply_tuning
from models.stylegan2.generator import Generator


@dataclass(frozen=True)
class Found:
    """What a picture is rendered from, by rendered().

    ws [1, num_ws, w_dim]; noise: one map [1, 1, r, r] a layer, or none for the generator's own; tuning:
    None for the generator as it is.
    """

    ws: Tensor
    noise: list[Tensor] = field(default_factory=list)
    tuning: Tuning | None = None

    def on(self, device: torch.device) -> Found:
        """The same on that device; a tuning goes where it is applied."""
        return Found(self.ws.to(device), [value.to(device) for value in self.noise], self.tuning)


def rendered(generator: Generator, found: Found) -> Tensor:
    """The picture [1, 3, R, R] of -1..1. Raises CheckpointError where the tuning does not fit."""
    tuned = apply_tuning(generator, found.tuning) if found.tuning else generator
    picture: Tensor = tuned.synthesis(found.ws, "const", found.noise or None)
    return picture


@dataclass(frozen=True)
class Best:
    """The closest picture so far, and its distance."""

    distance: float
    found: Found


@dataclass(frozen=True)
class ProjectionStep:
    """The state after step index of total, over all rungs.

    loss, distance and terms are those of the picture before the step. terms: the parts of the loss as they
    count in it, which add up to it: "distance" (perceptual), "pixel", "noise" (regulariser of the maps),
    "delta" (pull towards W), "locality" (what the tuning changes elsewhere). ws, noise and tuning are what
    is rendered (see Found); they are copies and stay as they are.
    """

    index: int
    total: int
    loss: float
    distance: float
    ws: Tensor
    noise: list[Tensor]
    rung: Rung
    terms: Mapping[str, float]
    tuning: Tuning | None = None

    @property
    def found(self) -> Found:
        """What the step's picture is rendered from."""
        return Found(self.ws, self.noise, self.tuning)

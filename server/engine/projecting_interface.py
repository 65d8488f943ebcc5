"""What the rest of the server knows of projections in the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Space = Literal["start", "w", "w+", "pti"]
Schedule = Literal["published", "fast"]
# Where a projection began: at the encoder's guess, at the mean face, or at the result of another one.
Beginning = Literal["encoder", "mean_face", "result"]


@dataclass(frozen=True)
class ProjectionRequest:
    """See models.projection.ladder. after: the space whose result it begins with; None: at the beginning."""

    space: Space
    schedule: Schedule = "published"
    steps: int | None = None
    faithfulness: float = 0.5
    after: Space | None = None


@dataclass(frozen=True)
class PlannedRung:
    """One rung of a projection and its steps."""

    rung: str
    steps: int


@dataclass(frozen=True)
class ProjectionSpec:
    """An aligned face [R, R, 3] at the model's resolution, to be found in its latent space.

    start: the latent (a safetensors file) of the result that it begins with. state: the newest state that an
    earlier run of it gave; generator: the sha256 that this run gave, too.
    """

    model: str
    picture: NDArray[np.uint8]
    request: ProjectionRequest
    start: bytes | None = None
    state: bytes | None = None
    generator: str | None = None


@dataclass(frozen=True)
class ProjectionPicture:
    """A JPEG of what was found so far; pixel_error: mean absolute difference in 0..1; psnr: in dB."""

    jpeg: bytes
    side: int
    pixel_error: float
    psnr: float | None


@dataclass(frozen=True)
class ProjectionEvent:
    """After step `step` of `total`; both are 0 for a guess, which has no loss and no rung.

    distance: of the step; of the last event that of the stored picture. picture comes now and then, moment (a
    small picture worth keeping) a few times in all, state often enough to go on from, latent with the last.
    """

    step: int
    total: int
    rung: str | None
    loss: float | None
    distance: float
    began_at: Beginning
    generator: str
    terms: Mapping[str, float] = field(default_factory=dict)
    picture: ProjectionPicture | None = None
    moment: ProjectionPicture | None = None
    state: bytes | None = None
    latent: bytes | None = None
    identity: float | None = None

"""How well an attribute estimator reads pictures whose attributes are known, against what is aimed at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from models.attributes.estimator import AttributeEstimator
from models.styleflow.attributes import ATTRIBUTES

Figure = Literal["error", "r", "accuracy"]

# On renders that training has not seen: the mean error in raw units at most, the others at least.
AIMS: Mapping[str, tuple[Figure, float]] = MappingProxyType(
    {
        "age": ("error", 6.0),
        "yaw": ("error", 2.5),
        "pitch": ("error", 2.5),
        "glasses": ("accuracy", 0.97),
        "gender": ("accuracy", 0.97),
        "expression": ("r", 0.9),
        "beard": ("r", 0.9),
        "baldness": ("r", 0.9),
        "light_1": ("r", 0.85),
        "light_2": ("r", 0.85),
        "light_3": ("r", 0.85),
    }
)
# Accuracy is asked of faces that are clearly one or the other: a gender of 0.5 has no right answer.
_CLEAR = 0.25
_TWO_SIDED = ("gender", "glasses")


@dataclass(frozen=True)
class AttributeReading:
    """One attribute, read on `pictures` pictures."""

    attribute: str
    pictures: int
    error: float  # mean absolute, raw units
    r: float  # Pearson's correlation of reading and truth
    accuracy: float | None  # of the side of 0.5, on faces below 0.25 or above 0.75; gender and glasses only
    aim: tuple[Figure, float] | None
    met: bool | None  # whether the aim is


@torch.no_grad()
def attribute_readings(
    estimator: AttributeEstimator, pictures: Tensor, truth: Tensor, batch: int = 64
) -> tuple[AttributeReading, ...]:
    """Readings of pictures [N, 3, R, R] in -1..1 with attributes truth [N, 17]."""
    read = torch.cat([estimator(part).cpu() for part in pictures.split(batch)]).double()
    truth = truth.double()
    return tuple(_reading(a.name, read[:, i], truth[:, i]) for i, a in enumerate(ATTRIBUTES))


def _reading(name: str, read: Tensor, truth: Tensor) -> AttributeReading:
    error = float((read - truth).abs().mean())
    a, b = read - read.mean(), truth - truth.mean()
    r = float((a @ b) / (a.norm() * b.norm()).clamp(min=1e-12))
    accuracy = None
    clear = (truth - 0.5).abs() >= 0.5 - _CLEAR
    if name in _TWO_SIDED and bool(clear.any()):
        accuracy = float(((read > 0.5) == (truth > 0.5))[clear].double().mean())
    aim = AIMS.get(name)
    met = None
    if aim is not None:
        value = {"error": error, "r": r, "accuracy": accuracy}[aim[0]]
        assert value is not None
        met = value <= aim[1] if aim[0] == "error" else value >= aim[1]
    return AttributeReading(name, len(read), error, r, accuracy, aim, met)

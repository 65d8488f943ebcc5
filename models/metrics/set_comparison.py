"""Generated pictures against real ones as two sets, with what two sets of real ones give beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.metrics.frechet import frechet_distance, moments
from models.metrics.kernel_distance import kernel_distance
from models.metrics.precision_recall import precision_recall

Features = NDArray[np.float32]


@dataclass(frozen=True)
class SetDistances:
    """One set of pictures against a set of real ones."""

    frechet: float
    kernel: float  # squared MMD, mean over subsets
    kernel_spread: float  # its standard deviation over the subsets
    precision: float
    recall: float


@dataclass(frozen=True)
class SetComparison:
    """count pictures in each of three sets: generated, real, and other real ones."""

    features: str
    count: int
    generated: SetDistances
    real: SetDistances  # the other real pictures in the place of the generated: what a perfect model gets
    frechet_ratio: float  # how many times the Fréchet distance of real from real


def compare_sets(name: str, generated: Features, real: Features, other_real: Features) -> SetComparison:
    """Features [N, D] of three sets of the same size, since the distances depend on it.

    Raises ValueError where the sizes differ.
    """
    if not len(generated) == len(real) == len(other_real):
        sizes = f"{len(generated)}, {len(real)} and {len(other_real)}"
        raise ValueError(f"sets of {sizes} pictures cannot be compared: the distances depend on the size")
    ours, best = _distances(generated, real), _distances(other_real, real)
    return SetComparison(name, len(real), ours, best, ours.frechet / best.frechet)


def _distances(a: Features, real: Features) -> SetDistances:
    kernel, spread = kernel_distance(a, real)
    precision, recall = precision_recall(torch.from_numpy(real), torch.from_numpy(a))
    return SetDistances(frechet_distance(moments(a), moments(real)), kernel, spread, precision, recall)

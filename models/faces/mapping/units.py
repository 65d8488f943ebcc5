"""Units of a fully connected layer, added one by one and fitted by least squares."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array

Floats = NDArray[np.float32]
AffineLayer = tuple[Floats, Floats]
"""Weights [out, in] and biases [out] as they act, to be followed by a leaky ReLU."""

SLOPE, GAIN = 0.2, math.sqrt(2)  # of StyleGAN2's leaky ReLU
_LARGEST = 10.0  # weight of a unit whose scale is free: stored ones are thousands of times as large (float16)


class Layer:
    """Units over what the layer before puts out, inputs [N, I]. A unit is a row [I + 1], its bias last."""

    def __init__(self, inputs: NDArray[np.floating], width: int) -> None:
        self.inputs = inputs.astype(np.float32)
        self.weight = np.zeros((width, inputs.shape[1]), np.float32)
        self.bias = np.zeros(width, np.float32)
        self.used = 0

    @property
    def left(self) -> int:
        """How many units are still to be added."""
        return len(self.bias) - self.used

    def add(self, row: Array) -> int:
        """Add a unit; returns its number."""
        self.weight[self.used], self.bias[self.used] = row[:-1], row[-1]
        self.used += 1
        return self.used - 1

    def row(self, weights: Mapping[int, float], bias: float = 0.0) -> Array:
        """A row with these weights of some inputs."""
        row = np.zeros(self.weight.shape[1] + 1)
        row[list(weights)], row[-1] = list(weights.values()), bias
        return row

    def outputs(self) -> Floats:
        """What the units put out [N, width]."""
        sums = self.inputs @ self.weight.T + self.bias
        return np.where(sums > 0, sums, np.float32(SLOPE) * sums) * np.float32(GAIN)

    def affine(self) -> AffineLayer:
        """The layer itself."""
        return self.weight, self.bias


def least_squares(inputs: NDArray[np.floating], y: Array, ridge: float) -> tuple[Array, Array]:
    """Weights [I, ...] and biases [...] with which inputs [N, I] come closest to y [N, ...]; ridge is a share
    of each input's mean square."""
    a = np.concatenate([inputs, np.ones((len(inputs), 1), inputs.dtype)], axis=1).astype(np.float64)
    gram = a.T @ a
    gram[np.diag_indices(len(gram))] += ridge * np.diag(gram) + 1e-6
    solved = np.asarray(np.linalg.solve(gram, a.T @ y), np.float64)
    return solved[:-1], solved[-1]


def raised(row: Array, by: float) -> Array:
    """The unit with a larger bias."""
    return np.append(row[:-1], row[-1] + by)


def limited(row: Array) -> Array:
    """A unit whose scale does not matter, made smaller where its weights are large."""
    return row / max(1.0, float(np.abs(row).max()) / _LARGEST)


def rectified(layer: Layer, unit: int, negative: int) -> Array:
    """The row of what is above zero in a unit's sum d, out of its output and that of the unit of -d:
    relu(d) = (leaky(d) + slope * leaky(-d)) / (1 - slope^2)."""
    share = 1 / GAIN / (1 - SLOPE**2)
    return layer.row({unit: share, negative: share * SLOPE})

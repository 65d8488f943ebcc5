"""Kernel distance (KID) between two sets of features: Binkowski et al., "Demystifying MMD GANs", 2018."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SUBSETS = 100
SUBSET_SIZE = 1000


def squared_mmd(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Unbiased squared maximum mean discrepancy of rows a [M, D] and b [N, D] (equation 4) under the
    kernel (x . y / D + 1)^3; may be slightly negative. Raises ValueError on fewer than two rows.
    """
    if min(len(a), len(b)) < 2 or a.shape[1:] != b.shape[1:]:
        raise ValueError(f"rows {list(a.shape)} and {list(b.shape)} cannot be compared")
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return _within(x) + _within(y) - 2 * float(_kernel(x, y).mean())


def _kernel(x: Array, y: Array) -> Array:
    values: Array = (x @ y.T / x.shape[1] + 1) ** 3
    return values


def _within(x: Array) -> float:
    """Mean of the kernel over pairs of different rows."""
    values = _kernel(x, x)
    return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))


def kernel_distance(a: NDArray[np.floating], b: NDArray[np.floating], seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation of squared_mmd over 100 pairs of random subsets of up to 1000 rows."""
    size = min(SUBSET_SIZE, len(a), len(b))
    random = np.random.RandomState(seed)
    values = [
        squared_mmd(
            a[random.choice(len(a), size, replace=False)], b[random.choice(len(b), size, replace=False)]
        )
        for _ in range(SUBSETS)
    ]
    return float(np.mean(values)), float(np.std(values))

"""Fréchet distance between two sets of features: Heusel et al., "GANs Trained by a Two Time-Scale Update
Rule Converge to a Local Nash Equilibrium", 2017, equation 6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def moments(features: NDArray[np.floating]) -> tuple[Array, Array]:
    """Mean [D] and covariance [D, D] of features [N, D], divided by N as NVIDIA's tools do.

    Raises ValueError on fewer than two rows or numbers that are not finite.
    """
    x = np.asarray(features, np.float64)
    if x.ndim != 2 or len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"features must be finite rows [N >= 2, D], not {list(x.shape)}")
    mean = x.mean(axis=0)
    centred = x - mean
    return mean, centred.T @ centred / len(x)


def frechet_distance(a: tuple[Array, Array], b: tuple[Array, Array]) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of two pairs of moments; never below zero.

    The trace of the root is taken from the eigenvalues of C_a^(1/2) C_b C_a^(1/2), which is symmetric
    and has those of C_a C_b: exact for covariances without full rank too, where a matrix root is not.
    """
    (mean_a, cov_a), (mean_b, cov_b) = a, b
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ cov_b @ root)
    trace = np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(product.clip(min=0)).sum()
    return max(float(((mean_a - mean_b) ** 2).sum() + trace), 0.0)

"""Band-limited noise textures for pores, blotches, strands of an iris, folds of cloth; they tile."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.faces.render.kernels import device

SIZE = 512  # a power of two
PORES, GRAIN, SPOTS, BLOTCHES = range(4)
_CYCLES = (110, 200, 55, 14)  # highest spatial frequency of each, cycles a texture


@lru_cache(maxsize=1)
def noise_textures() -> NDArray[np.float32]:
    """[4, 512, 512], standard deviation 1, from fixed seeds."""
    return np.stack([_band(cycles, seed) for seed, cycles in enumerate(_CYCLES, start=1)])


def _band(cycles: float, seed: int) -> NDArray[np.float32]:
    white = np.random.RandomState(seed).standard_normal((SIZE, SIZE))
    frequency = np.fft.fftfreq(SIZE) * SIZE
    radius = np.hypot(frequency[:, None], frequency[None])
    spectrum = np.fft.fft2(white) * np.exp(-((radius / cycles) ** 2)) * (radius > 0.12 * cycles)
    values = np.fft.ifft2(spectrum).real
    return np.asarray(values / values.std(), np.float32)


@device
def tiled(textures: NDArray[np.float32], which: int, u: float, v: float) -> float:
    """Bilinear sample of a tiling texture at column u, row v in texels."""
    fu, fv = math.floor(u), math.floor(v)
    du, dv = u - fu, v - fv
    i, j = int(fu) & (SIZE - 1), int(fv) & (SIZE - 1)
    i1, j1 = (i + 1) & (SIZE - 1), (j + 1) & (SIZE - 1)
    top = textures[which, j, i] * (1 - du) + textures[which, j, i1] * du
    bottom = textures[which, j1, i] * (1 - du) + textures[which, j1, i1] * du
    value: float = top * (1 - dv) + bottom * dv
    return value


@device
def ramp(low: float, high: float, x: float) -> float:
    """Smoothstep: 0 at low, 1 at high (which may be the smaller), cubic between."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)

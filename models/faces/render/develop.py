"""From linear light to the picture: resolve the supersamples, lay the backdrop behind, tone, sRGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.faces.render.kernels import kernel

Floats = NDArray[np.float32]

SUPERSAMPLES = 2  # in each direction
_CLIP = 1.6  # of a sample, against fireflies
_LEVELS = 4096
_GRAIN = 0.385  # standard deviation of the sensor noise, of 255


def srgb_table() -> Floats:
    """sRGB values 0..255 of linear values 0..1 in 4096 steps (IEC 61966-2-1)."""
    linear = np.arange(_LEVELS) / (_LEVELS - 1)
    curve = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return (255 * np.where(linear < 0.0031308, 12.92 * linear, curve)).astype(np.float32)


@kernel
def develop(
    colour: Floats,
    cover: Floats,
    backdrop: Floats,
    exposure: float,
    table: Floats,
    grain: Floats,
    out: NDArray[np.uint8],
) -> None:
    """colour [2S, 2S, 3] linear and cover [2S, 2S] through a 4x4 tent filter into out [S, S, 3]."""
    size = out.shape[0]
    cells = backdrop.shape[0] - 1
    light = np.zeros(3)
    for y in range(size):
        gy = y / (size - 1) * cells
        j = min(int(gy), cells - 1)
        fy = gy - j
        for x in range(size):
            gx = x / (size - 1) * cells
            i = min(int(gx), cells - 1)
            fx = gx - i
            light[:] = 0.0
            covered = 0.0
            for v in range(-1, 3):
                row = min(max(2 * y + v, 0), 2 * size - 1)
                wv = 0.125 if v < 0 or v > 1 else 0.375
                for u in range(-1, 3):
                    column = min(max(2 * x + u, 0), 2 * size - 1)
                    w = wv * (0.125 if u < 0 or u > 1 else 0.375)
                    covered += w * cover[row, column]
                    for c in range(3):
                        light[c] += w * min(colour[row, column, c], _CLIP)
            grey = 0.3 * light[0] + 0.59 * light[1] + 0.11 * light[2]
            for c in range(3):
                behind = (backdrop[j, i, c] * (1 - fx) + backdrop[j, i + 1, c] * fx) * (1 - fy)
                behind += (backdrop[j + 1, i, c] * (1 - fx) + backdrop[j + 1, i + 1, c] * fx) * fy
                q = max(0.0, grey + (light[c] - grey) * 1.07) + (1 - covered) * behind
                q *= 1.12 * exposure
                q = q * (1 + q * 0.06) / (1 + q * 0.42) * 1.22  # shoulder
                q = min(max(q, 0.0), 1.0)
                q += 0.22 * q * (1 - q) * (q - 0.12)  # contrast
                value = table[int(min(1.0, max(0.0, q)) * 4095.0)]
                value += grain[y % 512, (x * 3 + c) % 512] * _GRAIN
                out[y, x, c] = np.uint8(min(max(value + 0.5, 0.0), 255.0))

"""Triangles that let light through: eyelashes and the lenses of glasses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.faces.render.kernels import device, kernel
from models.faces.render.noise import ramp

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

_LASH_LIFT = 0.12  # cm towards the camera, or the lids would hide them
_DARK_LENS = 0.5  # lenses with a higher opacity count as dark and cover the background


@device
def _inside(
    px: float, py: float, a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]
) -> tuple[float, float, float]:
    """Barycentric weights of a pixel's middle; all zero for a triangle without area."""
    area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    if abs(area) < 1e-9:
        return -1.0, -1.0, -1.0
    w1 = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area
    w2 = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area
    return 1 - w1 - w2, w1, w2


@kernel
def draw_lashes(points: Floats, triangles: Indices, depth: Floats, colour: Floats, opacity: float) -> None:
    """Lash strips over what is drawn; points [N, 3] projected. Each pixel is covered once."""
    size = depth.shape[0]
    done = np.zeros((size, size), np.uint8)
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        a, b, c = (points[i, 0], points[i, 1]), (points[j, 0], points[j, 1]), (points[k, 0], points[k, 1])
        for y in range(max(0, int(min(a[1], b[1], c[1]))), min(size - 1, int(max(a[1], b[1], c[1]))) + 1):
            for x in range(max(0, int(min(a[0], b[0], c[0]))), min(size - 1, int(max(a[0], b[0], c[0]))) + 1):
                w0, w1, w2 = _inside(x + 0.5, y + 0.5, a, b, c)
                if min(w0, w1, w2) < -1e-5 or done[y, x]:
                    continue
                if w0 * points[i, 2] + w1 * points[j, 2] + w2 * points[k, 2] + _LASH_LIFT > depth[y, x]:
                    done[y, x] = 1
                    colour[y, x, 0] += (0.015 - colour[y, x, 0]) * opacity
                    colour[y, x, 1] += (0.010 - colour[y, x, 1]) * opacity
                    colour[y, x, 2] += (0.008 - colour[y, x, 2]) * opacity


@kernel
def draw_lenses(
    points: Floats,
    triangles: Indices,
    height: Floats,
    depth: Floats,
    colour: Floats,
    cover: Floats,
    glass: Floats,
) -> None:
    """Lenses over what is drawn, lighter towards the bottom, with a slanting reflection.

    height [N] is 0 at the upper rim, 1 at the lower; glass is linear RGB, opacity, reflection.
    """
    size = depth.shape[0]
    done = np.zeros((size, size), np.uint8)
    fade = 0.18 if glass[3] > _DARK_LENS else 0.45
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        a, b, c = (points[i, 0], points[i, 1]), (points[j, 0], points[j, 1]), (points[k, 0], points[k, 1])
        for y in range(max(0, int(min(a[1], b[1], c[1]))), min(size - 1, int(max(a[1], b[1], c[1]))) + 1):
            for x in range(max(0, int(min(a[0], b[0], c[0]))), min(size - 1, int(max(a[0], b[0], c[0]))) + 1):
                w0, w1, w2 = _inside(x + 0.5, y + 0.5, a, b, c)
                if min(w0, w1, w2) < -1e-5 or done[y, x]:
                    continue
                if w0 * points[i, 2] + w1 * points[j, 2] + w2 * points[k, 2] <= depth[y, x]:
                    continue
                done[y, x] = 1
                down = w0 * height[i] + w1 * height[j] + w2 * height[k]
                opacity = glass[3] * (1 - fade * down)
                slant = down + 1.6 * (x - a[0]) / size
                shine = glass[4] * ramp(0.22, 0.26, slant) * (1 - ramp(0.36, 0.40, slant))
                for channel in range(3):
                    under = colour[y, x, channel]
                    colour[y, x, channel] = under + (glass[channel] - under) * opacity + shine
                if opacity > 0.4:
                    cover[y, x] = 1

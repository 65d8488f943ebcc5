"""Rasterising triangles: visibility buffers, depth maps, vertex normals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.faces.render.kernels import kernel

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

FAR = -1e9  # depth grows towards the camera (or the lamp)


@kernel
def rasterize(points: Floats, triangles: Indices, depth: Floats, triangle: Indices, bary: Floats) -> None:
    """Nearest triangle of each pixel.

    points [N, 3]: pixels right, pixels down, depth. depth [H, W] starts at FAR, triangle [H, W] at -1;
    bary [H, W, 2] gets the barycentric weights of the second and third corner.
    """
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        i0, i1, i2 = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, z0 = points[i0, 0], points[i0, 1], points[i0, 2]
        x1, y1, z1 = points[i1, 0], points[i1, 1], points[i1, 2]
        x2, y2, z2 = points[i2, 0], points[i2, 1], points[i2, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left, right = (
            max(0, math.ceil(min(x0, x1, x2) - 0.5)),
            min(width - 1, math.floor(max(x0, x1, x2) - 0.5)),
        )
        top, bottom = (
            max(0, math.ceil(min(y0, y1, y2) - 0.5)),
            min(height - 1, math.floor(max(y0, y1, y2) - 0.5)),
        )
        inverse = np.float32(1.0) / area
        for y in range(top, bottom + 1):
            py = np.float32(y + 0.5)
            for x in range(left, right + 1):
                px = np.float32(x + 0.5)
                w1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) * inverse
                w2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) * inverse
                w0 = 1 - w1 - w2
                if w0 < -1e-5 or w1 < -1e-5 or w2 < -1e-5:
                    continue
                z = w0 * z0 + w1 * z1 + w2 * z2
                if z > depth[y, x]:
                    depth[y, x] = z
                    triangle[y, x] = t
                    bary[y, x, 0] = w1
                    bary[y, x, 1] = w2


@kernel
def rasterize_depth(points: Floats, triangles: Indices, depth: Floats) -> None:
    """As rasterize, but for depth [H, W] alone."""
    height, width = depth.shape
    triangle = np.empty((height, width), np.int32)
    rasterize(points, triangles, depth, triangle, np.empty((height, width, 2), np.float32))


@kernel
def vertex_normals(points: Floats, triangles: Indices, normals: Floats) -> None:
    """Area-weighted unit normals [N, 3] of points [N, 3], into normals."""
    normals[:] = 0
    for t in range(triangles.shape[0]):
        i0, i1, i2 = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = (
            points[i1, 0] - points[i0, 0],
            points[i1, 1] - points[i0, 1],
            points[i1, 2] - points[i0, 2],
        )
        bx, by, bz = (
            points[i2, 0] - points[i0, 0],
            points[i2, 1] - points[i0, 1],
            points[i2, 2] - points[i0, 2],
        )
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for k in range(3):
            i = triangles[t, k]
            normals[i, 0] += nx
            normals[i, 1] += ny
            normals[i, 2] += nz
    for i in range(normals.shape[0]):
        length = math.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + 1e-12
        normals[i, 0] /= length
        normals[i, 1] /= length
        normals[i, 2] /= length

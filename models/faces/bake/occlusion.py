"""Ambient occlusion of the mean head: the share of the sky that each point sees, from depth maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.faces.bake.makehuman import Points
from models.faces.render.eyes import eyeball_radius, unit_eyeball
from models.faces.render.raster import FAR, rasterize_depth, vertex_normals
from models.faces.render.subdivision import Subdivision, triangles

_DIRECTIONS = 160
_MAP = 506  # pixels
_LIFT = 0.15  # cm along the normal before looking up, against self-shadowing
_BIAS = 0.12  # cm


def ambient_occlusion(
    subdivision: Subdivision, head: Points, eyes: list[NDArray[np.int64]]
) -> NDArray[np.uint8]:
    """[V'] 0 (sees nothing) .. 255 (sees the whole hemisphere) of the subdivided head.

    head [V, 3] cm; eyes are the vertices of the left and right eyeball, which occlude as spheres.
    """
    points = np.asarray(subdivision.matrix @ head.astype(np.float32), np.float32)
    faces = triangles(subdivision.quads)
    normals = np.empty_like(points)
    vertex_normals(points, faces, normals)
    ball = unit_eyeball()
    solids, solid_faces = [points], [faces]
    for eye in eyes:
        centre = head[eye].mean(axis=0)
        solid_faces.append(ball.triangles + sum(len(s) for s in solids))
        solids.append((ball.points * eyeball_radius(head[eye], centre) + centre).astype(np.float32))
    scene, scene_faces = np.concatenate(solids), np.concatenate(solid_faces)
    seen, total = np.zeros(len(points)), np.zeros(len(points))
    for direction in _fibonacci_sphere(_DIRECTIONS):
        facing = np.clip(normals @ direction, 0, None)
        seen += facing * _visible(scene, scene_faces, points + _LIFT * normals, direction)
        total += facing
    return np.rint(255 * seen / np.maximum(total, 1e-6)).astype(np.uint8)


def _fibonacci_sphere(count: int) -> Points:
    i = np.arange(count) + 0.5
    y = 1 - 2 * i / count
    around = np.pi * (3 - np.sqrt(5)) * i
    ring = np.sqrt(1 - y * y)
    return np.stack([np.cos(around) * ring, y, np.sin(around) * ring], axis=1)


def _visible(
    scene: NDArray[np.float32], faces: NDArray[np.int32], points: NDArray[np.float32], direction: Points
) -> NDArray[np.bool_]:
    u = np.cross(direction, (0.3, 0.9, 0.2))
    u /= np.linalg.norm(u)
    axes = np.stack([u, np.cross(direction, u), direction])
    seen = scene @ axes.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = np.array([1, 1, 0]) * (_MAP - 6) / (high - low)[:2].max() + np.array([0, 0, 1])
    shift = np.array([low[0], low[1], 0])
    depth = np.full((_MAP, _MAP), FAR, np.float32)
    margin = np.array([2, 2, 0])
    rasterize_depth(((seen - shift) * scale + margin).astype(np.float32), faces, depth)
    at = (points @ axes.T - shift) * scale + margin
    column, row = (np.clip(at[:, k], 0, _MAP - 1).astype(int) for k in (0, 1))
    visible: NDArray[np.bool_] = at[:, 2] + _BIAS > depth[row, column]
    return visible

"""Where hair can grow: fixed pools of random points on the mean head for scalp, beard and brows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.faces.bake.makehuman import Points
from models.faces.render.assets import PART_SKIN
from models.faces.render.subdivision import triangles

_POOLS = {"scalp": (14000, 1), "beard": (9000, 2), "brow": (12000, 3)}  # number of roots, seed


def sample_roots(
    head: Points,
    quads: NDArray[np.int64],
    part: NDArray[np.uint8],
    in_head: NDArray[np.bool_],
    masks: dict[str, Points],
) -> dict[str, tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    """For each pool: triangle [N] of the coarse mesh and barycentric weights [N, 2] of its second and
    third corner, as fractions of 65535; uniform over the area."""
    faces = triangles(quads)
    corners = head[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    x, y, z = corners.mean(axis=1).T
    outside = masks["inside-mouth"][faces].mean(axis=1) <= 0.3
    skin = np.tile((part == PART_SKIN) & in_head, 2) & outside & (y > -13.5)
    not_ear = masks["ears"][faces].mean(axis=1) <= 0.25
    face = (z > -5) & (y < 2)
    nape = (y < -2) & (z > -9.5)
    allowed = {
        "scalp": not_ear & (y > -8) & ((z < 2.2) | (y > 4)) & ~face & ~nape,
        "beard": not_ear & (y < 0.5) & (z > -9),
        "brow": (y > 0.3) & (y < 4) & (z > -3) & (np.abs(x) < 6.5),
    }
    pools = {}
    for name, (count, seed) in _POOLS.items():
        random = np.random.RandomState(seed)
        cumulative = np.cumsum(np.where(allowed[name] & skin, area, 0))
        triangle = np.searchsorted(cumulative, random.random_sample(count) * cumulative[-1])
        bary = random.random_sample((count, 2))
        bary = np.where(bary.sum(axis=1, keepdims=True) > 1, 1 - bary, bary)
        pools[name] = (triangle.astype(np.uint16), np.rint(bary * 65535).astype(np.uint16))
    return pools

"""Scalp hair of one face: which roots still grow, the style, the strands and their colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from models.faces.factors import Array, smoothstep
from models.faces.render.assets import Head, Roots, load_head
from models.faces.render.face import Face
from models.faces.render.hair_growth import Forces, clump, grow, obstacles_of
from models.faces.render.hair_styles import RootPlaces, comb_hair
from models.faces.render.hairline import above_hairline, loss_threshold
from models.faces.render.shape import HeadShape
from models.faces.render.strands import Strands

Floats = NDArray[np.float32]

_GUIDES = 700
_FEWEST = 50  # strands; fewer would be stray hairs


@dataclass(frozen=True)
class _Pool:
    """What is fixed for every scalp root; random is the same for every face and machine."""

    above: Array  # [N] cm above the hairline
    loss: Array  # [N] baldness at which it goes
    random: Array  # [N, 10]
    order: NDArray[np.int64]  # [N] which are drawn first; the back of the head, which nobody sees, comes last
    guide: NDArray[np.int64]  # [N] clump


@lru_cache(maxsize=1)
def _pool() -> _Pool:
    place = load_head().scalp.place
    random = np.random.RandomState(9)
    values = random.random_sample((len(place), 10))
    centres = place[random.permutation(len(place))[:_GUIDES]]
    back = smoothstep(-9, -13, place[:, 2].astype(np.float64))
    guide = np.asarray(KDTree(centres).query(place)[1], np.int64)
    order = np.argsort(values[:, 3] + 0.5 * back)
    return _Pool(above_hairline(place), loss_threshold(place), values, order, guide)


@lru_cache(maxsize=1)
def _scalp() -> tuple[Array, Array]:
    """Of every vertex [W]: 0 outside the hairline and on ears to 1 well inside, and its loss threshold."""
    head = load_head()
    inside = np.clip((above_hairline(head.fine_canonical) + 0.1) / 1.2, 0, 1) * (head.masks[:, 2] < 0.3)
    return inside, loss_threshold(head.fine_canonical)


def scalp_density(baldness: float) -> Array:
    """How much of the head is covered with hair at every vertex [W], 0..1."""
    inside, loss = _scalp()
    return np.asarray(inside * np.clip((loss - baldness) / 0.2, 0, 1))


def root_frames(roots: Roots, which: NDArray[np.int64], shape: HeadShape) -> tuple[Floats, Floats]:
    """Points and unit normals [n, 3] of some roots on one face."""
    corners, weights = roots.corners[which], roots.weights[which][:, :, None]
    points = (shape.coarse[corners] * weights).sum(axis=1)
    normals = (shape.coarse_normals[corners] * weights).sum(axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return points.astype(np.float32), normals.astype(np.float32)


def hair_of(face: Face, shape: HeadShape, head: Head, most: int) -> Strands | None:
    """The hair of one face with at most so many strands, or None for a shaved or bald head."""
    if face.hair_style == "shaved":
        return None
    pool = _pool()
    grows = (pool.above > -0.25 + 0.5 * pool.random[:, 0]) & (
        pool.loss > face.baldness + 0.22 * (pool.random[:, 4] - 0.5)
    )
    which = np.sort(pool.order[grows[pool.order]][:most])
    if len(which) < _FEWEST:
        return None
    random = pool.random[which]
    places = RootPlaces(head.scalp.place[which].astype(np.float64), random[:, [2, 3, 0]])
    plan = comb_hair(face, places, pool.loss[which] - face.baldness)
    points, normals = root_frames(head.scalp, which, shape)
    strands = np.empty((len(which), plan.segments, 3), np.float32)
    forces = Forces(plan.gravity, plan.cling, plan.curl, plan.curl_frequency, plan.jitter)
    grow(
        points,
        normals,
        _along_skin(plan.comb, normals),
        plan.length.astype(np.float32),
        plan.lift.astype(np.float32),
        plan.clearance.astype(np.float32),
        plan.off_face.astype(np.float32),
        random[:, 5:].astype(np.float32),
        forces,
        obstacles_of(shape, head),
        strands,
    )
    clump(strands, _guides(pool.guide[which]), plan.clumping.astype(np.float32))
    outer = plan.clearance / max(plan.clearance.max(), 1e-6)
    exposure = np.full(len(which), 0.95) if face.hair_style == "buzz" else 0.62 + 0.38 * np.clip(outer, 0, 1)
    return Strands(
        points=strands,
        normals=normals,
        colour=_colours(face, random[:, 1], random[:, 0], pool.guide[which]),
        exposure=exposure.astype(np.float32),
        root_shade=plan.root_shade,
        gloss=plan.gloss,
        opacity=1.0,
        tip_opacity=0.35,
        lift=0.0,
    )


def _along_skin(comb: Array, normals: Floats) -> Floats:
    """Unit directions along the skin; straight down where the comb points into it."""
    flat = comb - normals * (comb * normals).sum(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.where(length < 1e-6, (0, -1, 0), flat / np.maximum(length, 1e-9)).astype(np.float32)


def _guides(clumps: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first strand of each strand's clump."""
    _, first, inverse = np.unique(clumps, return_index=True, return_inverse=True)
    return np.asarray(first[inverse.ravel()], np.int64)


def _colours(face: Face, shade: Array, order: Array, clumps: NDArray[np.int64]) -> Floats:
    """Strands and clumps differ in brightness; the first of them turn grey."""
    by_clump = 0.85 + 0.3 * (clumps * 7919 % 97 / 97)
    colour = face.hair_colour * (0.72 + 0.55 * shade[:, None]) * by_clump[:, None]
    if face.grey > 0.02:
        first = order < 0.15 * face.grey
        colour[first] = 0.5 * colour[first] + 0.16
    return colour.astype(np.float32)

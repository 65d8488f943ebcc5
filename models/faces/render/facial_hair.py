"""Brows and beard of one face: short strands along the skin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array, smoothstep
from models.faces.render.assets import Head, load_head
from models.faces.render.face import Face, ease
from models.faces.render.face_maps import BEARD, brow_height, sample_map
from models.faces.render.hair import root_frames
from models.faces.render.shape import HeadShape
from models.faces.render.strands import Strands

Floats = NDArray[np.float32]

BEARD_STRANDS_FROM = 0.04  # shorter beards are painted on the skin alone
_BROW_SEGMENTS, _BEARD_SEGMENTS = 4, 6


@dataclass(frozen=True)
class _Pool:
    """What is fixed for every brow and beard root."""

    brow_random: Array  # [B, 3]
    brow_across: Array  # [B] cm from the middle of the face
    brow_off: Array  # [B] cm above the middle line of the brow
    brow_taper: Array  # [B] 1 where the brow is thickest
    beard_random: Array  # [N, 3]
    beard_density: Array  # [N]


@lru_cache(maxsize=1)
def _pool() -> _Pool:
    head, random = load_head(), np.random.RandomState(10)
    brow = random.random_sample((len(head.brow.place), 3))
    beard = random.random_sample((len(head.beard.place), 3))
    density = sample_map(BEARD, head.beard.place) * smoothstep(
        -9.0, -6.5, head.beard.place[:, 2].astype(np.float64)
    )
    across = np.abs(head.brow.place[:, 0].astype(np.float64))
    off = head.brow.place[:, 1] - brow_height(across)
    taper = 0.35 + 0.65 * smoothstep(0.8, 1.4, across) * smoothstep(5.6, 3.0, across)
    return _Pool(brow, across, off, taper, beard, density)


def brows_of(face: Face, shape: HeadShape, head: Head) -> Strands:
    """The brows, thicker on men."""
    pool = _pool()
    random, across, off = pool.brow_random, pool.brow_across, pool.brow_off
    adult = 0.35 + 0.65 * ease(6, 24, face.age)
    thickness = 0.15 + (0.17 * (1 - face.gender) + 0.12 * face.combing) * adult
    grows = (random[:, 1] < 0.46 - 0.18 * face.gender) & (
        np.abs(off) < thickness * pool.brow_taper + 0.1 * (random[:, 0] - 0.5)
    )
    grows &= (across > 0.95 + 0.15 * random[:, 1]) & (across < 5.0 + 0.3 * random[:, 2])
    which = np.flatnonzero(grows)
    random, across, off = random[which], across[which], off[which]
    up = 0.55 - 0.22 * (across - 1.2) - 0.5 * off
    outwards = 0.9 * np.sign(head.brow.place[which, 0])
    comb = np.stack([outwards, up, np.full_like(up, -0.1)], axis=1) + 0.25 * (random - 0.5)
    points, normals = root_frames(head.brow, which, shape)
    colour = face.hair_colour * 0.75 * (1 - 0.25 * face.grey)
    # Scaled as a whole: clipped by channel, blond brows would turn green.
    colour = colour * min(1.0, 0.17 / float(colour.max())) * (1.0, 0.95, 0.9)
    return Strands(
        points=_short(
            points, normals, comb, (0.45 + 0.45 * random[:, 0]) * shape.scale, 0.12, _BROW_SEGMENTS
        ),
        normals=normals,
        colour=(colour * (0.7 + 0.6 * random[:, 1:2])).astype(np.float32),
        exposure=np.ones(len(which), np.float32),
        root_shade=0.9,
        gloss=0.1,
        opacity=0.55,
        tip_opacity=0.25,
        lift=0.2,
    )


def beard_of(face: Face, shape: HeadShape, head: Head) -> Strands | None:
    """The beard: denser, then longer with the value; a third of all beards are goatees."""
    if face.beard <= BEARD_STRANDS_FROM:
        return None
    pool = _pool()
    place, density = head.beard.place.astype(np.float64), pool.beard_density
    if 1 / 3 <= face.volume < 2 / 3:
        density = density * smoothstep(3.2, 2.2, np.abs(place[:, 0]))
    which = np.flatnonzero(density > 0.25 + 0.5 * pool.beard_random[:, 0])
    if len(which) == 0:
        return None
    place, random = place[which], pool.beard_random[which]
    grown = ease(0.0, 0.3, face.beard)
    growth = 2.4 * max(0.0, face.beard - 0.2) ** 1.3
    length = (0.22 + growth * (0.5 + 0.5 * smoothstep(-6.5, -10.5, place[:, 1]))) * (0.6 + 0.6 * random[:, 1])
    moustache = (place[:, 1] > -6.9) & (np.abs(place[:, 0]) < 3.0)
    parted = (place[:, 1] > -7) & (np.abs(place[:, 0]) < 3.0)
    length = np.where(moustache, np.minimum(length, 0.8), length)
    comb = np.stack(
        [np.sign(place[:, 0]) * (0.25 + 0.5 * parted), np.full_like(length, -1), np.full_like(length, 0.25)],
        1,
    )
    points, normals = root_frames(head.beard, which, shape)
    strands = _short(
        points, normals, comb + 0.7 * (random - 0.5), length * shape.scale, 0.30, _BEARD_SEGMENTS
    )
    strands[:, :, 1] -= (np.linspace(0, 1, _BEARD_SEGMENTS) ** 2 * 0.12)[None] * length[:, None]
    colour = face.hair_colour * (1.05, 0.95, 0.9) * (0.55 + 0.7 * random[:, 2:3])
    return Strands(
        points=strands,
        normals=normals,
        colour=colour.astype(np.float32),
        exposure=(0.7 + 0.3 * random[:, 0]).astype(np.float32),
        root_shade=0.7,
        gloss=0.2,
        opacity=0.62 * grown,
        tip_opacity=0.2 * grown,
        lift=0.15,
    )


def _short(points: Floats, normals: Floats, comb: Array, length: Array, lift: float, segments: int) -> Floats:
    """Straight strands [n, segments, 3] combed along the skin and lifted off it by a share."""
    along = comb - normals * (comb * normals).sum(axis=1, keepdims=True)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    along = along * (1 - lift) + normals * lift
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    t = np.linspace(0, 1, segments)[None, :, None]
    strands: Floats = points[:, None] + along[:, None] * length[:, None, None] * t + normals[:, None] * 0.03
    return strands.astype(np.float32)

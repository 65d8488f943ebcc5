"""Skin: its colour from melanin and blood, and what is painted on it at every point."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array
from models.faces.render.face import Face, ease
from models.faces.render.face_maps import (
    BEARD,
    BLUSH,
    BROW,
    OIL,
    SOCKET,
    WRINKLE_X,
    WRINKLE_Y,
    map_at,
    map_cell,
)
from models.faces.render.kernels import device
from models.faces.render.noise import BLOTCHES, GRAIN, PORES, SPOTS, ramp, tiled

Floats = NDArray[np.float32]

# Albedo = exp(-(a + melanin * b)): absorption of pale skin and of melanin in linear R, G, B.
_PALE, _MELANIN = np.array([0.30, 0.60, 0.89]), np.array([1.75, 2.25, 2.6])
_LIPSTICKS = ((0.45, 0.03, 0.05), (0.50, 0.13, 0.13), (0.32, 0.03, 0.08), (0.55, 0.18, 0.14))


class SkinPlace(NamedTuple):
    """Where on the head a point of skin lies."""

    x: float  # canonical cm
    y: float
    around: float  # arc length around the head, cm
    front: float  # 1 on the face, 0 behind it
    jaw: float  # 1 from the ears forward, where a beard can be
    cell: tuple[int, int, float, float]  # of the face maps


class SkinLook(NamedTuple):
    """What the skin of one face looks like; colours are linear RGB albedo, the rest is 0..1 or near it."""

    albedo: Floats
    lips: Floats
    scalp: Floats  # under the hair
    stubble: Floats
    wrinkles: float
    shave: float  # strength of the shadow of beard roots
    freckles: float
    blood: float
    oil: float
    blotches: float
    scalp_cover: float  # how much the scalp takes the colour of the hair
    brow_shade: float
    makeup: float
    lid_shade: float


def skin_albedo(face: Face) -> Array:
    """Linear RGB of bare skin."""
    albedo = np.exp(-(_PALE + face.melanin * _MELANIN))
    return albedo * ((1.03, 0.96, 0.93) + np.array([0.05, -0.06, -0.06]) * (face.redness - 0.5) * 2)


def skin_look(face: Face) -> SkinLook:
    """The skin of one face."""
    skin = skin_albedo(face)
    lips = skin * (0.80, 0.54, 0.55) * (1 - 0.1 * face.melanin) + (0.02, 0, 0.003)
    lipstick = np.array(_LIPSTICKS[min(3, int(face.lipstick * 4))]) * (1 - 0.45 * face.melanin)
    lips = lips * (1 - 0.75 * face.makeup) + lipstick * 0.75 * face.makeup
    shaved = face.hair_style == "shaved"
    scalp = skin * 0.72 + face.hair_colour * 0.1 if shaved else face.hair_colour * 0.55 + skin * 0.05
    man = (1 - face.gender) * ease(15, 30, face.age)
    shadow = 0.10 * man * (0.4 + 0.6 * face.shaving_shadow)
    return SkinLook(
        albedo=skin.astype(np.float32),
        lips=lips.astype(np.float32),
        scalp=scalp.astype(np.float32),
        stubble=(face.hair_colour * 0.6 + skin * 0.12).astype(np.float32),
        wrinkles=float(1.15 * np.clip((face.age - 15) / 57, 0, 1) ** 0.7),
        shave=max(min(1.0, 2.2 * face.beard), shadow),
        freckles=face.freckles,
        blood=0.35 + 0.5 * face.redness + 0.3 * face.makeup + 0.25 * ease(26, 8, face.age),
        oil=0.8 + 0.8 * face.oiliness,
        blotches=0.6 + 0.5 * ease(20, 60, face.age),
        scalp_cover={"buzz": 0.75, "shaved": 0.35}.get(face.hair_style, 0.93),
        brow_shade=0.55,
        makeup=face.makeup,
        lid_shade=0.12 + 0.55 * face.makeup * face.side_length,
    )


@device
def mixed(r: float, g: float, b: float, colour: Floats, share: float) -> tuple[float, float, float]:
    """r, g, b with a share 0..1 of another colour."""
    return r + (colour[0] - r) * share, g + (colour[1] - g) * share, b + (colour[2] - b) * share


@device
def skin_place(x: float, y: float, z: float, around: float) -> SkinPlace:
    """The place of canonical x, y, z."""
    return SkinPlace(x, y, around, ramp(-4.0, -1.0, z), ramp(-9.5, -7.0, z), map_cell(x, y))


@device
def bare_skin(
    look: SkinLook, maps: Floats, noise: Floats, at: SkinPlace, ear: float
) -> tuple[float, float, float]:
    """Albedo of skin with its blotches, blood, freckles and age spots."""
    blotch = tiled(noise, BLOTCHES, at.around * 9, at.y * 9)
    k = 1 + look.blotches * (0.10 * blotch + 0.05 * tiled(noise, SPOTS, at.around * 30 + 100, at.y * 30))
    cool = 1 - 0.04 * look.blotches * blotch
    r, g, b = look.albedo[0] * k, look.albedo[1] * k * cool, look.albedo[2] * k * cool
    blush = map_at(maps, BLUSH, at.cell) * at.front
    blood = (blush + 0.35 * ear) * look.blood
    r, g, b = r * (1 - 0.08 * blood), g * (1 - 0.42 * blood), b * (1 - 0.36 * blood)
    socket = map_at(maps, SOCKET, at.cell) * at.front * (0.18 + 0.5 * look.wrinkles)
    r, g, b = r * (1 - 0.22 * socket), g * (1 - 0.33 * socket), b * (1 - 0.26 * socket)
    if look.freckles > 0:
        f = ramp(0.95, 1.7, tiled(noise, SPOTS, at.around * 26, at.y * 26)) * blush * look.freckles
        r, g, b = r * (1 - 0.35 * f), g * (1 - 0.5 * f), b * (1 - 0.6 * f)
    if look.wrinkles > 0.5:
        f = (
            ramp(1.3, 1.9, tiled(noise, BLOTCHES, at.around * 22 + 50, at.y * 22))
            * (look.wrinkles - 0.5)
            * 0.8
        )
        r, g, b = r * (1 - 0.25 * f), g * (1 - 0.4 * f), b * (1 - 0.5 * f)
    return r, g, b


@device
def covered_skin(
    look: SkinLook,
    maps: Floats,
    noise: Floats,
    at: SkinPlace,
    base: tuple[float, float, float],
    masks: tuple[float, float, float, float],
) -> tuple[float, float, float, float]:
    """Albedo with stubble, scalp, brows, lips and lids painted on, and how much of it is lip.

    masks are lips, eyelids, inside of the mouth, density of the hair.
    """
    r, g, b = base
    lips, lids, inside, hair = masks
    if look.shave > 0 and at.jaw > 0:
        roots = 0.8 + 0.35 * tiled(noise, GRAIN, at.around * 55, at.y * 55)
        f = map_at(maps, BEARD, at.cell) * look.shave * at.jaw * roots
        f = min(1.0, max(0.0, f)) * (1 - lips)
        r += (look.stubble[0] - r) * f * 0.6
        g += (look.stubble[1] - g) * f * 0.55
        b += (look.stubble[2] - b) * f * 0.5
    if hair > 0.01:
        f = ramp(0.25, 0.75, hair + 0.12 * tiled(noise, GRAIN, at.around * 40, at.y * 40)) * look.scalp_cover
        r, g, b = mixed(r, g, b, look.scalp, f)
    r, g, b = mixed(r, g, b, look.stubble, map_at(maps, BROW, at.cell) * at.front * look.brow_shade)
    lip = ramp(0.25, 0.7, lips) * (1 - 0.7 * ramp(0.4, 0.8, inside))
    if lip > 0:
        k = 1 + 0.15 * tiled(noise, GRAIN, at.x * 60, at.y * 12)
        r += (look.lips[0] * k - r) * lip
        g += (look.lips[1] * k - g) * lip
        b += (look.lips[2] * k - b) * lip
    if lids > 0.02:
        f = lids * look.lid_shade * ramp(-0.9, -0.1, at.y)
        r, g, b = r * (1 - 0.8 * f), g * (1 - 0.85 * f), b * (1 - 0.85 * f)
    if inside > 0.3 and lip < 0.5:
        f = ramp(0.3, 0.7, inside)
        r, g, b = r + (0.22 - r) * f, g + (0.05 - g) * f, b + (0.05 - b) * f
    return r, g, b, lip


@device
def bumped_normal(
    look: SkinLook, maps: Floats, noise: Floats, at: SkinPlace, normal: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Normal bent by wrinkles and pores."""
    depth = at.front * look.wrinkles
    u, v = at.around * 34, at.y * 34
    nx = normal[0] + depth * map_at(maps, WRINKLE_X, at.cell) + 0.022 * tiled(noise, PORES, u, v)
    ny = normal[1] + depth * map_at(maps, WRINKLE_Y, at.cell) + 0.022 * tiled(noise, PORES, u + 91, v + 57)
    nz = normal[2]
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    return nx / length, ny / length, nz / length


@device
def skin_gloss(look: SkinLook, maps: Floats, at: SkinPlace, lip: float) -> tuple[float, float]:
    """Strength and exponent of the highlight."""
    if lip > 0.3:
        return 0.55 + 0.6 * look.makeup, 35.0
    return (0.34 + 0.5 * map_at(maps, OIL, at.cell) * at.front) * look.oil, 16.0

"""Glasses: rims, bridge and temples as tubes around a face, and the lenses between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.faces.factors import Array
from models.faces.render.assets import Head
from models.faces.render.face import Face
from models.faces.render.shape import HeadShape

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
Depth = Callable[[ArrayLike, ArrayLike], Array]

_AROUND = 7  # sides of a tube
_RIM_POINTS = 40
_METAL = ((0.17, 0.095, 0.028), (0.085, 0.085, 0.09), (0.02, 0.02, 0.022))  # gold, steel, black; linear RGB
_PLASTIC = (
    (0.008, 0.008, 0.009), (0.06, 0.022, 0.01), (0.015, 0.02, 0.06), (0.18, 0.02, 0.02), (0.20, 0.165, 0.13),
)  # fmt: skip
_METAL_GLOSS, _PLASTIC_GLOSS = (0.8, 45.0, 0.16), (0.7, 60.0, 0.05)  # strength, exponent, reflectance


@dataclass(frozen=True)
class Glasses:
    """Meshes of one pair of glasses, cm, before the head turns."""

    points: Floats  # [N, 3] frame
    triangles: Indices
    lens_points: Floats  # [M, 3]
    lens_triangles: Indices
    lens_height: Floats  # [M] 0 at the upper rim .. 1 at the lower
    colour: Floats  # [3] linear RGB of the frame
    gloss: Floats  # [3]
    dark: bool  # sunglasses


@dataclass(frozen=True)
class _Rim:
    """Half width, half height, squareness (exponent of a superellipse), radius of the wire; cm."""

    width: float
    height: float
    squareness: float
    wire: float


def _rim(style: str, shape: Array) -> _Rim:
    a, b, c = (float(v) for v in shape[:3])
    if style == "round":
        return _Rim(2.25 + 0.35 * a, 2.15 + 0.3 * a, 2.0, 0.13 + 0.08 * b)
    if style == "rect":
        return _Rim(2.65 + 0.3 * a, 1.65 + 0.35 * b, 4.0, 0.16 + 0.16 * c)
    if style == "aviator":
        return _Rim(2.7 + 0.2 * a, 2.2 + 0.3 * a, 2.4, 0.13)
    return _Rim(2.8 + 0.3 * a, 2.1 + 0.4 * b, 3.0, 0.2)


def _frame_look(face: Face) -> tuple[Floats, Floats]:
    material, tone = float(face.glasses_colour[0]), float(face.glasses_colour[1])
    if face.glasses_style in ("round", "aviator") and material < 0.6:
        return np.array(_METAL[min(2, int(tone * 3))], np.float32), np.array(_METAL_GLOSS, np.float32)
    colour = _PLASTIC[min(4, int(tone**1.6 * 5))]
    return np.array(colour, np.float32), np.array(_PLASTIC_GLOSS, np.float32)


def glasses_of(face: Face, shape: HeadShape, head: Head) -> Glasses:
    """The glasses of one face, sitting on its nose and ears."""
    rim = _rim(face.glasses_style, face.glasses_shape)
    bridge = shape.coarse[head.landmarks["bridge"]]
    middle_y = float(shape.left_eye[1] + shape.right_eye[1]) / 2
    half_distance = max(float(shape.left_eye[0] - shape.right_eye[0]) / 2 + 0.05, rim.width + 0.75)
    front = max(float(bridge[2]) + 0.35, float(shape.left_eye[2]) + 2.75)
    centre_y = middle_y - 0.25 - 0.15 * float(face.glasses_shape[3])

    def depth(x: ArrayLike, y: ArrayLike) -> Array:
        """z of the curved, slightly tilted plane of the lenses."""
        return np.asarray(front - 0.018 * np.square(x) + 0.10 * np.subtract(y, middle_y))

    angle = np.arange(_RIM_POINTS) * 2 * np.pi / _RIM_POINTS
    across = _superellipse(np.cos(angle), rim.squareness) * rim.width
    up = _superellipse(np.sin(angle), rim.squareness) * rim.height
    if face.glasses_style in ("aviator", "sun"):
        across *= 1 - 0.12 * np.clip(-up / rim.height, 0, None)
    tubes, lenses = [], []
    for side, ear in ((1, "ear_left"), (-1, "ear_right")):
        x, y = side * half_distance + across, centre_y + up
        loop = np.stack([x, y, depth(x, y)], axis=1)
        tubes.append(_tube(loop, (rim.wire, 0.8 * rim.wire), closed=True))
        hub = np.array([[side * half_distance, centre_y, depth(side * half_distance, centre_y)]])
        lenses.append(np.concatenate([loop, hub]))
        tubes.append(_temple(rim, side, half_distance, centre_y, depth, shape.coarse[head.landmarks[ear]]))
    tubes += _bridge(face.glasses_style, rim, half_distance, centre_y, depth)
    colour, gloss = _frame_look(face)
    points, faces = _joined(tubes)
    fan = np.arange(_RIM_POINTS)
    lens = np.stack([np.full_like(fan, _RIM_POINTS), fan, (fan + 1) % _RIM_POINTS], axis=1)
    height = np.append((rim.height - up) / (2 * rim.height), 0.5)
    return Glasses(
        points=points,
        triangles=faces,
        lens_points=np.concatenate(lenses).astype(np.float32),
        lens_triangles=np.concatenate([lens, lens + _RIM_POINTS + 1]).astype(np.int32),
        lens_height=np.tile(height, 2).astype(np.float32),
        colour=colour,
        gloss=gloss,
        dark=face.glasses_style == "sun",
    )


def _superellipse(x: Array, squareness: float) -> Array:
    return np.sign(x) * np.abs(x) ** (2 / squareness)


def _temple(
    rim: _Rim, side: int, half_distance: float, centre_y: float, depth: Depth, ear: Array
) -> tuple[Array, Array]:
    """The arm from the rim to above the ear's root."""
    start_x, start_y = side * (half_distance + rim.width * 0.97), centre_y + rim.height * 0.55
    start_z = float(depth(start_x, start_y))
    t = np.linspace(0, 1, 14)
    path = [
        start_x + (ear[0] + side * 0.45 - start_x) * t**0.7,
        start_y + (ear[1] + 0.6 - start_y) * t,
        start_z + (ear[2] - 0.5 - start_z) * t,
    ]
    return _tube(np.stack(path, axis=1), (0.8 * rim.wire, 1.25 * rim.wire), closed=False)


def _bridge(
    style: str, rim: _Rim, half_distance: float, centre_y: float, depth: Depth
) -> list[tuple[Array, Array]]:
    t = np.linspace(-1, 1, 9)
    reach, y = half_distance - 0.96 * rim.width, centre_y + 0.35 * rim.height
    arch = 1 - t**2
    bow = np.stack([t * reach, y + 0.35 * arch, depth(t * reach, y + 0 * t) + 0.15 * arch], axis=1)
    radii = (0.9 * rim.wire, 0.9 * rim.wire)
    tubes = [_tube(bow, radii, closed=False)]
    if style == "aviator":  # the second bar
        x = 1.4 * reach * t
        bar = np.stack([x, np.full_like(t, y + 0.75), depth(x, np.full_like(t, y + 0.7))], axis=1)
        tubes.append(_tube(bar, radii, closed=False))
    return tubes


def _tube(path: Array, radii: tuple[float, float], closed: bool) -> tuple[Array, Array]:
    """Points and triangles of a tube of elliptic section around a path [K, 3]."""
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    u = np.cross(along, (0.0, 0.0, 1.0))
    steep = np.linalg.norm(u, axis=1) < 0.2
    u[steep] = np.cross(along[steep], (0.0, 1.0, 0.0))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(along, u)
    angle = np.arange(_AROUND) * 2 * np.pi / _AROUND
    ring = u[:, None] * np.cos(angle)[:, None] * radii[0] + v[:, None] * np.sin(angle)[:, None] * radii[1]
    count = len(path)
    i, b = (
        a.ravel()
        for a in np.meshgrid(np.arange(count if closed else count - 1), np.arange(_AROUND), indexing="ij")
    )
    j, c = (i + 1) % count, (b + 1) % _AROUND
    first = np.stack([i * _AROUND + b, j * _AROUND + b, i * _AROUND + c], axis=1)
    second = np.stack([i * _AROUND + c, j * _AROUND + b, j * _AROUND + c], axis=1)
    return (path[:, None] + ring).reshape(-1, 3), np.concatenate([first, second])


def _joined(tubes: list[tuple[Array, Array]]) -> tuple[Floats, Indices]:
    points, faces, offset = [], [], 0
    for p, f in tubes:
        points.append(p)
        faces.append(f + offset)
        offset += len(p)
    return np.concatenate(points).astype(np.float32), np.concatenate(faces).astype(np.int32)

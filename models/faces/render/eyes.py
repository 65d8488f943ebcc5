"""Eyeballs: spheres set into the lids, turned by the gaze; and what an iris looks like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array, smoothstep
from models.faces.render.face import Face
from models.faces.render.kernels import device
from models.faces.render.lighting import Light
from models.faces.render.noise import BLOTCHES, GRAIN, ramp, tiled

IRIS_ANGLE = 0.375  # radians: half angle of the iris seen from the middle of the eyeball
PUPIL_SHARE = 0.36  # of the iris

# Linear RGB albedo.
IRIS_ALBEDO = {
    "brown": (0.060, 0.026, 0.011),
    "hazel": (0.115, 0.065, 0.022),
    "blue": (0.075, 0.135, 0.215),
    "green": (0.085, 0.120, 0.062),
    "grey": (0.125, 0.145, 0.155),
}


@dataclass(frozen=True)
class Eyeball:
    """A unit sphere around the z axis."""

    points: NDArray[np.float32]  # [E, 3]; also the normals
    triangles: NDArray[np.int32]
    lid_shade: NDArray[np.float32]  # [E] light that the lids leave, by height and side


@lru_cache(maxsize=1)
def unit_eyeball(around: int = 32, along: int = 20) -> Eyeball:
    """The sphere that both eyes share."""
    theta = np.linspace(0, np.pi, along)[:, None]
    phi = np.linspace(0, 2 * np.pi, around, endpoint=False)[None]
    sphere = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta) + 0 * phi]
    points = np.stack(sphere, axis=-1).reshape(-1, 3)
    i, j = (a.ravel() for a in np.meshgrid(np.arange(along - 1), np.arange(around), indexing="ij"))
    a, b = i * around + j, i * around + (j + 1) % around
    faces = np.stack([np.stack([a, a + around, b], 1), np.stack([b, a + around, b + around], 1)], axis=1)
    height, side = points[:, 1], np.abs(points[:, 0])
    shade = 0.30 + 0.70 * smoothstep(0.36, 0.06, height) * smoothstep(-0.42, -0.15, height)
    shade *= 1 - 0.35 * smoothstep(0.35, 0.7, side)
    return Eyeball(points.astype(np.float32), faces.reshape(-1, 3).astype(np.int32), shade.astype(np.float32))


def eyeball_radius(vertices: NDArray[np.floating], centre: NDArray[np.floating]) -> float:
    """Radius in cm of the sphere through an eye's vertices [K, 3]."""
    return float(np.linalg.norm(vertices - centre, axis=1).mean())


def iris_albedo(face: Face) -> Array:
    """Linear RGB of the iris."""
    return np.array(IRIS_ALBEDO[face.iris]) * (0.8 + 0.6 * face.iris_tone)


@device
def eye_colour(
    iris: NDArray[np.float32], noise: NDArray[np.float32], x: float, y: float, z: float
) -> tuple[float, float, float]:
    """Albedo of the eyeball at a unit vector in the eye's own frame, z along the gaze."""
    angle = math.acos(min(1.0, max(-1.0, z)))
    if angle < IRIS_ANGLE:
        q = angle / IRIS_ANGLE
        fibres = tiled(noise, GRAIN, math.atan2(y, x) * 22.0 + 7, q * 14.0)
        k = 0.75 + 0.35 * q + 0.35 * fibres * (1 - 0.3 * q)
        k *= 1 - 0.75 * ramp(0.80, 1.0, q)  # limbal ring
        k *= 0.03 + 0.97 * ramp(PUPIL_SHARE * 0.85, PUPIL_SHARE * 1.1, q)
        k *= 1 - 0.45 * y / IRIS_ANGLE * q  # light gathered in the lower half
        return iris[0] * k, iris[1] * k, iris[2] * k
    k = 0.25 + 0.75 * ramp(IRIS_ANGLE, IRIS_ANGLE * 1.12, angle)
    corner = ramp(0.45, 1.1, abs(x))
    veins = ramp(0.9, 1.8, tiled(noise, BLOTCHES, x * 60 + 31, y * 60))
    return 0.42 * k, (0.385 - 0.07 * corner - 0.04 * veins) * k, (0.36 - 0.08 * corner - 0.05 * veins) * k


@device
def catch_light(light: Light, rx: float, ry: float, rz: float) -> float:
    """The soft box in the cornea, between key light and front: 1 where the reflection vector meets it."""
    bx, by, bz = 0.6 * light.direction[0], 0.6 * light.direction[1] + 0.35, 0.6 * light.direction[2] + 0.6
    cosine = (rx * bx + ry * by + rz * bz) / math.sqrt(bx * bx + by * by + bz * bz)
    return ramp(0.958, 0.975, cosine)

"""Light on a face: ambient spherical harmonics and one key light with a shadow map."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.faces.render.face import Face
from models.faces.render.kernels import device, kernel
from models.faces.render.raster import FAR

Floats = NDArray[np.float32]

_REACH = 24.0  # cm that the shadow map covers on each side of the head, on the mean adult
_CENTRE = (0.0, -3.0, -5.0)


class Light(NamedTuple):
    """What kernels read. Harmonics in the order of models.faces.light; colours linear RGB."""

    ambient: Floats  # [9]
    tint: Floats  # [3] of the ambient light
    direction: Floats  # [3] unit, towards the key light
    half: Floats  # [3] unit, half way between the key light and the camera
    key: Floats  # [3] colour times strength of the key light
    softness: float  # width of the shadow filter in texels
    shadow: Floats  # [S, S] depth towards the key light
    shadow_axes: Floats  # [3, 4] map column, map row and depth of a point


def light_of(face: Face, scale: float, shadow_size: int) -> Light:
    """The light of one face with an empty shadow map; scale is the face's height over the mean adult's."""
    direction = face.key_direction
    u = np.cross(direction, (0.1, 0.95, 0.2))
    u /= np.linalg.norm(u)
    v = np.cross(direction, u)
    centre = np.array(_CENTRE) * scale
    texels = shadow_size / 2 / (_REACH * scale)
    axes = np.zeros((3, 4))
    for row, axis in enumerate((u, v)):
        axes[row, :3] = axis * texels
        axes[row, 3] = shadow_size / 2 - axis @ centre * texels
    axes[2, :3] = direction
    half = direction + np.array([0, 0, 1])
    warm, key_warm = face.tint
    return Light(
        ambient=face.ambient.astype(np.float32),
        tint=np.array([1 + warm, 1, 1 - warm], np.float32),
        direction=direction.astype(np.float32),
        half=(half / np.linalg.norm(half)).astype(np.float32),
        key=(np.array([1.04 + key_warm, 1, 0.96 - key_warm]) * face.key_strength).astype(np.float32),
        softness=face.key_softness,
        shadow=np.full((shadow_size, shadow_size), FAR, np.float32),
        shadow_axes=axes.astype(np.float32),
    )


def seen_from_light(points: Floats, light: Light) -> Floats:
    """Posed points [..., 3] as column, row and depth of the shadow map."""
    flat = np.ascontiguousarray(points).reshape(-1, 3)
    out = np.empty_like(flat)
    _to_shadow_map(flat, light.shadow_axes, out)
    return out.reshape(points.shape)


@kernel
def _to_shadow_map(points: Floats, axes: Floats, out: Floats) -> None:
    for i in range(points.shape[0]):
        for k in range(3):
            out[i, k] = (
                axes[k, 0] * points[i, 0] + axes[k, 1] * points[i, 1] + axes[k, 2] * points[i, 2] + axes[k, 3]
            )


@device
def ambient_light(light: Light, x: float, y: float, z: float) -> float:
    """Irradiance over pi of the ambient light on the normal x, y, z (Ramamoorthi and Hanrahan 2001)."""
    c = light.ambient
    linear = 0.488603 * (c[1] * y + c[2] * z + c[3] * x)
    square = 1.092548 * (c[4] * x * y + c[5] * y * z + c[7] * x * z)
    square += 0.315392 * c[6] * (3 * z * z - 1) + 0.546274 * c[8] * (x * x - y * y)
    irradiance: float = 0.282095 * c[0] + linear * (2.0 / 3.0) + 0.25 * square
    return max(0.0, irradiance)


@device
def key_visibility(light: Light, x: float, y: float, z: float, bias: float) -> float:
    """Share 0..1 of the key light that reaches a posed point; bias in cm against self-shadowing."""
    axes = light.shadow_axes
    column = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z + axes[0, 3]
    row = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z + axes[1, 3]
    depth = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z + axes[2, 3] + bias
    size = light.shadow.shape[0]
    lit = 0.0
    taps = 0.0
    for a in range(-1, 2):
        for b in range(-1, 2):
            if a * b != 0 and light.softness < 1.4:
                continue
            i = int(column + (0.9 * a + 0.4 * b) * light.softness)
            j = int(row + (0.9 * b - 0.4 * a) * light.softness)
            taps += 1.0
            if i < 0 or j < 0 or i >= size or j >= size or light.shadow[j, i] < depth:
                lit += 1.0
    return lit / taps

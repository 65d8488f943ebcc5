"""The light on a face as nine second-order spherical harmonics, the first part of the 17-vector.

Order: 1; y, z, x; xy, yz, 3z^2-1, xz, x^2-y^2 (orthonormal), axes x right, y up, z to the camera.
"""

from __future__ import annotations

import numpy as np

from models.faces.factors import Array, FaceFactors


def harmonics(direction: Array) -> Array:
    """Spherical harmonics [N, 9] of unit directions [N, 3]."""
    x, y, z = direction.T
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z**2 - 1),
            1.092548 * x * z,
            0.546274 * (x**2 - y**2),
        ],
        axis=1,
    )


def exposure_gain(factors: FaceFactors) -> Array:
    """What the camera multiplies the light by, [N]: auto-exposure of the whole light times a spread."""
    level = 0.282095 * factors.ambient[:, 0] + 0.5 * factors.key_strength
    return factors.exposure * (0.98 / level) ** 0.6


def light_coefficients(factors: FaceFactors) -> Array:
    """The nine coefficients [N, 9] of ambient plus key light as the camera sees them."""
    key = np.pi * factors.key_strength[:, None] * harmonics(factors.key_direction)
    return (factors.ambient + key) * exposure_gain(factors)[:, None]


def attribute_vectors(factors: FaceFactors) -> Array:
    """[N, 17] in StyleFlow's order: 9 light coefficients, then gender (0 male, 1 female), glasses
    (0, 1), yaw and pitch (degrees), baldness, beard (0..1), age (years), expression (smile, 0..1)."""
    return np.concatenate(
        [
            light_coefficients(factors),
            factors.gender[:, None],
            factors.glasses[:, None].astype(np.float64),
            factors.yaw[:, None],
            factors.pitch[:, None],
            factors.baldness[:, None],
            factors.beard[:, None],
            factors.age[:, None],
            factors.smile[:, None],
        ],
        axis=1,
    )

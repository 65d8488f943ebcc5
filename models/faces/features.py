"""The factors of a face as one standardised vector: what w is taught to be before pictures are seen.

A generator learns a face many times faster when w already says what the face is (a one-hot hair
style, the light as harmonics) than when the mapping network must find that out from pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import (
    COORDINATES,
    GLASSES_STYLES,
    HAIR_STYLES,
    IRIS_COLOURS,
    USED_COORDINATES,
    Z_DIM,
    Array,
    FaceFactors,
    face_factors,
    normalize,
)
from models.faces.light import light_coefficients

# Coordinates that act on the picture by themselves, without thresholds: taken over as they are.
_PLAIN = (
    "weight", "muscle", "redness", "yaw", "pitch", "roll", "torso", "smile", "jaw", "brow", "gaze",
    "blink", "strand", "key_softness", "key_strength", "ambient", "tint", "cloth", "cloth_cut",
    "background", "background_shape", "exposure", "shape",
)  # fmt: skip
_FIELD = {"jaw": "jaw_open"}  # where a coordinate is not named as its field
# Fields whose value, after thresholds and priors, is a feature as well.
_SCALARS = (
    "age", "gender", "melanin", "smile", "jaw_open", "beard", "baldness", "grey", "freckles", "makeup",
)  # fmt: skip
_STATISTICS_SAMPLES = 20_000
_SPARE_SCALE = 0.25  # standard deviation of the directions of w that change nothing


def coordinate_kinds() -> tuple[list[int], list[int]]:
    """Coordinates of z that enter w as they are, and those that enter through thresholds or products."""
    plain = [i for name in _PLAIN for i in range(Z_DIM)[COORDINATES[name]]]
    plain += range(USED_COORDINATES, Z_DIM)
    also_bent = ("smile", "jaw", "key_strength", "yaw", "glasses_colour", "glasses_shape")
    bent = [i for name, part in COORDINATES.items() if name not in _PLAIN for i in range(Z_DIM)[part]]
    return plain, bent + [i for name in also_bent for i in range(Z_DIM)[COORDINATES[name]] if i not in bent]


def _one_hot(index: NDArray[np.int64], count: int) -> Array:
    return np.eye(count)[index]


def named_features(z: NDArray[np.floating]) -> list[tuple[str, Array]]:
    """Unscaled features of the faces z [N, 512] as blocks [N, k], each with the name of the field of
    FaceFactors (or "light", the nine coefficients) that it shows."""
    zn = normalize(z)
    f: FaceFactors = face_factors(zn)
    worn = f.glasses[:, None].astype(np.float64)
    blocks = [(_FIELD.get(name, name), zn[:, COORDINATES[name]]) for name in _PLAIN]
    blocks += [(name, getattr(f, name)[:, None]) for name in _SCALARS]
    blocks += [
        ("ancestry", f.ancestry),
        ("hair_colour", np.log(f.hair_colour)),
        ("cloth", np.log(f.cloth + 0.01)),
        ("background", np.log(f.background + 0.01)),
        ("key_direction", f.key_direction),
        ("light", light_coefficients(f)),
        ("hair_style", _one_hot(f.hair_style, len(HAIR_STYLES))),
        ("iris", _one_hot(f.iris, len(IRIS_COLOURS))),
        ("glasses", worn),
        ("glasses_style", worn * _one_hot(f.glasses_style, len(GLASSES_STYLES))),
        ("glasses_colour", worn * zn[:, COORDINATES["glasses_colour"]]),
        ("glasses_shape", worn * zn[:, COORDINATES["glasses_shape"]]),
    ]
    return blocks


def raw_features(z: NDArray[np.floating]) -> Array:
    """Unscaled features [N, F] of the faces z [N, 512]."""
    return np.concatenate([block for _, block in named_features(z)], axis=1)


class LatentTarget:
    """z -> the w that the mapping network is first taught: features, rotated into all 512 directions.

    The directions left over carry coordinates of z that no factor uses, so that w spreads over
    (nearly) all of them. Mean, scale and rotation come from fixed seeds: the same w on every machine.
    """

    def __init__(self) -> None:
        sample = raw_features(np.random.RandomState(0).randn(_STATISTICS_SAMPLES, Z_DIM))
        self.mean = sample.mean(axis=0)
        self.scale = np.maximum(sample.std(axis=0), 0.05)
        self.spare = Z_DIM - sample.shape[1]
        if not 0 <= self.spare <= Z_DIM - USED_COORDINATES:
            raise ValueError(f"{sample.shape[1]} features do not fit into a w of {Z_DIM}")
        rotation, _ = np.linalg.qr(np.random.RandomState(1).randn(Z_DIM, Z_DIM))
        self.rotation: Array = rotation

    def directions(self, z: NDArray[np.floating]) -> Array:
        """The scaled features [N, 512] of z [N, 512] before the rotation, the spare directions last."""
        features = (raw_features(z) - self.mean) / self.scale
        spare = _SPARE_SCALE * normalize(z)[:, USED_COORDINATES : USED_COORDINATES + self.spare]
        return np.concatenate([np.clip(features, -4, 4), spare], axis=1)

    def __call__(self, z: NDArray[np.floating]) -> NDArray[np.float32]:
        """w [N, 512] of z [N, 512]."""
        return (self.directions(z) @ self.rotation).astype(np.float32)

"""Clothes: the body below a neckline takes the colour of cloth, with folds and perhaps stripes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.faces.render.face import Face
from models.faces.render.kernels import device
from models.faces.render.noise import BLOTCHES, tiled

Floats = NDArray[np.float32]


class ClothLook(NamedTuple):
    """Clothes of one face."""

    colour: Floats  # linear RGB
    neckline: float  # canonical y in cm
    v_depth: float  # cm that the neckline dips in front
    stripes: float  # radians per cm, 0 for plain cloth


def cloth_look(face: Face) -> ClothLook:
    """Half of all necklines are straight; a fifth of all clothes are striped."""
    low, dip, pattern, _ = face.cloth_cut
    return ClothLook(
        colour=face.cloth.astype(np.float32),
        neckline=-13.8 - 2.8 * float(low),
        v_depth=0.0 if dip < 0.5 else 6.0 * float(dip),
        stripes=0.0 if pattern < 0.8 else 2.2,
    )


@device
def above_neckline(cloth: ClothLook, noise: Floats, x: float, y: float, z: float, around: float) -> float:
    """Height in cm of a canonical point above the edge of the clothes."""
    if y > -9:
        return 1.0  # the face
    dip = cloth.v_depth * math.exp(-x * x / 18.0) if z > -11.5 else 0.0
    return y - (cloth.neckline - dip) + 0.25 * tiled(noise, BLOTCHES, around * 6, y * 6)


@device
def cloth_shade(
    cloth: ClothLook, noise: Floats, y: float, around: float, above: float
) -> tuple[float, float]:
    """What cloth multiplies its colour by, and its fold (bends the normal sideways)."""
    fold = tiled(noise, BLOTCHES, around * 5 + 37, y * 2.2)
    k = 0.85 + 0.2 * fold
    if cloth.stripes > 0 and math.sin(y * cloth.stripes) <= 0:
        k *= 0.55
    if above > -0.7:
        k *= 0.8  # the hem
    return k, fold

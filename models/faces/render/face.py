"""One face as the renderer reads it: the factors of one z as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.faces.factors import GLASSES_STYLES, HAIR_STYLES, IRIS_COLOURS, Array, FaceFactors


@dataclass(frozen=True)
class Face:
    """Units and ranges are those of models.faces.factors.FaceFactors.

    The ten `strand` numbers have names here; each is 0..1.
    """

    age: float
    gender: float
    ancestry: Array
    weight: float
    muscle: float
    melanin: float
    redness: float
    yaw: float
    pitch: float
    roll: float
    torso: float
    smile: float
    jaw_open: float
    brow: float
    gaze: Array
    blink: float
    beard: float
    baldness: float
    hair_colour: Array
    grey: float
    hair_style: str
    parting: float  # where the hair parts, 0 right .. 1 left
    hair_length: float
    side_length: float  # of the hair at the sides; depth of waves and of eye shadow
    combing: float  # direction of short hair; thickness of brows
    volume: float  # of the hair; cut of the beard
    oiliness: float  # of the skin
    shaving_shadow: float
    iris_tone: float
    lipstick: float  # which colour
    mouth_corners: float  # how far they hang where nobody smiles
    glasses: bool
    glasses_style: str
    glasses_colour: Array
    glasses_shape: Array
    iris: str
    freckles: float
    makeup: float
    key_direction: Array
    key_strength: float
    key_softness: float
    ambient: Array
    tint: Array
    cloth: Array
    cloth_cut: Array
    background: Array
    background_shape: Array
    exposure: float
    shape: Array


_PLAIN = (
    "age", "gender", "weight", "muscle", "melanin", "redness", "yaw", "pitch", "roll", "torso", "smile",
    "jaw_open", "brow", "blink", "beard", "baldness", "grey", "freckles", "makeup", "key_strength",
    "key_softness", "exposure",
)  # fmt: skip
_VECTORS = (
    "ancestry", "gaze", "hair_colour", "glasses_colour", "glasses_shape", "key_direction", "ambient", "tint",
    "cloth", "cloth_cut", "background", "background_shape", "shape",
)  # fmt: skip
STRAND = (
    "parting", "hair_length", "side_length", "combing", "volume", "oiliness", "shaving_shadow", "iris_tone",
    "lipstick", "mouth_corners",
)  # fmt: skip


def ease(low: float, high: float, x: float) -> float:
    """models.faces.factors.smoothstep of one number: 0 at low, 1 at high (which may be the smaller)."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)


def face_at(factors: FaceFactors, i: int) -> Face:
    """Face number i of the factors."""
    values: dict[str, object] = {name: float(getattr(factors, name)[i]) for name in _PLAIN}
    values |= {name: np.asarray(getattr(factors, name)[i], np.float64) for name in _VECTORS}
    values |= {name: float(factors.strand[i, k]) for k, name in enumerate(STRAND)}
    values |= {
        "glasses": bool(factors.glasses[i]),
        "hair_style": HAIR_STYLES[factors.hair_style[i]],
        "glasses_style": GLASSES_STYLES[factors.glasses_style[i]],
        "iris": IRIS_COLOURS[factors.iris[i]],
    }
    return Face(**values)  # type: ignore[arg-type]

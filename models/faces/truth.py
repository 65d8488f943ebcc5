"""Ground truth of rendered faces as JSON lines: one object a face, named fields, units in the names.

Fields are those of models.faces.catalogue, and besides them `index` (row of z in the shard), `light` (nine
spherical harmonics as the camera sees them, order of models.faces.light) and `landmarks` (right eye, left
eye, right and left mouth corner of the person; x and y as shares of the picture's side).
"""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from models.faces.catalogue import CATALOGUE
from models.faces.factors import GLASSES_STYLES, HAIR_STYLES, IRIS_COLOURS, FaceFactors
from models.faces.light import light_coefficients

_NAMES = {"hair_style": HAIR_STYLES, "glasses_style": GLASSES_STYLES, "iris": IRIS_COLOURS}
_DIGITS = 6  # significant


def truth_lines(factors: FaceFactors, landmarks: NDArray[np.float32]) -> list[str]:
    """One JSON object for each of the N faces; glasses_style is null where no glasses are worn."""
    light = light_coefficients(factors)
    lines = []
    for i in range(len(landmarks)):
        record: dict[str, object] = {"index": i}
        for description in CATALOGUE:
            record[description.truth_name] = _plain(description.field, getattr(factors, description.field)[i])
        if not factors.glasses[i]:
            record["glasses_style"] = None
        record["light"] = _rounded(light[i])
        record["landmarks"] = _rounded(landmarks[i])
        lines.append(json.dumps(record))
    return lines


def _plain(field: str, value: object) -> object:
    if field in _NAMES:
        return _NAMES[field][int(value)]  # type: ignore[call-overload]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    return _rounded(np.asarray(value))


def _rounded(value: NDArray[np.floating]) -> object:
    if value.ndim == 0:
        return float(f"{float(value):.{_DIGITS}g}")
    return [_rounded(v) for v in value]

"""Where scalp hair grows and in which order it is lost, as functions of canonical coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array, smoothstep

# Height y of the hairline at depth z, both canonical, in cm; hair grows above it.
_Z = (-18, -13, -11, -10.2, -9, -7.6, -7.0, -6.2, -5.5, -4, -2, 0, 1.5, 3)
_Y = (-6.5, -5.5, -3.2, 0, 2, 1.6, -1.0, -1.6, 0.6, 3.2, 4.9, 5.9, 6.4, 6.8)


def above_hairline(place: NDArray[np.floating]) -> Array:
    """How far [N] canonical points [N, 3] lie above the hairline, in cm; negative below it."""
    return np.asarray(place[:, 1] - np.interp(place[:, 2], _Z, _Y))


def loss_threshold(place: NDArray[np.floating]) -> Array:
    """The baldness [N] at which the hair at canonical points [N, 3] goes; above 1 it stays for ever.

    Forehead and temples go first, then a spot at the crown, the sides never (Hamilton-Norwood pattern).
    """
    x, y, z = np.asarray(place, np.float64).T
    top = smoothstep(2.0, 6.5, y)
    front = smoothstep(-11, 1.5, z)
    crown = np.exp(-((x / 4.2) ** 2 + ((y - 9) / 5) ** 2 + ((z + 13) / 4.5) ** 2))
    temple = np.exp(-(((np.abs(x) - 4.8) / 2.0) ** 2)) * smoothstep(-5, 0, z)
    return np.asarray(1.08 - top * (0.10 + np.maximum(0.62 * front + 0.32 * temple, 0.58 * crown)))

"""The backdrop: one colour with slow waves of brightness, as bright as the light allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.faces.render.face import Face

CELLS = 33  # the grid that is interpolated over the picture


def backdrop(face: Face) -> NDArray[np.float32]:
    """Linear RGB [CELLS, CELLS, 3]."""
    t = np.linspace(-1, 1, CELLS)
    y, x = np.meshgrid(t, t, indexing="ij")
    waves = np.stack(
        [
            0.28 * y,
            0.22 * x,
            0.12 * np.cos(np.pi * y),
            0.12 * np.cos(np.pi * x),
            0.10 * np.sin(np.pi * x) * y,
            0.10 * x * np.sin(np.pi * y),
        ]
    )
    brightness = np.exp(np.tensordot(face.background_shape, waves, axes=1))
    colour = np.clip(face.background * brightness[..., None], 0, 1.2)
    return (colour * (0.45 + 0.5 * (0.5 * face.key_strength + 0.4))).astype(np.float32)

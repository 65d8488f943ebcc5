"""What a generator of rendered faces is told about z beforehand: the w that z should get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.faces.features import LatentTarget
from models.faces.mapping.layers import mapping_layers
from models.faces.mapping.units import AffineLayer
from models.faces.mixing_groups import mixed_latents

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Teacher:
    """target: z [N, z_dim] -> w [N, w_dim].
    mixed: z, number of layers, share of mixed faces, random numbers -> ws [N, L, w_dim].
    layers: width of its hidden layers, an offset -> a mapping from z to nearly target(z) + offset.
    """

    target: Callable[[Floats], Floats]
    mixed: Callable[[Floats, int, float, np.random.RandomState], Floats]
    layers: Callable[[int, float], Sequence[AffineLayer]]


def face_teacher() -> Teacher:
    """The teacher of models.faces."""
    target = LatentTarget()

    def mixed(z: Floats, num_ws: int, share: float, random: np.random.RandomState) -> Floats:
        return mixed_latents(target, z, num_ws, share, random)

    return Teacher(target, mixed, lambda width, offset: mapping_layers(target, offset, width))

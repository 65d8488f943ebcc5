"""Noise maps for the synthesis network from a short specification: a seed and a strength."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from models.stylegan2.generator import Generator


def noise_maps(generator: Generator, seed: int | None, strength: float = 1.0) -> list[Tensor] | None:
    """One map [1, 1, r, r] a layer, or None for the stored maps as they are.

    seed None takes the stored maps; a seed draws all of them from one RandomState in the order of the
    layers, so that they are the same on every device. strength multiplies them.
    Returns None for a generator without noise inputs. Raises ValueError for a strength that is not finite.
    """
    if not math.isfinite(strength):
        raise ValueError("the noise strength must be a finite number")
    stored = generator.synthesis.noise_maps()
    if not stored or (seed is None and strength == 1):
        return None
    if seed is None:
        return [map_[None, None] * strength for map_ in stored]
    random = np.random.RandomState(seed)
    return [
        torch.from_numpy(random.randn(1, 1, *map_.shape)).to(map_.device, map_.dtype) * strength
        for map_ in stored
    ]

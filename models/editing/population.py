"""Draws of w: the population that directions, scales and attribute statistics are measured on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.stylegan2.generator import Generator

_TOGETHER = 1024


@torch.no_grad()
def draw_w(generator: Generator, count: int, seed: int = 0, psi: float = 1.0) -> Tensor:
    """w [count, w_dim] of fresh z, truncated by psi; a conditional generator gets random labels.

    The same seed draws the same on every device.
    """
    random = np.random.RandomState(seed)
    place = generator.w_avg.device
    parts = []
    for first in range(0, count, _TOGETHER):
        size = min(_TOGETHER, count - first)
        z = torch.from_numpy(random.randn(size, generator.z_dim)).to(place, torch.float32)
        labels = None
        if generator.c_dim:
            labels = torch.eye(generator.c_dim, device=place)[random.randint(generator.c_dim, size=size)]
        parts.append(generator.mapping(z, labels, psi)[:, 0])
    return torch.cat(parts)


def deviation_along(w: Tensor, vector: Tensor) -> float:
    """Standard deviation of w [N, C] along a unit vector [C]."""
    return float((w @ vector.to(w)).std())

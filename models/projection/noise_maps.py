"""Noise maps as a projection optimises them: free of content, of zero mean and unit variance.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, appendix D.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

PYRAMID_TOP = 8  # maps are regularised down to this side


def noise_regularization(noise: Sequence[Tensor]) -> Tensor:
    """How far neighbouring pixels of the maps [1, 1, r, r] are correlated, over a pyramid of each map; r are
    powers of two.

    Without the factor 2 per level that the paper mentions: NVIDIA's code averages only. Maps of one side,
    and larger ones averaged down to it, are looked at together: a few operations instead of hundreds.
    """
    total = torch.zeros([], device=noise[0].device if noise else None)
    side = max((value.shape[2] for value in noise), default=0)
    averaged: list[Tensor] = []
    while side:
        level = torch.cat([*averaged, *(value for value in noise if value.shape[2] == side)])
        for dimension in (3, 2):
            correlation = (level * level.roll(1, dims=dimension)).mean(dim=(1, 2, 3))
            total = total + correlation.square().sum()
        smaller = [value.shape[2] for value in noise if value.shape[2] < side]
        averaged = [F.avg_pool2d(level, 2)] if side > PYRAMID_TOP else []
        side = side // 2 if averaged else max(smaller, default=0)
    return total


def normalized_noise(value: Tensor) -> Tensor:
    """Zero mean and unit variance (of the population)."""
    value = value - value.mean()
    return value * value.square().mean().rsqrt()

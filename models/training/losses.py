"""How far generated pictures are from rendered ones."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

Features = Callable[[Tensor], Tensor]
"""Pictures [N, 3, h, w] of 0..255 -> [N, D]; squared L2 between rows is a perceptual distance."""


def pair_loss(fake: Tensor, real: Tensor, features: Features, perceptual_weight: float) -> Tensor:
    """2 * L1 + perceptual_weight * perceptual distance, [N]; pictures [N, 3, h, w] in -1..1."""
    pixels = (fake - real).abs().mean(dim=(1, 2, 3))
    difference = features((fake + 1) * 127.5) - features((real + 1) * 127.5).detach()
    return 2 * pixels + perceptual_weight * difference.square().sum(dim=1)


def energy_loss(first: Tensor, second: Tensor, real: Tensor, features: Features, weight: float) -> Tensor:
    """Energy score [N] of two pictures of one z under independent noise against the render of z.

    E d(x, G) - 1/2 E d(G, G') is a strictly proper score (Gneiting and Raftery 2007, section 4.3):
    where z does not decide the picture (single hairs, skin grain) the best generator is not the
    blurred mean but one whose noise draws what could be there. d must be of negative type: L1 on
    pixels and plain (not squared) L2 on the features.
    """
    scaled = [(x + 1) * 127.5 for x in (first, second, real)]
    a, b, x = (features(s) for s in scaled)
    x = x.detach()

    def pixels(p: Tensor, q: Tensor) -> Tensor:
        return 2 * (p - q).abs().mean(dim=(1, 2, 3))

    def perceived(p: Tensor, q: Tensor) -> Tensor:
        return weight * (p - q).square().sum(dim=1).add(1e-8).sqrt()

    near = pixels(first, real) + pixels(second, real) + perceived(a, x) + perceived(b, x)
    apart = pixels(first, second) + perceived(a, b)
    return near / 2 - apart / 2


def downsample_like(real: Tensor, resolution: int) -> Tensor:
    """Area-average pictures [N, 3, R, R] to the resolution."""
    if real.shape[-1] == resolution:
        return real
    return F.interpolate(real, size=(resolution, resolution), mode="area")

"""How far generated pictures are from rendered ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import Levels, flattened

# Sides of the windows in which textures are compared, on the first levels: 16 pixels of the picture, then 32,
# 32 and 64. Smaller ones hold too few places of a coarse level to speak of a spread.
TEXTURE_WINDOWS = (8, 8, 4, 4)


@dataclass(frozen=True)
class Seen:
    """Pictures [N, 3, h, w] in -1..1 with a network's maps of them: what the losses compare."""

    pictures: Tensor
    maps: list[Tensor]

    @property
    def features(self) -> Tensor:
        """[N, D]; squared L2 between rows is the perceptual distance."""
        return flattened(self.maps)


def seen(pictures: Tensor, levels: Levels) -> Seen:
    """The pictures [N, 3, h, w] in -1..1 as a network sees them."""
    return Seen(pictures, levels((pictures + 1) * 127.5))


def pair_loss(fake: Seen, real: Seen, perceptual_weight: float) -> Tensor:
    """2 * L1 + perceptual_weight * perceptual distance, [N]."""
    return _pixels(fake, real) + perceptual_weight * (fake.features - real.features).square().sum(dim=1)


def energy_loss(first: Seen, second: Seen, real: Seen, perceptual_weight: float) -> Tensor:
    """Energy score [N] of two pictures of one z under independent noise against the render of z.

    E d(x, G) - 1/2 E d(G, G') is a strictly proper score (Gneiting and Raftery 2007, section 4.3):
    where z does not decide the picture (single hairs, skin grain) the best generator is not the
    blurred mean but one whose noise draws what could be there. d must be of negative type: L1 on
    pixels and plain (not squared) L2 on the features.
    """
    a, b, x = first.features, second.features, real.features

    def perceived(p: Tensor, q: Tensor) -> Tensor:
        return perceptual_weight * (p - q).square().sum(dim=1).add(1e-8).sqrt()

    near = _pixels(first, real) + _pixels(second, real) + perceived(a, x) + perceived(b, x)
    apart = _pixels(first, second) + perceived(a, b)
    return near / 2 - apart / 2


def texture_distance(fake: Seen, real: Seen) -> Tensor:
    """[N]: how much more or less the network's maps vary within small windows than they should.

    Squared difference of the standard deviation of every channel in every window, mean over windows, summed
    over channels and levels. What a single hair does is not asked, only that there are hairs: the spatial
    averages of Gatys et al., "Texture Synthesis Using Convolutional Neural Networks", 2015, without what
    channels have in common, and window by window. A loss that compares pixel with pixel prefers a blur to
    a detail that is a pixel off; this one does not.
    """
    total = fake.pictures.new_zeros(len(fake.pictures))
    for a, b, window in zip(fake.maps, real.maps, TEXTURE_WINDOWS, strict=False):
        if min(a.shape[2:]) >= window:
            total = total + (_spread(a, window) - _spread(b, window)).square().sum(dim=1).mean(dim=(1, 2))
    return total


def _spread(level: Tensor, window: int) -> Tensor:
    """Standard deviations [N, C, h / window, w / window]; with a finite gradient where all is one colour."""
    mean = F.avg_pool2d(level, window)
    variance = F.avg_pool2d(level.square(), window) - mean.square()
    return (variance.clamp(min=0) + 1e-6).sqrt()


def _pixels(a: Seen, b: Seen) -> Tensor:
    return 2 * (a.pictures - b.pictures).abs().mean(dim=(1, 2, 3))


def downsample_like(real: Tensor, resolution: int) -> Tensor:
    """Area-average pictures [N, 3, R, R] to the resolution."""
    if real.shape[-1] == resolution:
        return real
    return F.interpolate(real, size=(resolution, resolution), mode="area")

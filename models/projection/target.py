"""The picture that is looked for, and how a generated one is compared with it."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.projection.errors import ProjectionError
from models.projection.perceptual import MINIMUM_SIDE, PerceptualDistance
from models.stylegan2.generator import Generator

COMPARED_SIDE = 256  # larger pictures are compared at this size, smaller ones as they are


def prepare_target(picture: Image.Image | NDArray[np.uint8], resolution: int) -> Tensor:
    """RGB, centre crop to a square, Lanczos to the generator's resolution: float32 [3, R, R] of 0..255."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image = image.convert("RGB")
    width, height = image.size
    side = min(width, height)
    box = ((width - side) // 2, (height - side) // 2, (width + side) // 2, (height + side) // 2)
    image = image.crop(box).resize((resolution, resolution), Image.Resampling.LANCZOS)
    return torch.tensor(np.asarray(image), dtype=torch.float32).permute(2, 0, 1).contiguous()


def compared(pictures: Tensor) -> Tensor:
    """Pictures [N, 3, R, R] as they are shown to the perceptual distance: at most 256x256, by area."""
    if pictures.shape[2] <= COMPARED_SIDE:
        return pictures
    return F.interpolate(pictures, size=(COMPARED_SIDE, COMPARED_SIDE), mode="area")


class Comparison:
    """A target [3, R, R] of 0..255 for one generator; its features are computed once a level.

    Raises ProjectionError where generator, target and level do not fit together.
    """

    def __init__(
        self,
        generator: Generator,
        target: Tensor,
        perceptual: PerceptualDistance,
        low_resolution: int | None = None,
    ) -> None:
        check_fit(generator, target, low_resolution)
        self.perceptual, self.device = perceptual, generator.w_avg.device
        self.side = generator.img_resolution
        self._target = target[None].to(self.device, torch.float32)
        self._features: dict[int, Tensor] = {}

    def distance(self, picture: Tensor) -> Tensor:
        """Perceptual distance, one number, of a picture [1, 3, r, r] of -1..1, r being a level."""
        return (self._features_at(picture.shape[2]) - self.features(picture)).square().sum()

    def pixel(self, picture: Tensor) -> Tensor:
        """Mean square difference of the pixels of a whole picture [1, 3, R, R], both in -1..1."""
        return (picture - (self._target / 127.5 - 1)).square().mean()

    def features(self, picture: Tensor) -> Tensor:
        """Features of a picture of -1..1, not clamped."""
        return self.perceptual.features(compared((picture + 1) * 127.5))

    @torch.no_grad()
    def _features_at(self, side: int) -> Tensor:
        if side not in self._features:
            smaller = self._target
            if side < self.side:
                smaller = F.interpolate(smaller, size=(side, side), mode="area")
            self._features[side] = self.perceptual.features(compared(smaller))
        return self._features[side]


def check_fit(generator: Generator, target: Tensor, low_resolution: int | None = None) -> None:
    """Raises ProjectionError where this cannot be projected."""
    if generator.c_dim or generator.img_channels != 3:
        raise ProjectionError("Projection needs a generator of RGB pictures without class labels.")
    side = generator.img_resolution
    if target.shape != (3, side, side):
        raise ProjectionError(f"The target must be [3, {side}, {side}], not {list(target.shape)}.")
    if not torch.isfinite(target).all():
        raise ProjectionError("The target holds numbers that are not finite.")
    levels = [level for level in generator.config.rgb_resolutions if level >= MINIMUM_SIDE]
    if low_resolution is not None and low_resolution not in levels:
        raise ProjectionError(
            f"This generator has no level of {low_resolution}x{low_resolution} to begin with."
        )


def fingerprint(target: Tensor) -> str:
    """sha256 of a target's numbers: a projection is only resumed for the picture it was begun with."""
    return hashlib.sha256(target.detach().to("cpu", torch.float32).contiguous().numpy().tobytes()).hexdigest()

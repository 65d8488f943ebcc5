"""Projection of a picture into W: the latent and the noise maps with which a generator comes closest to it.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, appendix D; where the text and
NVIDIA's code differ, the numbers here are those of the code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.projection.perceptual import PerceptualDistance
from models.stylegan2.generator import Generator

COMPARED_SIDE = 256  # larger pictures are compared at this size, smaller ones as they are
STATISTICS_SEED = 123
STATISTICS_BATCH = 1000
PYRAMID_TOP = 8  # noise maps are regularised down to this side


class ProjectionError(ValueError):
    """This picture or generator cannot be projected; the message is meant for users."""


@dataclass(frozen=True)
class ProjectionSettings:
    """NVIDIA's hyper-parameters; lengths are parts of the whole run."""

    steps: int = 1000
    seed: int = 303
    w_avg_samples: int = 10_000
    initial_learning_rate: float = 0.1
    initial_noise_factor: float = 0.05
    lr_rampdown_length: float = 0.25
    lr_rampup_length: float = 0.05
    noise_ramp_length: float = 0.75
    regularize_noise_weight: float = 1e5

    def __post_init__(self) -> None:
        if self.steps < 1 or self.w_avg_samples < 1:
            raise ValueError("steps and w_avg_samples must be at least 1")
        if min(self.lr_rampdown_length, self.lr_rampup_length, self.noise_ramp_length) <= 0:
            raise ValueError("the lengths of the ramps must be more than 0")

    def learning_rate(self, step: int) -> float:
        """Linear ramp up, cosine ramp down; exactly 0 at step 0."""
        t = step / self.steps
        down = min(1.0, (1.0 - t) / self.lr_rampdown_length)
        up = min(1.0, t / self.lr_rampup_length)
        return self.initial_learning_rate * (0.5 - 0.5 * math.cos(math.pi * down)) * up

    def w_noise_scale(self, step: int, w_std: float) -> float:
        """Standard deviation of the noise that is added to w while it is looked for."""
        t = step / self.steps
        return w_std * self.initial_noise_factor * max(0.0, 1.0 - t / self.noise_ramp_length) ** 2


@dataclass(frozen=True)
class WStatistics:
    """w_avg float32 [1, 1, w_dim]; w_std: root of the variances summed over the channels, one number."""

    w_avg: Tensor
    w_std: float


@dataclass(frozen=True)
class ProjectionStep:
    """The state after step index of total.

    loss and distance (the loss without the noise regulariser) are those of the picture before the step. ws
    [1, num_ws, w_dim], all rows alike, and noise, maps [1, 1, r, r], are for generator.synthesis; they are
    copies and stay as they are.
    """

    index: int
    total: int
    loss: float
    distance: float
    ws: Tensor
    noise: list[Tensor]


@torch.no_grad()
def w_statistics(generator: Generator, samples: int = 10_000) -> WStatistics:
    """Mean and spread of w over z; always the same samples. Worth keeping: they depend on nothing else.

    Raises ProjectionError for a conditional generator.
    """
    if generator.c_dim:
        raise ProjectionError("Projection needs a generator without class labels.")
    z = np.random.RandomState(STATISTICS_SEED).randn(samples, generator.z_dim)
    device = generator.w_avg.device
    rows = [
        generator.mapping(torch.from_numpy(part).to(device, torch.float32))[:, 0].cpu().numpy()
        for part in np.array_split(z, math.ceil(samples / STATISTICS_BATCH))
    ]
    # In NumPy and float32 throughout, as NVIDIA's: their rounding decides the last digits of a trajectory.
    w = np.concatenate(rows)
    w_avg = w.mean(axis=0)
    w_std = math.sqrt(float(np.sum((w - w_avg) ** 2)) / samples)
    return WStatistics(torch.from_numpy(w_avg[None, None]).to(device), w_std)


def prepare_target(picture: Image.Image | NDArray[np.uint8], resolution: int) -> Tensor:
    """RGB, centre crop to a square, Lanczos to the generator's resolution: float32 [3, R, R] of 0..255."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image = image.convert("RGB")
    width, height = image.size
    side = min(width, height)
    box = ((width - side) // 2, (height - side) // 2, (width + side) // 2, (height + side) // 2)
    image = image.crop(box).resize((resolution, resolution), Image.Resampling.LANCZOS)
    return torch.tensor(np.asarray(image), dtype=torch.float32).permute(2, 0, 1).contiguous()


def project(
    generator: Generator,
    target: Tensor,
    settings: ProjectionSettings,
    perceptual: PerceptualDistance,
    statistics: WStatistics | None = None,
) -> Iterator[ProjectionStep]:
    """Steps of a projection of target [3, R, R], 0..255, at the generator's resolution.

    Lazy: every next() computes one step, and between steps it can be left for good. The generator is not
    changed, and random numbers are drawn from a stream of its own, so that one seed gives one result.
    The target is compared at the generator's resolution, or at 256x256 where that is larger. statistics:
    w_statistics(generator, settings.w_avg_samples), computed on the first step where not given.
    Raises ProjectionError at once where generator and target do not fit; at a step where numbers overflow.
    """
    if generator.c_dim or generator.img_channels != 3:
        raise ProjectionError("Projection needs a generator of RGB pictures without class labels.")
    side = generator.img_resolution
    if target.shape != (3, side, side):
        raise ProjectionError(f"The target must be [3, {side}, {side}], not {list(target.shape)}.")
    return _steps(generator, target, settings, perceptual, statistics)


def _steps(
    generator: Generator,
    target: Tensor,
    settings: ProjectionSettings,
    perceptual: PerceptualDistance,
    statistics: WStatistics | None,
) -> Iterator[ProjectionStep]:
    statistics = statistics or w_statistics(generator, settings.w_avg_samples)
    descent = _Descent(generator, target, settings, perceptual, statistics)
    for index in range(settings.steps):
        loss, distance = descent.step(index)
        if not math.isfinite(loss):
            raise ProjectionError(f"The projection diverged at step {index + 1}: its loss is {loss}.")
        ws = descent.w.detach().repeat(1, generator.num_ws, 1)
        noise = [value.detach().clone() for value in descent.noise]
        yield ProjectionStep(index + 1, settings.steps, loss, distance, ws, noise)


class _Descent:
    """What changes from step to step: w [1, 1, w_dim], the noise maps, Adam's moments, the random stream."""

    def __init__(
        self,
        generator: Generator,
        target: Tensor,
        settings: ProjectionSettings,
        perceptual: PerceptualDistance,
        statistics: WStatistics,
    ) -> None:
        self.generator, self.settings, self.perceptual = generator, settings, perceptual
        self.device, self.w_std = generator.w_avg.device, statistics.w_std
        # On the CPU for every device, so that a seed means the same everywhere.
        self.random = torch.Generator().manual_seed(settings.seed)
        # A caller may compute without gradients; what is optimised here must know them all the same.
        with torch.inference_mode(False):
            sides = generator.synthesis.noise_resolutions if generator.config.use_noise else ()
            self.noise = [self._drawn((1, 1, side, side)).requires_grad_() for side in sides]
            self.w = statistics.w_avg.to(self.device).clone().requires_grad_()
            self.adam = torch.optim.Adam([self.w, *self.noise], lr=settings.initial_learning_rate)
            with torch.no_grad():
                self.target = perceptual.features(compared(target[None].to(self.device, torch.float32)))

    def _drawn(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self.random).to(self.device)

    def step(self, index: int) -> tuple[float, float]:
        """One step of Adam; loss and distance before it."""
        with torch.inference_mode(False), torch.enable_grad():
            scale = self.settings.w_noise_scale(index, self.w_std)
            w = self.w + self._drawn((1, 1, self.generator.w_dim)) * scale
            noise = self.noise or None
            picture = self.generator.synthesis(w.repeat(1, self.generator.num_ws, 1), "const", noise)
            features = self.perceptual.features(compared((picture + 1) * 127.5))
            distance = (self.target - features).square().sum()
            loss = distance + noise_regularization(self.noise) * self.settings.regularize_noise_weight
            self._descend(loss, self.settings.learning_rate(index))
        return loss.item(), distance.item()

    def _descend(self, loss: Tensor, learning_rate: float) -> None:
        parameters = [self.w, *self.noise]
        # Asked for by name, so that nothing is computed for or stored in the generator's weights.
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        self.adam.param_groups[0]["lr"] = learning_rate
        self.adam.step()
        with torch.no_grad():
            for value in self.noise:
                value.copy_(normalized_noise(value))


def compared(pictures: Tensor) -> Tensor:
    """Pictures [N, 3, R, R] as they are shown to the perceptual distance: at most 256x256, by area."""
    if pictures.shape[2] <= COMPARED_SIDE:
        return pictures
    return F.interpolate(pictures, size=(COMPARED_SIDE, COMPARED_SIDE), mode="area")


def noise_regularization(noise: list[Tensor]) -> Tensor:
    """How far neighbouring pixels of the maps [1, 1, r, r] are correlated, over a pyramid of each map.

    Without the factor 2 per level that the paper mentions: NVIDIA's code averages only.
    """
    total = torch.zeros([], device=noise[0].device if noise else None)
    for level in noise:
        while True:
            for dimension in (3, 2):
                total = total + (level * level.roll(1, dims=dimension)).mean().square()
            if level.shape[2] <= PYRAMID_TOP:
                break
            level = F.avg_pool2d(level, 2)
    return total


def normalized_noise(value: Tensor) -> Tensor:
    """Zero mean and unit variance (of the population)."""
    value = value - value.mean()
    return value * value.square().mean().rsqrt()

"""The published projection written plainly: what models.projection is compared with.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, appendix D, in the way in which
it is usually written: one convolution weight modulated for every sample (a grouped convolution, through
which gradients flow), activations in NCHW, every noise map regularised by itself. The target's features are
computed once, as NVIDIA's code does. Same numbers as models.projection, within rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import PerceptualDistance
from models.projection.settings import ProjectionSettings
from models.projection.target import compared
from models.projection.w_statistics import WStatistics
from models.stylegan2.generator import Generator
from models.stylegan2.synthesis_blocks import SynthesisBlock, SynthesisLayer, ToRGB


@dataclass(frozen=True)
class PlainStep:
    """The state after a step: w [1, 1, w_dim] and the noise maps [1, 1, r, r]."""

    index: int
    w: Tensor
    noise: list[Tensor]


def plain_project(
    generator: Generator,
    target: Tensor,
    settings: ProjectionSettings,
    perceptual: PerceptualDistance,
    statistics: WStatistics,
) -> Iterator[PlainStep]:
    """Steps of a projection into W."""
    random = torch.Generator().manual_seed(settings.seed)
    sides = generator.synthesis.noise_resolutions
    noise = [torch.randn(1, 1, side, side, generator=random).requires_grad_() for side in sides]
    w = statistics.w_avg.clone().requires_grad_()
    adam = torch.optim.Adam([w, *noise], lr=settings.initial_learning_rate)
    with torch.no_grad():
        wanted = perceptual.features(compared(target[None]))
    for index in range(settings.steps):
        draw = torch.randn(1, 1, generator.w_dim, generator=random)
        noisy = w + draw * settings.w_noise_scale(index, statistics.w_std)
        picture = plain_synthesis(generator, noisy.repeat(1, generator.num_ws, 1), noise)
        distance = (wanted - perceptual.features(compared((picture + 1) * 127.5))).square().sum()
        loss = distance + settings.regularize_noise_weight * _regularization(noise)
        adam.param_groups[0]["lr"] = settings.learning_rate(index)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        with torch.no_grad():
            for value in noise:
                value -= value.mean()
                value *= value.square().mean().rsqrt()
        yield PlainStep(index + 1, w.detach().clone(), [value.detach().clone() for value in noise])


def plain_synthesis(generator: Generator, ws: Tensor, noise: list[Tensor]) -> Tensor:
    """The picture [1, 3, R, R] of -1..1 from ws [1, num_ws, w_dim] and one noise map a layer."""
    network = generator.synthesis
    x, img, row = network.block(4).const[None], None, 0
    for resolution in network.resolutions:
        block = network.block(resolution)
        if not block.first:
            x = _layer(block.conv0, x, ws[:, row], noise[row])
            row += 1
        x = _layer(block.conv1, x, ws[:, row], noise[row])
        img = _with_rgb(block, x, img, ws[:, row + 1])
        row += 1
    assert img is not None
    return img


def _layer(layer: SynthesisLayer, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    weight = _modulated(layer.weight, layer.affine(w), demodulate=True)
    if layer.up:
        x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        x = _filtered(x, layer.resample_filter * 4, padding=1)
    else:
        x = F.conv2d(x, weight, padding=1)
    x = x + noise * layer.noise_strength + layer.bias[None, :, None, None]
    x = F.leaky_relu(x, 0.2) * math.sqrt(2)
    return x if layer.conv_clamp is None else x.clamp(-layer.conv_clamp, layer.conv_clamp)


def _modulated(weight: Tensor, styles: Tensor, *, demodulate: bool) -> Tensor:
    """Equations 1 and 3 on the weight [out, in, k, k] for one sample's styles [1, in]."""
    weight = weight * styles[0][None, :, None, None]
    if not demodulate:
        return weight
    return weight * (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).rsqrt()


def _with_rgb(block: SynthesisBlock, x: Tensor, img: Tensor | None, w: Tensor) -> Tensor | None:
    if block.torgb is None:
        return img
    rgb = _rgb(block.torgb, x, w)
    return rgb if img is None else _doubled(img, block.resample_filter) + rgb


def _rgb(layer: ToRGB, x: Tensor, w: Tensor) -> Tensor:
    styles = layer.affine(w) / math.sqrt(layer.weight.shape[1])
    x = F.conv2d(x, _modulated(layer.weight, styles, demodulate=False)) + layer.bias[None, :, None, None]
    return x if layer.conv_clamp is None else x.clamp(-layer.conv_clamp, layer.conv_clamp)


def _doubled(img: Tensor, kernel: Tensor) -> Tensor:
    n, c, h, w = img.shape
    spread = F.pad(img.reshape(n, c, h, 1, w, 1), (0, 1, 0, 0, 0, 1)).reshape(n, c, 2 * h, 2 * w)
    return _filtered(F.pad(spread, (2, 1, 2, 1)), kernel * 4, padding=0)


def _filtered(x: Tensor, kernel: Tensor, padding: int) -> Tensor:
    channels = x.shape[1]
    return F.conv2d(
        x, kernel.flip([0, 1])[None, None].repeat(channels, 1, 1, 1), padding=padding, groups=channels
    )


def _regularization(noise: list[Tensor]) -> Tensor:
    total = torch.zeros([])
    for value in noise:
        level = value
        while True:
            total = total + (level * torch.roll(level, shifts=1, dims=3)).mean() ** 2
            total = total + (level * torch.roll(level, shifts=1, dims=2)).mean() ** 2
            if level.shape[2] <= 8:
                break
            level = F.avg_pool2d(level, kernel_size=2)
    return total

"""Adaptive discriminator augmentation (ADA): what the discriminator sees is changed at random, as often as it
overfits. Karras et al., "Training Generative Adversarial Networks with Limited Data", 2020.

The pipeline is the paper's "bgc" (pixel blitting, geometry, colour), the best there for photographs: one
affine map of the plane and one of the colours a picture. Unlike the paper's it resamples bilinearly and
mirrors at the border. It is differentiable and draws from PyTorch's global random numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass
class Augmentation:
    """The adaptive strength: p, and the discriminator's signs since p was last moved."""

    p: float = 0.0
    signs: float = 0.0
    count: int = 0


def observe(state: Augmentation, real_logits: Tensor) -> None:
    """Take note of D's logits on (augmented) real pictures."""
    state.signs += float(real_logits.detach().sign().sum())
    state.count += real_logits.numel()


def adapt(state: Augmentation, target: float, full_scale: int) -> float:
    """Move p up where r_t = E[sign(D(real))] is above target (D overfits), down where below; returns r_t.

    p would go from 0 to 1 within full_scale real pictures (paper: 500,000; target 0.6). Section 3.
    """
    r_t = state.signs / max(state.count, 1)
    direction = (r_t > target) - (r_t < target)
    state.p = min(max(state.p + direction * state.count / full_scale, 0.0), 1.0)
    state.signs, state.count = 0.0, 0
    return r_t


def augment(x: Tensor, p: float) -> Tensor:
    """Pictures [N, 3, h, w] with every transformation applied to each with probability p; x itself for 0."""
    if p == 0:
        return x
    return recolour(warp(x, random_geometry(x, p)), random_colours(x, p))


def warp(x: Tensor, inverse: Tensor) -> Tensor:
    """Sample pictures [N, C, h, w] at inverse [N, 2, 3] times the place of each pixel, in -1..1."""
    grid = F.affine_grid(inverse, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def recolour(x: Tensor, matrix: Tensor) -> Tensor:
    """Apply matrix [N, 3, 4] to the colours of pictures [N, 3, h, w]."""
    mixed = torch.einsum("nij,njhw->nihw", matrix[:, :, :3], x)
    return mixed + matrix[:, :, 3, None, None]


def random_geometry(x: Tensor, p: float) -> Tensor:
    """Inverse maps [N, 2, 3] for square pictures: appendix B, "Pixel blitting" and "Geometric"."""
    n, side = x.shape[0], x.shape[-1]

    def uniform(*more: int) -> Tensor:
        return torch.rand((n, *more), device=x.device)

    def normal(*more: int) -> Tensor:
        return torch.randn((n, *more), device=x.device)

    def some(probability: float, values: Tensor, neutral: float) -> Tensor:
        """values [N] or [N, 2], the neutral one where the transformation does not happen."""
        happens = uniform() < probability
        return torch.where(happens if values.ndim == 1 else happens[:, None], values, neutral)

    # Rotating before and after the unequal stretch, each so often that one of them happens with p.
    either = 1 - math.sqrt(1 - p)
    stretch = some(p, torch.exp2(0.2 * normal()), 1)
    unequal = some(p, torch.exp2(0.2 * normal()), 1)
    pixels = ((uniform(2) * 2 - 1) * 0.125 * side).round()
    parts = (
        _scaling(some(p, (uniform() < 0.5) * 2.0 - 1, 1), torch.ones(n, device=x.device)),
        _rotation(some(p, (uniform() * 4).floor() * (math.pi / 2), 0)),
        _translation(some(p, pixels * 2 / side, 0)),
        _scaling(stretch, stretch),
        _rotation(some(either, (uniform() * 2 - 1) * math.pi, 0)),
        _scaling(unequal, 1 / unequal),
        _rotation(some(either, (uniform() * 2 - 1) * math.pi, 0)),
        _translation(some(p, 2 * 0.125 * normal(2), 0)),
    )
    return reduce(torch.matmul, parts)[:, :2]


def random_colours(x: Tensor, p: float) -> Tensor:
    """Colour maps [N, 3, 4]: appendix B, "Color transformations"."""
    n = x.shape[0]

    def uniform() -> Tensor:
        return torch.rand(n, device=x.device)

    def some(values: Tensor) -> Tensor:
        """values [N], 0 where the transformation does not happen."""
        return values * (uniform() < p)

    brightness = some(0.2 * torch.randn(n, device=x.device))
    contrast = torch.exp2(some(0.5 * torch.randn(n, device=x.device)))
    flipped = some((uniform() < 0.5).float())
    hue = some((uniform() * 2 - 1) * math.pi)
    saturation = torch.exp2(some(torch.randn(n, device=x.device)))
    parts = saturate(saturation), rotate_hue(hue), flip_luma(flipped)
    linear = reduce(torch.matmul, parts) * contrast[:, None, None]
    offset = linear.sum(dim=2, keepdim=True) * brightness[:, None, None]  # brightness is added first
    return torch.cat([linear, offset], dim=2)


def flip_luma(flipped: Tensor) -> Tensor:
    """[N, 3, 3]: the part of a colour along grey changes its sign where flipped [N] is 1."""
    identity = torch.eye(3, device=flipped.device)
    return identity - 2 * _grey(flipped) * flipped[:, None, None]


def rotate_hue(angle: Tensor) -> Tensor:
    """[N, 3, 3]: rotation by the angle [N] about the axis of grey (Rodrigues' formula)."""
    a = 1 / math.sqrt(3)
    cross = torch.tensor([[0, -a, a], [a, 0, -a], [-a, a, 0]], device=angle.device)
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return cosine * torch.eye(3, device=angle.device) + (1 - cosine) * _grey(angle) + sine * cross


def saturate(factor: Tensor) -> Tensor:
    """[N, 3, 3]: what of a colour is not grey, times factor [N]."""
    grey = _grey(factor)
    return grey + factor[:, None, None] * (torch.eye(3, device=factor.device) - grey)


def _grey(like: Tensor) -> Tensor:
    """[3, 3]: projection of a colour onto the axis of grey."""
    return torch.full((3, 3), 1 / 3, device=like.device)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    """Inverse of scaling by x and y [N], [N, 3, 3]; so are the two below."""
    return torch.diag_embed(torch.stack([1 / x, 1 / y, torch.ones_like(x)], dim=1))


def _translation(by: Tensor) -> Tensor:
    whole = torch.eye(3, device=by.device).repeat(len(by), 1, 1)
    whole[:, :2, 2] = -by
    return whole


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    whole = torch.eye(3, device=angle.device).repeat(len(angle), 1, 1)
    whole[:, 0, 0], whole[:, 0, 1], whole[:, 1, 0], whole[:, 1, 1] = cosine, sine, -sine, cosine
    return whole

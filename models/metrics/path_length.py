"""Perceptual path length (PPL): how evenly pictures change along latent paths. Karras et al., "A Style-Based
Generator Architecture for Generative Adversarial Networks", 2019, section 4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.stylegan2.generator import Generator

Space = Literal["w", "z"]
Features = Callable[[Tensor], Tensor]
"""Pictures [N, 3, h, w] of 0..255 -> [N, D]; squared L2 between rows is a perceptual distance."""


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Rows a and b [N, D], brought to unit length, interpolated on the sphere at t [N, 1]."""
    a = a / a.norm(dim=-1, keepdim=True)
    b = b / b.norm(dim=-1, keepdim=True)
    cosine = (a * b).sum(dim=-1, keepdim=True)
    towards = b - cosine * a
    towards = towards / towards.norm(dim=-1, keepdim=True)
    angle = t * torch.acos(cosine)
    x = a * torch.cos(angle) + towards * torch.sin(angle)
    point: Tensor = x / x.norm(dim=-1, keepdim=True)
    return point


@torch.no_grad()
def path_distances(
    generator: Generator,
    features: Features,
    z0: Tensor,
    z1: Tensor,
    t: Tensor,
    *,
    space: Space = "w",
    epsilon: float = 1e-4,
    crop: bool = False,
    noise: Sequence[Tensor | None] | None = None,
) -> Tensor:
    """Perceptual distance [N] of the pictures at t and t + epsilon, divided by epsilon^2.

    The path goes from z0 to z1 [N, z_dim]: straight in w, on the sphere in z; t [N] is 0..1, or 0 for
    the ends alone. crop keeps rows 3/8..7/8 and columns 2/8..6/8, where an FFHQ face is.
    """
    t = t[:, None]
    if space == "w":
        w0, w1 = generator.mapping(torch.cat([z0, z1])).chunk(2)
        ws = torch.cat([w0.lerp(w1, t[:, :, None]), w0.lerp(w1, t[:, :, None] + epsilon)])
    else:
        ws = generator.mapping(torch.cat([slerp(z0, z1, t), slerp(z0, z1, t + epsilon)]))
    pictures = generator.synthesis(ws, noise_mode="const", noise=noise)
    if crop:
        unit = pictures.shape[-1] // 8
        pictures = pictures[:, :, 3 * unit : 7 * unit, 2 * unit : 6 * unit]
    first, second = features((pictures + 1) * 127.5).chunk(2)
    return (first - second).square().sum(dim=1) / epsilon**2


def path_length(distances: NDArray[np.floating]) -> float:
    """Mean of the distances between the first and the 99th percentile, as NVIDIA's tools take it."""
    low = np.percentile(distances, 1, method="lower")
    high = np.percentile(distances, 99, method="higher")
    return float(distances[(distances >= low) & (distances <= high)].mean(dtype=np.float64))


def sampled_path_length(
    generator: Generator,
    features: Features,
    count: int,
    *,
    seed: int = 0,
    batch: int = 16,
    report: Callable[[int], None] = lambda _: None,
) -> float:
    """PPL in w at path ends over `count` pairs (NVIDIA's ppl2_wend); report gets the pairs done so far.

    The noise maps are drawn anew for every batch, from the seed.
    """
    random = torch.Generator().manual_seed(seed)
    parts = []
    for start in range(0, count, batch):
        n = min(batch, count - start)
        z0, z1 = torch.randn(2, n, generator.z_dim, generator=random).to(generator.w_avg.device)
        noise = [
            torch.randn(1, 1, side, side, generator=random).to(z0)
            for side in generator.synthesis.noise_resolutions
        ]
        t = torch.zeros(n, device=z0.device)
        parts.append(path_distances(generator, features, z0, z1, t, noise=noise).cpu())
        report(start + n)
    return path_length(torch.cat(parts).numpy())

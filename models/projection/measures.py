"""How good a result is: its distance and pixel error, what they cost, and whether it is the same person."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import PerceptualDistance
from models.projection.steps import Found, rendered
from models.projection.target import compared
from models.stylegan2.generator import Generator, to_uint8

# Pictures [N, 3, R, R] of 0..255 -> one vector a picture; its cosine is the similarity of two faces.
IdentityNetwork = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ProjectionMeasures:
    """All of the picture as it is saved, in whole levels of 0..255; so the distance is not quite that of the
    last step, which knows no limits.

    metric: name of the perceptual distance. l1: mean absolute difference of the pixels in 0..1. psnr: in dB,
    None where the pictures are equal. identity: cosine similarity by an identity network, None without one.
    """

    metric: str
    distance: float
    l1: float
    psnr: float | None
    identity: float | None
    seconds: float
    steps: int


@torch.no_grad()
def measure(
    generator: Generator,
    target: Tensor,
    found: Found,
    perceptual: PerceptualDistance,
    *,
    seconds: float,
    steps: int,
    identity: IdentityNetwork | None = None,
) -> ProjectionMeasures:
    """Measures of what was found for target [3, R, R] of 0..255, in seconds and steps.

    No identity network is part of this repository, so identity is None unless the caller brings one.
    """
    saved = to_uint8(rendered(generator, found)).permute(0, 3, 1, 2).float()
    wanted = target[None].to(saved.device, torch.float32)
    mean_square = (saved - wanted).square().mean().item()
    return ProjectionMeasures(
        metric=perceptual.name,
        distance=perceptual.between(compared(saved), compared(wanted)).item(),
        l1=(saved - wanted).abs().mean().item() / 255,
        psnr=10 * math.log10(255**2 / mean_square) if mean_square else None,
        identity=F.cosine_similarity(identity(saved), identity(wanted)).item() if identity else None,
        seconds=seconds,
        steps=steps,
    )

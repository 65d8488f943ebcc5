"""Mixing truth: how far a crossover of three faces is from the render of the face that it means.

Layers of a generator that was taught with mixed latents say certain factors each
(models.faces.mixing_groups), so coarse layers of A, middle ones of B and fine ones of C mean one certain
face, which can be rendered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.faces.factors import Z_DIM
from models.faces.mixing_groups import layer_groups, mixed_factors
from models.faces.render import render_faces, render_factors
from models.metrics.edit_truth import Distance
from models.stylegan2.generator import Generator


@dataclass(frozen=True)
class MixingTruth:
    """Mean distances from renders, over `faces` crossovers."""

    faces: int
    mixed: float  # of the crossover from the render of the face it means
    unmixed: float  # of A's picture from that render: what doing nothing costs
    own: float  # of A's picture from the render of A: the best that a crossover can reach
    share: float  # of the way from doing nothing to the best that the crossover goes; 1: all


def crossover(ws: Tensor) -> Tensor:
    """[3, N, L, C], coarse, middle and fine source -> [N, L, C] with the layers of each."""
    layers = ws.shape[2]
    groups = torch.from_numpy(layer_groups(layers)).to(ws.device)
    return ws[groups, :, torch.arange(layers, device=ws.device)].transpose(0, 1)


@torch.no_grad()
def mixing_truth(
    generator: Generator, distance: Distance, count: int, *, seed: int = 0, batch: int = 16
) -> MixingTruth:
    """Crossovers of `count` times three faces drawn from the seed."""
    z = np.random.RandomState(seed).randn(count, 3, Z_DIM)
    device, side = generator.w_avg.device, generator.img_resolution
    sums = np.zeros(3)
    for a, b, c in (part.transpose(1, 0, 2) for part in np.array_split(z, -(-count // batch))):
        ws = torch.stack([generator.mapping(torch.from_numpy(x).to(device)) for x in (a, b, c)])
        crossed = crossover(ws)
        meant = _pictures(render_factors(mixed_factors(a, b, c), side).pictures, device)
        plain = _pictures(render_faces(a, side), device)
        mixed, unmixed = (_levels(generator.synthesis(x)) for x in (crossed, ws[0]))
        pairs = ((mixed, meant), (unmixed, meant), (unmixed, plain))
        sums += [float(distance(x, y).sum()) for x, y in pairs]
    mean, nothing, own = (float(value) for value in sums / count)
    return MixingTruth(count, mean, nothing, own, (nothing - mean) / (nothing - own))


def _pictures(rendered: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(rendered).to(device).permute(0, 3, 1, 2).float()


def _levels(img: Tensor) -> Tensor:
    """-1..1 to 0..255."""
    return (img.clamp(-1, 1) + 1) * 127.5

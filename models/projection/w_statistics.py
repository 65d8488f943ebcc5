"""Mean and spread of w over z: where a projection begins, and its unit of length in W."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.projection.errors import ProjectionError
from models.stylegan2.generator import Generator

SEED = 123
BATCH = 1000


@dataclass(frozen=True)
class WStatistics:
    """w_avg float32 [1, 1, w_dim]; w_std: root of the variances summed over the channels, one number."""

    w_avg: Tensor
    w_std: float


@torch.no_grad()
def w_statistics(generator: Generator, samples: int = 10_000) -> WStatistics:
    """Mean and spread of w over z; always the same samples. Worth keeping: they depend on nothing else.

    Raises ProjectionError for a conditional generator.
    """
    if generator.c_dim:
        raise ProjectionError("Projection needs a generator without class labels.")
    z = np.random.RandomState(SEED).randn(samples, generator.z_dim)
    device = generator.w_avg.device
    rows = [
        generator.mapping(torch.from_numpy(part).to(device, torch.float32))[:, 0].cpu().numpy()
        for part in np.array_split(z, math.ceil(samples / BATCH))
    ]
    # In NumPy and float32 throughout, as NVIDIA's: their rounding decides the last digits of a trajectory.
    w = np.concatenate(rows)
    w_avg = w.mean(axis=0)
    w_std = math.sqrt(float(np.sum((w - w_avg) ** 2)) / samples)
    return WStatistics(torch.from_numpy(w_avg[None, None]).to(device), w_std)

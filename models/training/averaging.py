"""The moving average of a generator's weights (EMA), which is what is saved and shown."""

from __future__ import annotations

import math

import torch

from models.stylegan2.generator import Generator


def average_decay(batch: int, pictures: int, half_life: float, ramp_up: float) -> float:
    """Share of the old average that stays after a batch.

    half_life in pictures; in the beginning it is ramp_up times the pictures seen so far (StyleGAN2-ADA,
    appendix B), so that the first weights are forgotten.
    """
    half_life = min(half_life, pictures * ramp_up)
    return math.exp2(-batch / half_life) if half_life > 0 else 0.0


@torch.no_grad()
def update_average(average: Generator, generator: Generator, decay: float) -> None:
    """Move the average's parameters towards the generator's; buffers are copied."""
    for kept, new in zip(average.parameters(), generator.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)
    for stored, current in zip(average.buffers(), generator.buffers(), strict=True):
        stored.copy_(current)


@torch.no_grad()
def set_w_avg(generator: Generator, seed: int, count: int = 10_000) -> None:
    """Set the centre of truncation to the mean w of `count` z drawn from the seed."""
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(count, generator.z_dim, generator=random).to(generator.w_avg.device)
    w = torch.cat([generator.mapping(part)[:, 0] for part in z.split(1024)])
    generator.w_avg.copy_(w.mean(dim=0))

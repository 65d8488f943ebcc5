"""Rendered faces on disk: shards of pictures with the attributes and the seed of their z.

A shard NNNNN.npz holds x [512, R, R, 3] uint8, a [512, 17] float32 (attributes, StyleFlow's order)
and lm [512, 4, 2]; its z is RandomState(NNNNN).randn(512, 512), so z itself is not stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

SHARD = 512


@dataclass(frozen=True)
class Pairs:
    """Pictures [N, R, R, 3] uint8 with z [N, 512] and attributes [N, 17]."""

    pictures: NDArray[np.uint8]
    z: NDArray[np.float32]
    attributes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pictures)


def shard_z(seed: int, z_dim: int = 512) -> NDArray[np.float32]:
    """The z [512, z_dim] of the shard with that number."""
    return np.random.RandomState(seed).randn(SHARD, z_dim).astype(np.float32)


def load_pairs(folder: Path, shards: range) -> Pairs:
    """All shards of the range that are there. Raises FileNotFoundError where there is none."""
    found = [s for s in shards if (folder / f"{s:05d}.npz").exists()]
    if not found:
        raise FileNotFoundError(f"no rendered faces {shards} in {folder}; render some first")
    pictures, attributes = [], []
    for seed in found:
        with np.load(folder / f"{seed:05d}.npz") as shard:
            pictures.append(shard["x"])
            attributes.append(shard["a"])
    z = np.concatenate([shard_z(s) for s in found])
    return Pairs(np.concatenate(pictures), z, np.concatenate(attributes))


def batches(count: int, batch: int, seed: int, start: int) -> Iterator[NDArray[np.int64]]:
    """Endless shuffled index batches, from batch number start on: the same after a resume."""
    per_epoch = count // batch
    if per_epoch == 0:
        raise ValueError(f"{count} pictures are fewer than a batch of {batch}")
    step = start
    while True:
        epoch, within = divmod(step, per_epoch)
        order = np.random.RandomState((seed + 7919 * epoch) % 2**31).permutation(count)
        for k in range(within, per_epoch):
            yield order[k * batch : (k + 1) * batch]
            step += 1


def picture_tensor(pictures: NDArray[np.uint8], resolution: int) -> Tensor:
    """uint8 [N, R, R, 3] -> float [N, 3, resolution, resolution] in -1..1, area-averaged, channels_last."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)
    if x.shape[-1] != resolution:
        x = F.interpolate(x, size=(resolution, resolution), mode="area")
    return x.contiguous(memory_format=torch.channels_last)

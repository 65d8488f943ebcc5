"""Rendered faces on disk: shards of pictures with the attributes and the seed of their z.

A shard NNNNN.npz holds x [512, R, R, 3] uint8, a [512, 17] float32 (attributes, StyleFlow's order)
and lm [512, 4, 2]; its z is RandomState(NNNNN).randn(512, 512), so z itself is not stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.faces.shards import shard_z
from models.training.shard_pictures import Pictures, ShardPictures

_SHARD_FILES = "[0-9]*.npz"


@dataclass(frozen=True)
class Pairs:
    """Pictures [N, R, R, 3] uint8 with z [N, 512] and attributes [N, 17]."""

    pictures: Pictures
    z: NDArray[np.float32]
    attributes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pictures)


def load_pairs(folder: Path, shards: Sequence[int]) -> Pairs:
    """Those of the shards that are there; their pictures stay on disk.

    Raises FileNotFoundError where there is none, ValueError where one is not as it should be.
    """
    found = [s for s in shards if (folder / f"{s:05d}.npz").exists()]
    if not found:
        raise FileNotFoundError(f"{folder} has none of the rendered faces asked for; render some first")
    files = [folder / f"{s:05d}.npz" for s in found]
    attributes = []
    for path in files:
        with np.load(path) as shard:
            attributes.append(shard["a"])
    z = np.concatenate([shard_z(s) for s in found])
    return Pairs(ShardPictures(files), z, np.concatenate(attributes))


def split_pairs(folder: Path, held_out: int) -> tuple[Pairs, Pairs]:
    """The pairs to train on, and those of the first `held_out` shards in the folder, not to be trained on.

    Raises FileNotFoundError where there are not more shards than that, ValueError as load_pairs does.
    """
    numbers = sorted(int(path.stem) for path in folder.glob(_SHARD_FILES))
    if len(numbers) <= held_out:
        raise FileNotFoundError(
            f"{folder} has {len(numbers)} shards of rendered faces, and the first {held_out} are not trained"
            " on; render some first"
        )
    return load_pairs(folder, numbers[held_out:]), load_pairs(folder, numbers[:held_out])


def holds_renders(folder: Path) -> bool:
    """Whether the folder holds shards of rendered faces (and not, say, photographs)."""
    return any(folder.glob(_SHARD_FILES))


def rendered_pictures(folder: Path, first_shard: int = 0) -> Iterator[NDArray[np.uint8]]:
    """The pictures [512, R, R, 3] of the shards from that number on, one shard after the other.

    Raises FileNotFoundError where there is none.
    """
    shards = [path for path in sorted(folder.glob(_SHARD_FILES)) if int(path.stem) >= first_shard]
    if not shards:
        raise FileNotFoundError(
            f"no rendered faces from shard {first_shard} on in {folder}; render some first"
        )
    for path in shards:
        with np.load(path) as shard:
            yield shard["x"]


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

"""The sets of pictures that are compared: a generator's own, and those of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.stylegan2.generator import Generator, to_uint8
from models.training.pairs import holds_renders, rendered_pictures
from models.training.photographs import photograph_files, read_photograph

Pictures = NDArray[np.uint8]


@torch.no_grad()
def generated_pictures(generator: Generator, count: int, seed: int, batch: int = 32) -> Iterator[Pictures]:
    """count pictures [n, R, R, 3] of z from RandomState(seed), without truncation, noise as stored."""
    random = np.random.RandomState(seed)
    for start in range(0, count, batch):
        z = torch.from_numpy(random.randn(min(batch, count - start), generator.z_dim))
        yield to_uint8(generator(z.to(generator.w_avg.device))).cpu().numpy()


def real_pictures(
    folder: Path, resolution: int, count: int, first_shard: int = 0, batch: int = 32
) -> Iterator[Pictures]:
    """Up to count pictures [n, R, R, 3] of a folder: of its rendered shards from that number on, or, where it
    has none, of its photographs at the given resolution.

    Raises FileNotFoundError where the folder has neither, ValueError where a photograph cannot be read.
    """
    if holds_renders(folder):
        yield from _first(rendered_pictures(folder, first_shard), count, batch)
        return
    files = photograph_files(folder)[:count]
    if not files:
        raise FileNotFoundError(f"{folder} holds neither rendered faces nor photographs")
    for start in range(0, len(files), batch):
        yield np.stack([read_photograph(path, resolution) for path in files[start : start + batch]])


def _first(chunks: Iterator[Pictures], count: int, batch: int) -> Iterator[Pictures]:
    for chunk in chunks:
        for start in range(0, min(len(chunk), count), batch):
            yield chunk[start : min(start + batch, count)]
        count -= len(chunk)
        if count <= 0:
            return

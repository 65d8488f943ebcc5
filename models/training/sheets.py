"""Sample sheets: pictures of a run in training, for the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.stylegan2.generator import to_uint8

COLUMNS = 8


def save_sheet(rows: list[Tensor], path: Path) -> None:
    """Each of rows is pictures [8, 3, R, R] in -1..1, drawn side by side, row below row."""
    tiles: NDArray[np.uint8] = to_uint8(torch.stack(rows).flatten(0, 1)).cpu().numpy()
    side = tiles.shape[1]
    grid = tiles.reshape(len(rows), COLUMNS, side, side, 3).transpose(0, 2, 1, 3, 4)
    Image.fromarray(np.ascontiguousarray(grid.reshape(len(rows) * side, COLUMNS * side, 3))).save(path)


def beside(real: Tensor, fake: Tensor) -> list[Tensor]:
    """Rows of eight of real pictures [N, 3, R, R], each with the row of the generated ones below it."""
    pairs = zip(real.split(COLUMNS), fake.split(COLUMNS), strict=True)
    return [row for pair in pairs for row in pair]

"""From faces after their edits to pictures; those of several hands that move at once in one batch.

A batch of the demo model costs about half of what its pictures cost one after the other, and each is the same
to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.stylegan2.generator import Generator, to_uint8
from server.engine.interface import RGB
from server.problems import Problem

MOST_TOGETHER = 16  # from eight on, a picture of the demo model gets no cheaper
CROWD = 4  # more hands than this get previews of half the side
SMALLEST_SIDE = 64


@dataclass(frozen=True)
class FinishedFace:
    """All that synthesis takes: ws [1, L, C] after the edits, noise maps or (None) the stored ones."""

    ws: Tensor
    noise: Sequence[Tensor | None] | None
    generator: Generator


def preview_side(side: int, hands: int, levels: Sequence[int]) -> int:
    """The side of a preview of `side` when so many hands move. levels: those the generator can stop at."""
    smaller = side // 2
    return smaller if hands > CROWD and smaller >= SMALLEST_SIDE and smaller in levels else side


def draw_together(faces: Sequence[FinishedFace | Exception], side: int) -> list[RGB | Exception]:
    """The pictures [side, side, 3], those of one generator and noise in one batch; or why there is none."""
    found: list[RGB | Exception | None] = [face if isinstance(face, Exception) else None for face in faces]
    groups: dict[tuple[int, int], list[tuple[int, FinishedFace]]] = {}
    for index, face in enumerate(faces):
        if isinstance(face, FinishedFace):
            groups.setdefault((id(face.generator), id(face.noise)), []).append((index, face))
    for group in groups.values():
        _, first = group[0]
        ws = torch.cat([face.ws for _, face in group])
        pictures = first.generator.synthesis(ws, noise=first.noise, resolution=side)
        for (index, _), img in zip(group, pictures.split(1), strict=True):
            try:
                found[index] = as_rgb(img)
            except Problem as problem:
                found[index] = problem
    return [picture for picture in found if picture is not None]


def as_rgb(img: Tensor) -> RGB:
    """Picture [1, 3 or 1, R, R] of -1..1 as [R, R, 3]. Raises Problem not_finite."""
    if not bool(torch.isfinite(img).all()):
        hint = "Move the sliders back towards the middle."
        raise Problem("not_finite", "These settings lead to numbers that are no picture.", hint)
    rgb: RGB = to_uint8(img.expand(-1, 3, -1, -1))[0].cpu().numpy()
    return rgb

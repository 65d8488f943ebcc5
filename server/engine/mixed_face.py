"""A face between mixing and editing."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from models.stylegan2.generator import Generator


@dataclass(frozen=True)
class MixedFace:
    """A face before its edits: ws [1, L, C], what it is remembered by, and the generator that draws it."""

    key: str
    ws: Tensor
    generator: Generator

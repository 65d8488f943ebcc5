"""What the rest of the server knows of exporting: files of pictures and latents, and reading them again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from server.documents import Document

PictureFormat = Literal["png", "jpeg", "webp"]
LatentPart = Literal["edited", "base"]


@dataclass(frozen=True)
class WeightsOf:
    """The sha256 of the files that a model's pictures depend on; None: it has no such part."""

    generator: str
    flow: str | None
    attributes: str | None


@dataclass(frozen=True)
class PictureFile:
    """How a picture is written. size: of a side, None: the model's own. quality 1..100: of JPEG and WebP."""

    format: PictureFormat
    size: int | None = None
    quality: int = 92


@dataclass(frozen=True)
class FoundLatent:
    """A latent from somebody's file, as we store it. names_model: whether the file said whose it is."""

    data: bytes
    names_model: bool


@dataclass(frozen=True)
class MovingEdit:
    """From one edit of a face to another of it, by their sliders. shares: 0..1 of the way, one a frame."""

    start: Document
    end: Document
    shares: tuple[float, ...]


class Exporting(Protocol):
    """The part of the engine that exports. Methods raise Problem for what a user can cause or must know."""

    async def weights(self, model: str) -> WeightsOf:
        """Of a model, which is loaded for it: only then they are those of what is used."""
        ...

    async def picture(self, document: Document, file: PictureFile) -> bytes:
        """The final picture as a file without recipe."""
        ...

    async def latent(self, document: Document, part: LatentPart) -> bytes:
        """A face as a latent's own file, with noise maps and tuning: after all edits, or the base alone."""
        ...

    async def npz(self, document: Document, part: LatentPart) -> bytes:
        """The same without noise and tuning, as NVIDIA's projector.py keeps it: w [1, num_ws, w_dim]."""
        ...

    async def read_latent(self, model: str, data: bytes) -> FoundLatent:
        """A latent from the bytes of a file (ours, or an .npz), of which nothing is believed or run."""
        ...

    def frames(self, edit: MovingEdit) -> AsyncGenerator[NDArray[np.uint8], None]:
        """The pictures [R, R, 3] of a moving edit in the model's own size, computed between other work."""
        ...

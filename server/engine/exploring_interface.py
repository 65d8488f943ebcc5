"""What the rest of the server knows of exploring: walks between faces, and maps of latents."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from server.documents import Document
from server.engine.editing_interface import FoundDirection
from server.walks import Walk

Place = tuple[float, float]  # across and up, in deviations of w along the two axes of a map


class Walks(Protocol):
    """The part of the engine that walks. Raises Problem walk_needs_faces, document_does_not_fit."""

    async def picture(self, walk: Walk, at: float, resolution: int | None) -> bytes:
        """A JPEG of the walk after so many seconds; resolution None: a preview's."""
        ...

    def frames(
        self, walk: Walk, frames_per_second: float, resolution: int | None = None
    ) -> AsyncGenerator[NDArray[np.uint8], None]:
        """Every picture [R, R, 3] of the walk, the last face's included; resolution None: the model's own."""
        ...


class Maps(Protocol):
    """The part of the engine that draws maps of latents. Raises Problem for what does not fit the model."""

    async def axes(self, model: str) -> tuple[FoundDirection, ...]:
        """The principal axes of the model's w, widest first; computed once."""
        ...

    async def places(
        self, model: str, documents: Sequence[Document], across: bytes, up: bytes
    ) -> tuple[Place, ...]:
        """Where faces lie: their w's distance from the mean w along two directions, given as files."""
        ...

"""What the rest of the server knows of looking into a network: pictures of its layers on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from server.documents import Document

Order = Literal["number", "strength"]
Scope = Literal["channel", "layer"]
Spread = Literal["range", "deviations"]
Shown = Literal["maps", "spectra"]


@dataclass(frozen=True)
class Look:
    """How feature maps become pictures (models.stylegan2.feature_pictures)."""

    shown: Shown
    scope: Scope
    spread: Spread
    deviations: float


@dataclass(frozen=True)
class ActivationRequest:
    """Channels first, first + 1, ... of a layer in that order, on a sheet of at most side x side pixels.

    layer: counted as the noise maps are, 4x4 first, then two for each resolution.
    """

    document: Document
    layer: int
    first: int
    count: int
    order: Order
    look: Look
    side: int


@dataclass(frozen=True)
class ActivationSheet:
    """Equal tiles in rows, `columns` in each. channels: the number of each tile; low, high: of its colours.

    resolution: of the layer, total: how many channels it has.
    """

    png: bytes
    resolution: int
    total: int
    columns: int
    channels: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class NoiseEffect:
    """Where the noise of a layer changes the picture, black nowhere and white most. largest: of 0..255."""

    png: bytes
    largest: float


class Inspection(Protocol):
    """The part of the engine that looks into networks. Methods raise Problem as those of Engine do."""

    async def activations(self, request: ActivationRequest) -> ActivationSheet:
        """What channels of a layer compute for the document's final picture."""
        ...

    async def noise_effect(self, document: Document, layer: int) -> NoiseEffect:
        """The difference that the noise of a layer makes to the document's final picture."""
        ...

"""What the rest of the server knows of editing: readings of edits, directions, faces on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from server.documents import Document, Light

Source = Literal["network", "likelihood"]
SearchMethod = Literal["sefa", "ganspace", "ganspace_features"]
BoundarySpace = Literal["W", "Z"]
Report = Callable[[str, int, int], None]
"""What is being done, done, of. May be called on any thread."""


# Given the id of a direction, its file (models.editing.directions). Raises Problem unknown_direction.
DirectionSource = Callable[[UUID], bytes]


@dataclass(frozen=True)
class LampReading:
    """The lamp in nine coefficients of light; see documents.Light."""

    azimuth: float
    elevation: float
    strength: float
    brightness: float


@dataclass(frozen=True)
class AttributeReading:
    """Attributes in raw units by name; see edit_messages.Attributes. None: nothing reads pictures here."""

    source: Source
    estimated: dict[str, float]
    base: dict[str, float]
    target: dict[str, float]
    reached: dict[str, float] | None
    light: LampReading | None
    target_light: LampReading | None
    moved: dict[str, float] | None


@dataclass(frozen=True)
class LikenessReading:
    """How far the face has gone, over the distance of two unrelated faces; None where nothing can judge."""

    distance: float | None
    judge: str
    note: str


@dataclass(frozen=True)
class EditableModel:
    """What is stored for a generator is stored under its sha256. layers: the model's own rules."""

    generator: str
    num_ws: int
    layers: Mapping[str, list[int]]


@dataclass(frozen=True)
class FoundDirection:
    """A direction, and the file that keeps it (models.editing.directions)."""

    name: str
    method: str
    layers: tuple[int, ...]
    scale: float
    minimum: float
    maximum: float
    explained: float | None
    data: bytes


@dataclass(frozen=True)
class DirectionQuery:
    """Which directions to look for; layers None: all; resolution: of ganspace_features."""

    model: str
    method: SearchMethod
    layers: tuple[int, ...] | None
    count: int
    resolution: int | None


@dataclass(frozen=True)
class DirectionUpload:
    """What a file that somebody brings is to become. space: of a .npy boundary, which does not say it."""

    model: str
    name: str
    space: BoundarySpace | None
    layers: tuple[int, ...] | None


@dataclass(frozen=True)
class SampleRequest:
    """See edit_messages.NewSamples."""

    model: str
    attributes: Mapping[str, float]
    light: Light | None
    count: int
    seed: int
    psi: float
    corrected: bool


@dataclass(frozen=True)
class SampledFace:
    """latent: a safetensors file. asked: what it was drawn under; reached: what its picture reads."""

    latent: bytes
    asked: dict[str, float]
    reached: dict[str, float]


class Editing(Protocol):
    """The part of the engine that edits. Methods raise Problem for what a user can cause or must know.

    Long ones are ended by cancelling them.
    """

    async def knows_base(self, document: Document) -> bool:
        """Whether the attributes at the base are known. Where they must be estimated first, that begins."""
        ...

    async def attributes(self, document: Document) -> AttributeReading:
        """What an edit was asked for and what it did."""
        ...

    async def likeness(self, document: Document) -> LikenessReading:
        """How far the edited face is from the unedited one."""
        ...

    async def editable(self, model: str) -> EditableModel:
        """What editing needs to know of a model, which is loaded for it."""
        ...

    async def search(self, query: DirectionQuery, report: Report) -> tuple[FoundDirection, ...]:
        """Directions that lie in the generator itself."""
        ...

    async def read_direction(self, upload: DirectionUpload, data: bytes) -> FoundDirection:
        """A direction from the bytes of a file, of which nothing runs."""
        ...

    async def adjusted(
        self, model: str, data: bytes, name: str, layers: tuple[int, ...] | None
    ) -> FoundDirection:
        """A direction's file under another name and on other layers; None: on its own."""
        ...

    async def strip(
        self,
        document: Document,
        direction: bytes,
        strengths: tuple[float, ...],
        layers: tuple[int, ...] | None,
        resolution: int | None,
    ) -> bytes:
        """A JPEG of the document's picture moved by each strength, side by side."""
        ...

    async def sample(self, request: SampleRequest, report: Report) -> tuple[SampledFace, ...]:
        """New faces with asked attributes."""
        ...

    async def forget_direction(self, direction: UUID) -> None:
        """It was deleted: pictures with it are no longer remembered."""
        ...

"""What the rest of the server knows of the engine: only bytes, small arrays and plain values cross here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from models.projection.anchors import Anchors
from server.documents import Document
from server.engine.editing_interface import Editing
from server.engine.exploring_interface import Maps, Walks
from server.engine.exporting_interface import Exporting
from server.engine.inspection_interface import Inspection
from server.engine.measures import EngineMeasures
from server.engine.projecting_interface import ProjectionEvent, ProjectionSpec

RGB = NDArray[np.uint8]  # [H, W, 3]
Format = Literal["jpeg", "png"]
Quality = Literal["preview", "final"]
# ready: can be asked for, loaded or not. preparing: being converted. refused: cannot be used, for a reason.
ModelState = Literal["ready", "loading", "preparing", "refused"]

# Given the id of a latent, its safetensors file (latents.py). Raises Problem unknown_latent.
LatentSource = Callable[[UUID], bytes]


@dataclass(frozen=True)
class AttributeDescription:
    """One attribute of a model in raw units, with the range of its slider."""

    name: str
    label: str
    group: str
    minimum: float
    maximum: float
    step: float
    unit: str
    shown: bool


@dataclass(frozen=True)
class ModelDescription:
    """What a page needs to know of a usable model. attributes is empty where it cannot be edited;
    measurable: whether it has a network that reads them on pictures.
    """

    name: str
    title: str
    description: str
    licence: str
    img_resolution: int
    img_channels: int  # 3, or 1 for grey pictures
    num_ws: int
    resolutions: tuple[int, ...]
    default_psi: float
    seeds: tuple[int, ...]
    encoder: bool  # whether it has one, for a guess in one pass
    measurable: bool
    mix_borders: tuple[int, int]  # first row of the middle and of the fine layers, at most num_ws
    attributes: tuple[AttributeDescription, ...]


@dataclass(frozen=True)
class ListedModel:
    """A model of the checkpoints folder, whether it can be used or not.

    description is there where it can be, loaded or not. reason says why it cannot, or, of a loaded model
    whose file has changed meanwhile, why that file cannot be used.
    """

    name: str
    source: str  # of the bundle folder or file
    size_bytes: int
    state: ModelState
    reason: str
    loaded: bool
    changed: bool  # it is loaded, and its file is another one by now
    description: ModelDescription | None


@dataclass(frozen=True)
class PerceptualDescription:
    """The perceptual distance in use. Only some are LPIPS; note says why it is this one."""

    name: str
    is_lpips: bool
    note: str


@dataclass(frozen=True)
class RenderRequest:
    """resolution None: the model's own; for a preview a smaller one where the model is large. A preview is a
    JPEG, of half that resolution where many hands move.
    """

    document: Document
    resolution: int | None = None
    format: Format = "jpeg"
    quality: Quality = "final"


@dataclass(frozen=True)
class Rendered:
    """An encoded picture, and how long it waited and took in microseconds.

    corrected False: a preview that leaves out the document's locks and calibration.
    """

    data: bytes
    format: Format
    width: int
    height: int
    render_us: int
    queued_us: int
    corrected: bool = True


@dataclass(frozen=True)
class FoundFace:
    """box x0, y0, x1, y1 and landmarks [5][2] (eyes, nose, mouth corners; left to right) in pixels."""

    box: tuple[float, float, float, float]
    score: float
    landmarks: tuple[tuple[float, float], ...]


class Engine(Protocol):
    """Computes everything. Methods raise Problem for what a user can cause or must know."""

    @property
    def device(self) -> str:
        """Where it computes, for people: "cpu", "cuda (NVIDIA H100)"."""
        ...

    @property
    def editing(self) -> Editing:
        """The part of it that edits."""
        ...

    @property
    def exporting(self) -> Exporting:
        """The part of it that exports."""
        ...

    @property
    def inspection(self) -> Inspection:
        """The part of it that looks into networks."""
        ...

    @property
    def walks(self) -> Walks:
        """The part of it that walks between faces."""
        ...

    @property
    def maps(self) -> Maps:
        """The part of it that draws maps of latents."""
        ...

    @property
    def synthesis(self) -> str:
        """How pictures are computed there, for people: by which kernels, or by PyTorch and why."""
        ...

    async def start(self) -> None:
        """See which models are there, and load the first one that can be loaded."""
        ...

    async def stop(self) -> None:
        """Finish what is under way and release everything."""
        ...

    def models(self) -> tuple[ModelDescription, ...]:
        """The usable models; the first one is the default."""
        ...

    def default_model(self) -> ModelDescription:
        """The first of them. Raises Problem no_model."""
        ...

    def model(self, name: str) -> ModelDescription:
        """The usable model of that name.

        Raises Problem no_model, unknown_model, model_preparing, model_unavailable.
        """
        ...

    def listing(self) -> tuple[ListedModel, ...]:
        """All models of the checkpoints folder: the usable ones, those being prepared, the refused ones."""
        ...

    async def rescan(self) -> None:
        """Take note of what was added to the checkpoints folder, replaced or deleted. Costs next to nothing
        where nothing was. What is loaded stays, unless its file is gone.
        """
        ...

    async def refresh(self) -> None:
        """Look at everything again: refused models get another chance, and copies of files that were
        replaced are let go, so that the next render loads the new ones.
        """
        ...

    def measures(self) -> EngineMeasures:
        """Times, queues and caches as they are now."""
        ...

    async def perceptual(self) -> PerceptualDescription:
        """The distance that projections minimise; loaded when first asked for."""
        ...

    async def render(self, request: RenderRequest) -> Rendered:
        """The picture of a document."""
        ...

    async def find_faces(self, rgb: RGB) -> tuple[FoundFace, ...]:
        """Faces of a photo, largest first."""
        ...

    async def crop(self, rgb: RGB, anchors: Anchors, size: int) -> RGB:
        """The aligned face [size, size, 3] at these anchors."""
        ...

    async def put_back(self, document: Document, photo: RGB, anchors: Anchors) -> RGB:
        """The photo with the document's picture in the place that the anchors mark."""
        ...

    def project(self, spec: ProjectionSpec, stop: asyncio.Event) -> AsyncGenerator[ProjectionEvent, None]:
        """One event a step, and a last one with the latent; with the state too where steps are left.

        When stop is set, the step under way is the last one, and the latent that of the closest picture. A
        search whose loss is no number any more gives its closest picture, and then raises Problem diverged.
        """
        ...

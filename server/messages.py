"""What crosses the wire: request and answer bodies, and the live socket's JSON messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter

from server.documents import STRICT, Document
from server.engine.interface import AttributeDescription, ListedModel
from server.photo_messages import ANSWER, Photo, photo_answer
from server.projection_messages import Job, job_answer
from server.storage.tables import HistoryRow, JobRow, PhotoRow, SessionRow

Sequence = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Perceptual(BaseModel):
    model_config = ANSWER
    name: str
    is_lpips: bool
    note: str


class Refused(BaseModel):
    model_config = ANSWER
    name: str
    reason: str


class About(BaseModel):
    """models: the usable ones. refused: what lies in the checkpoints folder and cannot be used.

    synthesis: how pictures are computed there, "kernels (512-bit vectors, ...)", or PyTorch and why.
    """

    model_config = ANSWER
    version: str
    device: str
    synthesis: str
    perceptual: Perceptual
    models: list[str]
    refused: list[Refused]


class ModelInfo(BaseModel):
    """A usable model. editable: whether attributes can be edited; if not, the list of them is empty.
    measurable: whether they can be read on pictures, which locks and calibration need.
    mix_borders: the first row of the middle and of the fine layers.
    encoder: whether a projection can begin with a guess.

    reason is set where the model is loaded, its file has changed, and that file cannot be used.
    """

    model_config = ANSWER
    state: Literal["ready", "loading"]
    name: str
    title: str
    description: str
    licence: str
    source: str
    size_bytes: int
    loaded: bool
    changed: bool
    reason: str
    img_resolution: int
    img_channels: int
    num_ws: int
    resolutions: list[int]
    default_psi: float
    seeds: list[int]
    encoder: bool
    editable: bool
    measurable: bool
    mix_borders: tuple[int, int]
    attributes: list[AttributeDescription]


class UnusableModel(BaseModel):
    """reason: why it is refused; empty while it is being prepared."""

    model_config = ANSWER
    state: Literal["preparing", "refused"]
    name: str
    source: str
    size_bytes: int
    reason: str


AnyModel = Annotated[ModelInfo | UnusableModel, Field(discriminator="state")]


class Session(BaseModel):
    """node: where it stands in its history; document: the one there."""

    model_config = ANSWER
    id: UUID
    node: UUID
    document: Document
    created_at: datetime
    updated_at: datetime
    photos: list[Photo]
    jobs: list[Job]


class RenderBody(BaseModel):
    model_config = STRICT
    document: Document
    resolution: Annotated[int, Field(ge=4, le=4096)] | None = None
    format: Literal["png", "jpeg"] = "png"


class AttributesBody(BaseModel):
    model_config = STRICT
    document: Document


class Problem(BaseModel):
    """RFC 9457; code is stable and for programs, detail and hint are for people."""

    model_config = ANSWER
    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    hint: str = ""
    errors: list[dict[str, Any]] = []


class Edit(BaseModel):
    model_config = STRICT
    type: Literal["edit"]
    seq: Sequence
    document: Document
    quality: Literal["preview", "final"]


class Ack(BaseModel):
    model_config = STRICT
    type: Literal["ack"]
    seq: Sequence


ClientMessage = Annotated[Edit | Ack, Field(discriminator="type")]
CLIENT_MESSAGE: TypeAdapter[Edit | Ack] = TypeAdapter(ClientMessage)


def model_answer(model: ListedModel) -> ModelInfo | UnusableModel:
    """The answer that describes a model of the checkpoints folder."""
    listed = {name: value for name, value in vars(model).items() if name != "description"}
    if model.description is None:
        return UnusableModel.model_validate(listed)
    described = vars(model.description) | {"editable": bool(model.description.attributes)}
    return ModelInfo.model_validate(listed | described)


def session_answer(
    row: SessionRow,
    standing: HistoryRow,
    photos: list[PhotoRow],
    jobs: list[JobRow],
    positions: Mapping[UUID, int],
) -> Session:
    """The answer that describes a session with all that belongs to it."""
    return Session(
        id=row.id,
        node=standing.id,
        document=Document.model_validate(standing.document),
        created_at=row.created_at,
        updated_at=row.updated_at,
        photos=[photo_answer(photo) for photo in photos],
        jobs=[job_answer(job, positions.get(job.id)) for job in jobs],
    )

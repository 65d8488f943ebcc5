"""What crosses the wire: request and answer bodies, and the live socket's JSON messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from server.documents import STRICT, Document, ModelName
from server.engine.interface import AttributeDescription, ListedModel
from server.storage.jobs import FINISHED
from server.storage.tables import JobRow, PhotoRow, SessionRow, now

MAX_STEPS = 5000
Sequence = Annotated[int, Field(ge=0, le=2**32 - 1)]
JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]

ANSWER = ConfigDict(frozen=True, protected_namespaces=())


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
    editable: bool
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


class Face(BaseModel):
    """box: x0, y0, x1, y1 in pixels of the stored photo."""

    model_config = ANSWER
    box: tuple[float, float, float, float]
    score: float
    crop_url: str


class Photo(BaseModel):
    """faces: largest first."""

    model_config = ANSWER
    id: UUID
    name: str
    width: int
    height: int
    faces: list[Face]
    image_url: str
    created_at: datetime


class JobError(BaseModel):
    model_config = ANSWER
    code: str
    detail: str


class Job(BaseModel):
    """latent: of that model; set once the job has finished, also if cancelled after its first step."""

    model_config = ANSWER
    id: UUID
    session: UUID
    model: str
    kind: Literal["projection"] = "projection"
    state: JobState
    step: int
    total: int
    loss: float | None
    distance: float | None
    metric: str
    eta_s: float | None
    latent: UUID | None
    photo: UUID
    face: int
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    preview_url: str | None

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED


class Session(BaseModel):
    model_config = ANSWER
    id: UUID
    document: Document
    created_at: datetime
    updated_at: datetime
    photos: list[Photo]
    jobs: list[Job]


class NewProjection(BaseModel):
    model_config = STRICT
    photo: UUID
    face: Annotated[int, Field(ge=0, le=1000)] = 0
    model: ModelName
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 1000


class RenderBody(BaseModel):
    model_config = STRICT
    document: Document
    resolution: Annotated[int, Field(ge=4, le=4096)] | None = None
    format: Literal["png", "jpeg"] = "png"


class AttributesBody(BaseModel):
    model_config = STRICT
    document: Document


class Attributes(BaseModel):
    """Raw units by name: before the attribute edit, and of the edited picture."""

    model_config = ANSWER
    base: dict[str, float]
    current: dict[str, float]


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


def photo_answer(row: PhotoRow) -> Photo:
    """The answer that describes a photo."""
    url = f"/api/v1/photos/{row.id}"
    faces = [
        Face(box=face["box"], score=face["score"], crop_url=f"{url}/crops/{i}")
        for i, face in enumerate(row.faces)
    ]
    return Photo(
        id=row.id,
        name=row.name,
        width=row.width,
        height=row.height,
        faces=faces,
        image_url=f"{url}/image",
        created_at=row.created_at,
    )


def job_answer(row: JobRow) -> Job:
    """The answer that describes a job as it stands."""
    finished = row.state in FINISHED
    eta = None
    if row.state == "running" and row.step > 0 and row.started_at is not None:
        eta = (now() - row.started_at).total_seconds() / row.step * (row.total - row.step)
    has_preview = row.preview_blob is not None or (row.state == "running" and row.step > 0)
    return Job.model_validate(
        {
            "id": row.id,
            "session": row.session_id,
            "model": row.model,
            "state": row.state,
            "step": row.step,
            "total": row.total,
            "loss": row.loss,
            "distance": row.distance,
            "metric": row.metric,
            "eta_s": eta,
            "latent": row.latent_id if finished else None,
            "photo": row.photo_id,
            "face": row.face,
            "error": {"code": row.error_code, "detail": row.error_detail} if row.error_code else None,
            "created_at": row.created_at,
            "started_at": row.started_at,
            "finished_at": row.finished_at,
            "preview_url": f"/api/v1/jobs/{row.id}/preview?step={row.step}" if has_preview else None,
        }
    )


def session_answer(row: SessionRow, photos: list[PhotoRow], jobs: list[JobRow]) -> Session:
    """The answer that describes a session with all that belongs to it."""
    return Session(
        id=row.id,
        document=Document.model_validate(row.document),
        created_at=row.created_at,
        updated_at=row.updated_at,
        photos=[photo_answer(photo) for photo in photos],
        jobs=[job_answer(job) for job in jobs],
    )

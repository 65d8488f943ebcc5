"""Projections as they cross the wire: what is asked for, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models.projection.anchors import Anchors as FaceAnchors
from server.documents import STRICT, ModelName
from server.engine.projecting_interface import Beginning, Schedule, Space
from server.photo_messages import ANSWER, Alignment, Place, alignment_answer
from server.storage.jobs import FINISHED
from server.storage.tables import JobRow

MAX_STEPS = 5000
IDENTITY_NOTE = "No identity network is part of Latent Loom, so nobody has compared the two persons."

JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]


class NewProjection(Place):
    """steps: of W; None: as many as the schedule has. faithfulness: of W+."""

    photo: UUID
    model: ModelName
    space: Space = "w"
    schedule: Schedule = "published"
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    faithfulness: Annotated[float, Field(ge=0, le=1)] = 0.5


class NewContinuation(BaseModel):
    """What comes after a result. steps: of W, as in NewProjection; later rungs are shortened alike."""

    model_config = STRICT
    space: Literal["w", "w+", "pti"]
    schedule: Schedule = "published"
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    faithfulness: Annotated[float, Field(ge=0, le=1)] = 0.5


class JobError(BaseModel):
    model_config = ANSWER
    code: str
    detail: str


class JobRung(BaseModel):
    """step: how many of its steps are made."""

    model_config = ANSWER
    rung: str
    steps: int
    step: int


class Job(BaseModel):
    """A projection. latent: of that model; set while the job is paused and once it has finished, also where
    it was cancelled after its first step. step, total: over all rungs. position: 1 begins next.

    loss, terms and distance are of the newest step, at the end distance of the stored picture; pixel_error
    (mean absolute difference, 0..1) and psnr (dB) of the newest picture.
    """

    model_config = ANSWER
    id: UUID
    session: UUID
    model: str
    kind: Literal["projection"] = "projection"
    state: JobState
    space: Space
    schedule: Schedule
    faithfulness: float
    photo: UUID
    face: int | None
    alignment: Alignment
    target_url: str
    continues: UUID | None
    began_at: Beginning | None
    rungs: list[JobRung]
    rung: str | None
    step: int
    total: int
    loss: float | None
    terms: dict[str, float] | None
    distance: float | None
    metric: str
    pixel_error: float | None
    psnr: float | None
    identity: float | None
    identity_note: str
    seconds: float
    eta_s: float | None
    position: int | None
    latent: UUID | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    preview_url: str | None


class CurvePoint(BaseModel):
    """One step of the loss curve."""

    model_config = ANSWER
    step: int
    rung: str
    loss: float
    distance: float
    terms: dict[str, float]


class Moment(BaseModel):
    """One picture of the film strip, a JPEG."""

    model_config = ANSWER
    step: int
    rung: str
    distance: float
    width: int
    height: int
    url: str


class JobHistory(BaseModel):
    """Both in the order of their steps; the curve is thinned."""

    model_config = ANSWER
    points: list[CurvePoint]
    moments: list[Moment]


def job_answer(row: JobRow, position: int | None = None) -> Job:
    """The answer that describes a job as it stands; position: of a queued one."""
    request, own = row.request, {name: getattr(row, name) for name in _SHARED}
    eta = None
    if row.state == "running" and row.step > 0:
        eta = row.seconds / row.step * (row.total - row.step)
    has_latent = row.state == "paused" or row.state in FINISHED
    has_preview = row.preview_blob is not None or (row.state == "running" and row.step > 0)
    return Job.model_validate(
        own
        | {name: request[name] for name in ("space", "schedule", "faithfulness")}
        | {
            "session": row.session_id,
            "photo": row.photo_id,
            "alignment": alignment_answer(FaceAnchors(**row.anchors)),
            "target_url": f"/api/v1/photos/{row.photo_id}/crop?anchors={_listed(row.anchors)}&format=png",
            "rungs": _rungs(row),
            "identity_note": IDENTITY_NOTE if row.identity is None else "",
            "eta_s": eta,
            "position": position if row.state == "queued" else None,
            "latent": row.latent_id if has_latent else None,
            "error": {"code": row.error_code, "detail": row.error_detail} if row.error_code else None,
            "preview_url": f"/api/v1/jobs/{row.id}/preview?step={row.step}" if has_preview else None,
        }
    )


def history_answer(
    job_id: UUID, points: Sequence[Mapping[str, Any]], moments: Sequence[Mapping[str, Any]]
) -> JobHistory:
    """The answer that tells how a job went."""
    url = f"/api/v1/jobs/{job_id}/moments"
    return JobHistory(
        points=[CurvePoint.model_validate(point) for point in points],
        moments=[
            Moment.model_validate(
                {name: value for name, value in moment.items() if name != "blob"}
                | {"url": f"{url}/{moment['step']}"}
            )
            for moment in moments
        ],
    )


_SHARED = (
    "id", "model", "state", "face", "continues", "began_at", "rung", "step", "total", "loss", "terms",
    "distance", "metric", "pixel_error", "psnr", "identity", "seconds", "created_at", "started_at",
    "finished_at",
)  # fmt: skip


def _rungs(row: JobRow) -> list[JobRung]:
    """How far each is, from the steps made in all."""
    rungs, left = [], row.step
    for planned in row.rungs:
        made = min(left, planned["steps"])
        rungs.append(JobRung(rung=planned["rung"], steps=planned["steps"], step=made))
        left -= made
    return rungs


def _listed(anchors: Mapping[str, Sequence[float]]) -> str:
    """As the address of a crop has them."""
    points = (anchors["left_eye"], anchors["right_eye"], anchors["mouth"])
    return ",".join(f"{value:.3f}" for point in points for value in point)

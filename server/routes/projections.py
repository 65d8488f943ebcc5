"""Projection jobs: ask for one, look at it, cancel it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response
from starlette.concurrency import run_in_threadpool

from server.engine.fit import check_projectable
from server.messages import Job, NewProjection, job_answer
from server.problems import Problem
from server.services import Services, ServicesDep
from server.storage import jobs, photos, sessions
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1", tags=["projections"], route_class=StrictJsonRoute)

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128)]


@router.post("/sessions/{session_id}/projections", status_code=202)
async def create_projection(
    session_id: UUID,
    body: NewProjection,
    response: Response,
    services: ServicesDep,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Look for a photo's face in a model's latent space. The same Idempotency-Key gives the same job."""
    check_projectable(services.engine.model(body.model))
    metric = (await services.engine.perceptual()).name
    new = jobs.NewJob(session_id, body.model, body.photo, body.face, body.steps, metric, idempotency_key)
    job, is_new = await run_in_threadpool(_queue, services, new)
    if is_new:
        services.jobs.wake()
        services.hub.publish(job)
    else:
        response.status_code = 200
    return job


@router.get("/jobs/{job_id}")
def get_job(job_id: UUID, services: ServicesDep) -> Job:
    """The job as it stands."""
    return job_answer(jobs.get(services.database, job_id))


@router.post("/jobs/{job_id}/cancel", status_code=202)
async def cancel_job(job_id: UUID, services: ServicesDep) -> Job:
    """Stop it after the step under way; what it found so far is kept."""
    return job_answer(await services.jobs.cancel(job_id))


@router.get("/jobs/{job_id}/preview", response_class=Response)
def job_preview(job_id: UUID, services: ServicesDep) -> Response:
    """The newest intermediate picture, a JPEG."""
    job = jobs.get(services.database, job_id)
    data = services.jobs.preview(job_id)
    if data is None and job.preview_blob is not None:
        data = services.blobs.read(job.preview_blob)
    if data is None:
        raise Problem("no_preview", "The projection has no picture yet.")
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="{job_id}.jpg"'}
    return Response(data, media_type="image/jpeg", headers=headers)


def _queue(services: Services, new: jobs.NewJob) -> tuple[Job, bool]:
    database, settings = services.database, services.settings
    sessions.get(database, new.session_id)
    photo = photos.get(database, new.photo_id)
    if photo.session_id != new.session_id:
        raise Problem("unknown_photo", "There is no such photo.")
    photos.landmarks_of(photo, new.face)
    limits = jobs.QueueLimits(settings.max_queued_per_session, settings.max_queued)
    row, is_new = jobs.create(database, new, limits)
    return job_answer(row), is_new

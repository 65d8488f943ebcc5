"""Projection jobs: ask for one, go on from its result, look at it, pause and cancel it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from starlette.concurrency import run_in_threadpool

from server.access.caller import QUEUED
from server.access.session_room import ROOM_FOR_LATENTS, ROOM_FOR_PROJECTIONS
from server.engine.alignment import check_alignment, stored_anchors
from server.engine.fit import check_projectable
from server.engine.planning import planned_rungs
from server.engine.projecting_interface import ProjectionRequest, Space
from server.photo_messages import anchors_of
from server.problems import Problem
from server.projection_messages import (
    Job,
    JobHistory,
    NewContinuation,
    NewProjection,
    history_answer,
    job_answer,
)
from server.services import Services, ServicesDep
from server.storage import jobs, photos, queue, sessions
from server.storage.tables import JobRow
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1", tags=["projections"], route_class=StrictJsonRoute)

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128)]
IMMUTABLE = "private, max-age=31536000, immutable"


@router.post(
    "/sessions/{session_id}/projections",
    status_code=202,
    dependencies=[Depends(QUEUED), Depends(ROOM_FOR_PROJECTIONS), Depends(ROOM_FOR_LATENTS)],
)
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

    def new() -> jobs.NewJob:
        sessions.get(services.database, session_id)
        photo = photos.get(services.database, body.photo)
        if photo.session_id != session_id:
            raise Problem("unknown_photo", "There is no such photo.")
        anchors, face = anchors_of(body, photo)
        check_alignment(anchors, photo.width, photo.height)
        request = ProjectionRequest(body.space, body.schedule, body.steps, body.faithfulness)
        return jobs.NewJob(
            session_id=session_id,
            model=body.model,
            photo_id=photo.id,
            face=face,
            anchors=stored_anchors(anchors),
            request=asdict(request),
            rungs=[asdict(rung) for rung in planned_rungs(request)],
            metric=metric,
            idempotency_key=idempotency_key,
        )

    return await _queued(services, await run_in_threadpool(new), response)


@router.post("/jobs/{job_id}/continue", status_code=202, dependencies=[Depends(QUEUED)])
async def continue_projection(
    job_id: UUID,
    body: NewContinuation,
    response: Response,
    services: ServicesDep,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """A new job of the same photo that begins at this one's result and goes further."""
    job = await run_in_threadpool(jobs.get, services.database, job_id)
    if job.state not in jobs.FINISHED or job.latent_id is None:
        raise Problem("not_continuable", "The projection has no result yet that could be gone on from.")
    for room in (ROOM_FOR_PROJECTIONS, ROOM_FOR_LATENTS):
        await run_in_threadpool(room.check, services, job.session_id, 1)
    check_projectable(services.engine.model(job.model))
    metric = (await services.engine.perceptual()).name
    request = ProjectionRequest(
        body.space, body.schedule, body.steps, body.faithfulness, after=cast(Space, job.rung or "start")
    )
    new = jobs.NewJob(
        session_id=job.session_id,
        model=job.model,
        photo_id=job.photo_id,
        face=job.face,
        anchors=job.anchors,
        request=asdict(request),
        rungs=[asdict(rung) for rung in planned_rungs(request)],
        metric=metric,
        continues=job.id,
        start_latent_id=job.latent_id,
        idempotency_key=idempotency_key,
    )
    return await _queued(services, new, response)


@router.get("/jobs/{job_id}")
def get_job(job_id: UUID, services: ServicesDep) -> Job:
    """The job as it stands."""
    return _answer(services, jobs.get(services.database, job_id))


@router.post("/jobs/{job_id}/cancel", status_code=202)
async def cancel_job(job_id: UUID, services: ServicesDep) -> Job:
    """Stop it after the step under way; the closest picture so far is kept."""
    return job_answer(await services.jobs.cancel(job_id))


@router.post("/jobs/{job_id}/pause", status_code=202)
async def pause_job(job_id: UUID, services: ServicesDep) -> Job:
    """Stop it after the step under way, until it is resumed."""
    return job_answer(await services.jobs.pause(job_id))


@router.post("/jobs/{job_id}/resume", status_code=202)
async def resume_job(job_id: UUID, services: ServicesDep) -> Job:
    """Let it wait for its turn, and then go on where it stopped."""
    job = await services.jobs.resume(job_id)
    return await run_in_threadpool(_answer, services, job)


@router.get("/jobs/{job_id}/preview", response_class=Response)
def job_preview(job_id: UUID, services: ServicesDep) -> Response:
    """The newest intermediate picture, a JPEG."""
    job = jobs.get(services.database, job_id)
    running = services.jobs.running(job_id)
    data = running.picture.jpeg if running and running.picture else None
    if data is None and job.preview_blob is not None:
        data = services.blobs.read(job.preview_blob)
    if data is None:
        raise Problem("no_preview", "The projection has no picture yet.")
    return _jpeg(data, f"{job_id}.jpg", "no-store")


@router.get("/jobs/{job_id}/history")
def job_history(job_id: UUID, services: ServicesDep) -> JobHistory:
    """The loss curve, thinned, and the film strip of key moments."""
    jobs.get(services.database, job_id)
    return history_answer(job_id, *_history(services, job_id))


@router.get("/jobs/{job_id}/moments/{step}", response_class=Response)
def job_moment(job_id: UUID, step: int, services: ServicesDep) -> Response:
    """One picture of the film strip, a JPEG."""
    jobs.get(services.database, job_id)
    _, moments = _history(services, job_id)
    for moment in moments:
        if moment["step"] == step:
            return _jpeg(services.blobs.read(moment["blob"]), f"{job_id}-{step}.jpg", IMMUTABLE)
    raise Problem("no_preview", "No picture was kept of this step.")


async def _queued(services: Services, new: jobs.NewJob, response: Response) -> Job:
    """The new job, or the one that its key made before."""
    limits = jobs.QueueLimits(services.settings.max_queued_per_session, services.settings.max_queued)
    row, is_new = await run_in_threadpool(jobs.create, services.database, new, limits)
    job = await run_in_threadpool(_answer, services, row)
    if is_new:
        services.hub.publish(job)
        services.jobs.wake()
    else:
        response.status_code = 200
    return job


def _answer(services: Services, row: JobRow) -> Job:
    position = queue.positions(services.database).get(row.id) if row.state == "queued" else None
    return job_answer(row, position)


def _history(services: Services, job_id: UUID) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    running = services.jobs.running(job_id)
    if running is not None:
        return list(running.history.points), list(running.history.moments)
    return jobs.history(services.database, job_id)


def _jpeg(data: bytes, name: str, cache: str) -> Response:
    headers = {"Cache-Control": cache, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(data, media_type="image/jpeg", headers=headers)

"""Films of walks and of edits: made as tasks, fetched when they are ready."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from server.access.caller import CallerDep
from server.edit_answers import task_answer
from server.edit_messages import Task
from server.engine.editing_interface import Report
from server.engine.film import MEDIA_TYPES, film_writer
from server.export_messages import NewFilm
from server.filming import check_length, filmed, frame_count, frames_of, seconds_of, size_of
from server.problems import Problem
from server.services import ServicesDep
from server.storage import sessions
from server.strict_json import StrictJsonRoute
from server.tasks import KeptFilm, RunningTask

router = APIRouter(prefix="/api/v1", tags=["films"], route_class=StrictJsonRoute)


@router.post("/sessions/{session_id}/films", status_code=202)
async def create_film(session_id: UUID, body: NewFilm, services: ServicesDep, user: CallerDep) -> Task:
    """Film a walk or an edit. It gives way to live pictures, and one film is made after the other."""
    await run_in_threadpool(sessions.get, services.database, session_id)
    name = _model_of(body)
    side = services.engine.model(name).img_resolution
    check_length(body, side)
    film_writer(body.format, body.frames_per_second)  # refused now, not after the last frame

    async def work(report: Report) -> tuple[KeptFilm, ...]:
        data = await filmed(frames_of(services.engine, body), body, report)
        film = await run_in_threadpool(services.films.put, data)
        kept = KeptFilm(
            film, body.format, len(data), frame_count(body), seconds_of(body.motion), size_of(body, side)
        )
        return (kept,)

    return task_answer(services.tasks.begin(RunningTask("films", name, user.name), work))


@router.get("/tasks/{task_id}/film", response_class=FileResponse)
async def get_film(task_id: UUID, services: ServicesDep, user: CallerDep) -> FileResponse:
    """The finished film."""
    task = services.tasks.get(task_id, user.name)
    film = next((part for part in task.result if isinstance(part, KeptFilm)), None)
    if film is None or task.state != "succeeded":
        raise Problem("unknown_film", "This task has no film, or none yet.")
    return FileResponse(
        services.films.path(film.id),
        media_type=MEDIA_TYPES[film.format],
        filename=f"{task.model}.{film.format}",
        headers={"Cache-Control": "no-store"},
    )


def _model_of(film: NewFilm) -> str:
    if film.motion.kind == "edit":
        return film.motion.start.model
    if len(film.motion.walk.keys) < 2:
        raise Problem("walk_needs_faces", "A walk needs two faces at least.", "Add another face to it.")
    return film.motion.walk.keys[0].document.model

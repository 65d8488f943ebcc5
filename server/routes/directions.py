"""Directions: searched for, looked at, kept, brought and taken away."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from server.access.caller import CallerDep
from server.edit_answers import direction_answer, task_answer
from server.edit_messages import (
    Direction,
    DirectionChange,
    DirectionName,
    DirectionSearch,
    NewDirection,
    StripBody,
    Task,
)
from server.engine.editing_interface import DirectionQuery, DirectionUpload, FoundDirection, Report
from server.problems import Problem
from server.services import Services, ServicesDep
from server.storage import directions
from server.strict_json import StrictJsonRoute
from server.tasks import RunningTask

router = APIRouter(prefix="/api/v1", tags=["directions"], route_class=StrictJsonRoute)

MAX_FILE_BYTES = 2**20
LAYERS = re.compile(r"\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?){0,63}", re.ASCII)


@router.post("/models/{model}/direction-searches", status_code=202)
async def search(model: str, body: DirectionSearch, services: ServicesDep, user: CallerDep) -> Task:
    """Look for directions in the generator itself."""
    services.engine.model(model)
    query = DirectionQuery(model, body.method, body.layers, body.count, body.resolution)

    async def work(report: Report) -> tuple[FoundDirection, ...]:
        return await services.engine.editing.search(query, report)

    return task_answer(services.tasks.begin(RunningTask("directions", model, user.name), work))


@router.post("/tasks/{task_id}/candidates/{index}/strip", response_class=Response)
async def candidate_strip(
    task_id: UUID, index: int, body: StripBody, services: ServicesDep, user: CallerDep
) -> Response:
    """A document's picture moved by a candidate, by each strength, side by side."""
    return await _strip(services, body, _candidate(services, task_id, index, user.name).data)


@router.post("/models/{model}/directions", status_code=201)
async def keep(model: str, body: NewDirection, services: ServicesDep, user: CallerDep) -> Direction:
    """Keep a candidate under a name."""
    directions.check_range(body.minimum, body.maximum)
    candidate = _candidate(services, body.task, body.candidate, user.name)
    found = await services.engine.editing.adjusted(model, candidate.data, body.name, body.layers)
    return await _store(services, model, user.name, found, (body.minimum, body.maximum))


@router.get("/models/{model}/directions")
async def list_directions(model: str, services: ServicesDep, user: CallerDep) -> list[Direction]:
    """Those of the model's generator, oldest first."""
    editable = await services.engine.editing.editable(model)
    rows = await run_in_threadpool(directions.of_generator, services.database, editable.generator, user.name)
    return [direction_answer(row) for row in rows]


@router.post("/models/{model}/directions/import", status_code=201)
async def import_direction(
    model: str,
    file: Annotated[UploadFile, File()],
    name: Annotated[DirectionName, Form()],
    services: ServicesDep,
    user: CallerDep,
    space: Annotated[Literal["W", "Z"] | None, Form()] = None,
    layers: Annotated[str, Form(max_length=256)] = "",
) -> Direction:
    """A .npy boundary (space: whether it is in W or in Z), or a file that was exported here.

    layers: "4-7,9"; empty: all, or the file's own.
    """
    data = await file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise Problem("bad_direction", f"A direction has at most {MAX_FILE_BYTES >> 20} MiB; this is larger.")
    upload = DirectionUpload(model, name, space, parsed_layers(layers))
    found = await services.engine.editing.read_direction(upload, data)
    return await _store(services, model, user.name, found, (found.minimum, found.maximum))


@router.patch("/directions/{direction_id}")
def change(direction_id: UUID, body: DirectionChange, services: ServicesDep) -> Direction:
    """Another name, or another range of its slider."""
    row = directions.change(services.database, direction_id, body.name, body.minimum, body.maximum)
    return direction_answer(row)


@router.delete("/directions/{direction_id}", status_code=204)
async def delete(direction_id: UUID, services: ServicesDep) -> None:
    """Documents that use it cannot be rendered any more."""
    await run_in_threadpool(directions.delete, services.database, services.blobs, direction_id)
    await services.engine.editing.forget_direction(direction_id)


@router.get("/directions/{direction_id}/file", response_class=Response)
def direction_file(direction_id: UUID, services: ServicesDep) -> Response:
    """It as a safetensors file (latentloom-directions), which the import takes."""
    data = directions.read(services.database, services.blobs, direction_id)
    headers = {"Content-Disposition": f'attachment; filename="direction-{direction_id}.safetensors"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.post("/directions/{direction_id}/strip", response_class=Response)
async def direction_strip(direction_id: UUID, body: StripBody, services: ServicesDep) -> Response:
    """A document's picture moved by a stored direction, by each strength, side by side."""
    data = await run_in_threadpool(directions.read, services.database, services.blobs, direction_id)
    return await _strip(services, body, data)


def parsed_layers(text: str) -> tuple[int, ...] | None:
    """ "4-7,9" as rows; None for an empty text. Raises Problem bad_direction."""
    compact = text.replace(" ", "")
    if not compact:
        return None
    rows: set[int] = set()
    if LAYERS.fullmatch(compact):
        for part in compact.split(","):
            first, _, last = part.partition("-")
            rows.update(range(int(first), int(last or first) + 1))
    if not rows:
        raise Problem("bad_direction", "Layers are written as 4-7 or 4,5,9.")
    return tuple(sorted(rows))


def _candidate(services: Services, task_id: UUID, index: int, owner: str) -> FoundDirection:
    found = services.tasks.get(task_id, owner).result
    if not 0 <= index < len(found) or not isinstance(candidate := found[index], FoundDirection):
        raise Problem("unknown_candidate", "The search has no such candidate, or has not found it yet.")
    return candidate


async def _strip(services: Services, body: StripBody, data: bytes) -> Response:
    jpeg = await services.engine.editing.strip(
        body.document, data, body.strengths, body.layers, body.resolution
    )
    headers = {"Cache-Control": "no-store", "X-Pictures": str(len(body.strengths))}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


async def _store(
    services: Services, model: str, owner: str, found: FoundDirection, strengths: tuple[float, float]
) -> Direction:
    editable = await services.engine.editing.editable(model)

    def store() -> Direction:
        row = directions.new_row(
            generator=editable.generator,
            owner=owner,
            name=found.name,
            method=found.method,
            layers=list(found.layers),
            scale=found.scale,
            strengths=strengths,
            explained=found.explained,
            blob=services.blobs.put(found.data),
        )
        return direction_answer(directions.create(services.database, row))

    return await run_in_threadpool(store)

"""Maps of latents: the directions that are a map's axes, and where faces lie on it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from server.access.caller import CallerDep
from server.documents import STRICT, Document
from server.edit_answers import direction_answer
from server.edit_messages import ANSWER, Direction
from server.engine.editing_interface import FoundDirection
from server.problems import Problem
from server.services import Services, ServicesDep
from server.storage import directions
from server.storage.tables import DirectionRow
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1/models", tags=["maps"], route_class=StrictJsonRoute)

AxisNumber = Annotated[int, Field(ge=1, le=8)]


class MapAxes(BaseModel):
    """Which principal axes of w a map is drawn along, the widest being 1."""

    model_config = STRICT
    across: AxisNumber = 1
    up: AxisNumber = 2


class LatentMap(BaseModel):
    """The stored directions along its axes; strength 1 is a deviation of w along them. count: of axes."""

    model_config = ANSWER
    across: Direction
    up: Direction
    count: int


class MapAxis(BaseModel):
    model_config = STRICT
    direction: UUID


class FacesOnMap(BaseModel):
    """Documents of the path's model, and the two directions that are the map's axes."""

    model_config = STRICT
    across: MapAxis
    up: MapAxis
    documents: Annotated[tuple[Document, ...], Field(min_length=1, max_length=64)]


class Places(BaseModel):
    """across and up of each face in the order of the documents, in deviations from the average face."""

    model_config = ANSWER
    places: list[tuple[float, float]]


@router.put("/{model}/map")
async def put_map(model: str, body: MapAxes, services: ServicesDep, user: CallerDep) -> LatentMap:
    """The plane of two principal axes of w. They are computed once, and kept as directions, since the
    documents of faces on the map name them.
    """
    found = await services.engine.maps.axes(model)
    if body.across == body.up or max(body.across, body.up) > len(found):
        raise Problem("invalid_request", f"A map needs two different axes of 1 to {len(found)}.")
    editable = await services.engine.editing.editable(model)
    chosen = [found[body.across - 1], found[body.up - 1]]

    def store() -> list[DirectionRow]:
        return [_kept(services, editable.generator, user.name, axis) for axis in chosen]

    across, up = await run_in_threadpool(store)
    return LatentMap(across=direction_answer(across), up=direction_answer(up), count=len(found))


@router.post("/{model}/map/places")
async def places(model: str, body: FacesOnMap, services: ServicesDep) -> Places:
    """Where faces lie on a map."""

    def read() -> tuple[bytes, bytes]:
        across, up = (
            directions.read(services.database, services.blobs, axis.direction)
            for axis in (body.across, body.up)
        )
        return across, up

    axes = await run_in_threadpool(read)
    found = await services.engine.maps.places(model, body.documents, *axes)
    return Places(places=list(found))


def _kept(services: Services, generator: str, owner: str, axis: FoundDirection) -> DirectionRow:
    """The stored direction of that axis, which is made where there is none. Raises Problem name_taken."""
    known = _stored(services, generator, owner, axis)
    if known is not None:
        return known
    new = directions.new_row(
        generator=generator,
        owner=owner,
        name=axis.name,
        method=axis.method,
        layers=list(axis.layers),
        scale=axis.scale,
        strengths=(axis.minimum, axis.maximum),
        explained=axis.explained,
        blob=services.blobs.put(axis.data),
    )
    try:
        return directions.create(services.database, new)
    except Problem:
        known = _stored(services, generator, owner, axis)  # another window asked at the same moment
        if known is None:
            raise
        return known


def _stored(services: Services, generator: str, owner: str, axis: FoundDirection) -> DirectionRow | None:
    for row in directions.of_generator(services.database, generator, owner):
        if (row.name, row.method, row.layers) == (axis.name, axis.method, list(axis.layers)):
            return row
    return None

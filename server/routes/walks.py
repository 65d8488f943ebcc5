"""Walks between faces: the one that a session keeps, and the picture at any moment of one."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from server.documents import STRICT
from server.services import ServicesDep
from server.storage import sessions
from server.storage import walks as stored_walks
from server.strict_json import StrictJsonRoute
from server.walks import Moment, Walk

router = APIRouter(prefix="/api/v1", tags=["walks"], route_class=StrictJsonRoute)

EMPTY = Walk(keys=())


class WalkMoment(BaseModel):
    """at: seconds from its beginning; beyond its end: the end. resolution None: a preview's."""

    model_config = STRICT
    walk: Walk
    at: Moment
    resolution: Annotated[int, Field(ge=4, le=4096)] | None = None


@router.get("/sessions/{session_id}/walk")
async def get_walk(session_id: UUID, services: ServicesDep) -> Walk:
    """The session's walk, without faces where none was made yet."""

    def read() -> Walk:
        sessions.get(services.database, session_id)
        stored = stored_walks.get(services.database, session_id)
        return EMPTY if stored is None else Walk.model_validate(stored)

    return await run_in_threadpool(read)


@router.put("/sessions/{session_id}/walk")
async def put_walk(session_id: UUID, walk: Walk, services: ServicesDep) -> Walk:
    """Replace it. It may be unfinished, and of a model that is not there at the moment."""
    stored = walk.model_dump(mode="json")
    await run_in_threadpool(stored_walks.put, services.database, session_id, stored)
    return walk


@router.post("/walks/picture", response_class=Response)
async def walk_picture(body: WalkMoment, services: ServicesDep) -> Response:
    """The picture of a walk after so many seconds, a JPEG."""
    jpeg = await services.engine.walks.picture(body.walk, body.at, body.resolution)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

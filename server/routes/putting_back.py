"""The edited face, put back into the photo that it came from."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from server.engine.alignment import Anchors
from server.engine.frames import encode_jpeg, encode_png
from server.photo_messages import Place, PutBack, anchors_of
from server.problems import Problem
from server.services import Services, ServicesDep
from server.storage import jobs, photos
from server.storage.tables import PhotoRow
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1", tags=["photos"], route_class=StrictJsonRoute)


@router.post("/photos/{photo_id}/put-back", response_class=Response)
async def put_back(photo_id: UUID, body: PutBack, services: ServicesDep) -> Response:
    """The whole photo with the document's picture in the place of the face; its edge fades in."""
    photo = await run_in_threadpool(photos.get, services.database, photo_id)
    anchors = await run_in_threadpool(_anchors, services, photo, body)
    rgb = await run_in_threadpool(services.pixels.of, photo.blob)
    result = await services.engine.put_back(body.document, rgb, anchors)
    if body.format == "png":
        data, suffix = await run_in_threadpool(encode_png, result), "png"
    else:
        data, suffix = await run_in_threadpool(encode_jpeg, result, "final"), "jpg"
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{photo_id}-edited.{suffix}"',
    }
    return Response(data, media_type=f"image/{body.format}", headers=headers)


def _anchors(services: Services, photo: PhotoRow, body: PutBack) -> Anchors:
    place = Place(face=body.face, anchors=body.anchors, square=body.square)
    if place == Place() and body.job is not None:
        job = jobs.get(services.database, body.job)
        if job.photo_id != photo.id:
            raise Problem("unknown_job", "There is no such job of this photo.")
        return Anchors(**job.anchors)
    return anchors_of(place, photo)[0]

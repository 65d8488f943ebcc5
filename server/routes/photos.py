"""Photos: in as an upload, out as our own JPEG and as aligned faces."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from server.access.caller import PHOTOS
from server.access.session_room import ROOM_FOR_PHOTOS
from server.engine.alignment import check_alignment, middle_anchors, stored_anchors
from server.engine.frames import encode_jpeg, encode_png
from server.engine.interface import FoundFace
from server.photo_messages import NewAlignment, Photo, Place, anchors_of, photo_answer
from server.problems import Problem
from server.services import ServicesDep
from server.storage import photos, sessions
from server.strict_json import StrictJsonRoute
from server.uploads import read_photo, safe_name

router = APIRouter(prefix="/api/v1", tags=["photos"], route_class=StrictJsonRoute)

SMALLEST_CROP, LARGEST_CROP = 16, 1024
IMMUTABLE = "private, max-age=31536000, immutable"
CHANGING = "private, no-cache"

Numbers = Annotated[str | None, Query(max_length=400, pattern=r"^[-+.,0-9eE]+$")]


@router.post(
    "/sessions/{session_id}/photos", status_code=201, dependencies=[Depends(PHOTOS), Depends(ROOM_FOR_PHOTOS)]
)
async def upload_photo(session_id: UUID, file: Annotated[UploadFile, File()], services: ServicesDep) -> Photo:
    """A JPEG, PNG or WebP picture. Where no face is found, somebody has to say where it is."""
    await run_in_threadpool(sessions.get, services.database, session_id)
    picture = await run_in_threadpool(read_photo, await file.read())
    faces = await services.engine.find_faces(picture.rgb)
    height, width = picture.rgb.shape[:2]
    label = safe_name(file.filename)

    def store() -> Photo:
        blob = services.blobs.put(picture.jpeg)
        stored = [_face_record(face) for face in faces]
        row = photos.create(
            services.database, session_id, name=label, size=(width, height), faces=stored, blob=blob
        )
        return photo_answer(row)

    return await run_in_threadpool(store)


@router.put("/photos/{photo_id}/alignment")
def align_photo(photo_id: UUID, body: NewAlignment, services: ServicesDep) -> Photo:
    """Remember where the face is: by hand, or (a face) where it was found."""
    row = photos.get(services.database, photo_id)
    anchors, face = anchors_of(body, row)
    check_alignment(anchors, row.width, row.height)
    by_hand = stored_anchors(anchors) if face is None else None
    return photo_answer(photos.set_alignment(services.database, photo_id, by_hand, face))


@router.get("/photos/{photo_id}/image", response_class=Response)
def photo_image(photo_id: UUID, services: ServicesDep) -> Response:
    """The photo as it was re-encoded: upright, without metadata, longer side at most 2048."""
    row = photos.get(services.database, photo_id)
    return _picture(services.blobs.read(row.blob), "image/jpeg", f"{photo_id}.jpg", IMMUTABLE)


@router.get("/photos/{photo_id}/crop", response_class=Response)
async def photo_crop(
    photo_id: UUID,
    services: ServicesDep,
    face: Annotated[int | None, Query(ge=0, le=1000)] = None,
    anchors: Numbers = None,
    square: Numbers = None,
    size: Annotated[int, Query(ge=SMALLEST_CROP, le=LARGEST_CROP)] = 256,
    format: Literal["jpeg", "png"] = "jpeg",
) -> Response:
    """A face aligned as the generator knows faces: at six numbers x,y of left eye, right eye and mouth, in a
    square x,y,side,turn, at a face that was found, or at the photo's alignment.
    """
    row = await run_in_threadpool(photos.get, services.database, photo_id)
    place = _place(face, anchors, square)
    if place == Place() and row.anchors is None and not row.faces:
        chosen = middle_anchors(row.width, row.height)
    else:
        chosen, _ = anchors_of(place, row)
    check_alignment(chosen, row.width, row.height)
    rgb, moved = await run_in_threadpool(services.pixels.for_crop, row.blob, chosen, size)
    crop = await services.engine.crop(rgb, moved, size)
    cache = CHANGING if place == Place() else IMMUTABLE
    if format == "png":
        return _picture(await run_in_threadpool(encode_png, crop), "image/png", f"{photo_id}.png", cache)
    jpeg = await run_in_threadpool(encode_jpeg, crop, "final")
    return _picture(jpeg, "image/jpeg", f"{photo_id}.jpg", cache)


def _place(face: int | None, anchors: str | None, square: str | None) -> Place:
    """Raises Problem invalid_request where the numbers are none, or other ones than needed."""
    given: dict[str, Any] = {"face": face}
    if anchors is not None:
        x = _numbers(anchors, 6)
        given["anchors"] = {"left_eye": (x[0], x[1]), "right_eye": (x[2], x[3]), "mouth": (x[4], x[5])}
    if square is not None:
        given["square"] = dict(zip(("x", "y", "side", "turn"), _numbers(square, 4), strict=True))
    try:
        return Place.model_validate(given)
    except ValidationError as error:
        raise _invalid() from error


def _numbers(text: str, count: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise _invalid() from error
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise _invalid()
    return numbers


def _invalid() -> Problem:
    detail = "Give one of face, anchors (six numbers) and square (four numbers), within the photo's reach."
    return Problem("invalid_request", detail)


def _face_record(face: FoundFace) -> dict[str, object]:
    return {"box": list(face.box), "score": face.score, "landmarks": [list(p) for p in face.landmarks]}


def _picture(data: bytes, media_type: str, name: str, cache: str) -> Response:
    headers = {"Cache-Control": cache, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)

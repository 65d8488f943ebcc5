"""Photos: in as an upload, out as our own JPEG and as aligned faces."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from server.engine.frames import encode_png
from server.engine.interface import FoundFace
from server.messages import Photo, photo_answer
from server.problems import Problem
from server.services import ServicesDep
from server.storage import photos, sessions
from server.uploads import decode_own, read_photo, safe_name

router = APIRouter(prefix="/api/v1", tags=["photos"])

SMALLEST_CROP = 256
IMMUTABLE = "private, max-age=31536000, immutable"


@router.post("/sessions/{session_id}/photos", status_code=201)
async def upload_photo(session_id: UUID, file: Annotated[UploadFile, File()], services: ServicesDep) -> Photo:
    """A JPEG, PNG or WebP picture with at least one face in it."""
    await run_in_threadpool(sessions.get, services.database, session_id)
    picture = await run_in_threadpool(read_photo, await file.read())
    faces = await services.engine.find_faces(picture.rgb)
    if not faces:
        hint = "Send a photo in which the face is upright, turned to the camera and not too small."
        raise Problem("no_face", "No face was found in the picture.", hint)
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


@router.get("/photos/{photo_id}/image", response_class=Response)
def photo_image(photo_id: UUID, services: ServicesDep) -> Response:
    """The photo as it was re-encoded: upright, without metadata, longer side at most 2048."""
    row = photos.get(services.database, photo_id)
    return _picture(services.blobs.read(row.blob), "image/jpeg", f"{photo_id}.jpg")


@router.get("/photos/{photo_id}/crops/{face}", response_class=Response)
async def face_crop(photo_id: UUID, face: int, services: ServicesDep) -> Response:
    """A face aligned as the generator knows faces, twice as large as the default model's pictures."""
    row = await run_in_threadpool(photos.get, services.database, photo_id)
    landmarks = photos.landmarks_of(row, face)
    rgb = await run_in_threadpool(lambda: decode_own(services.blobs.read(row.blob)))
    sides = [2 * model.img_resolution for model in services.engine.models()[:1]]
    crop = await services.engine.crop(rgb, landmarks, max(SMALLEST_CROP, *sides))
    png = await run_in_threadpool(encode_png, crop)
    return _picture(png, "image/png", f"{photo_id}-{face}.png")


def _face_record(face: FoundFace) -> dict[str, object]:
    return {"box": list(face.box), "score": face.score, "landmarks": [list(p) for p in face.landmarks]}


def _picture(data: bytes, media_type: str, name: str) -> Response:
    headers = {"Cache-Control": IMMUTABLE, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)

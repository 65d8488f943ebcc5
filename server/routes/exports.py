"""Files to take away and bring back: pictures with recipes, latents; and what a link carries."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from server.access.caller import CallerDep
from server.access.session_room import ROOM_FOR_LATENTS
from server.documents import Document, LatentBase
from server.engine.exporting_interface import PictureFile
from server.engine.film import film_formats
from server.engine.fit import check_fit
from server.export_messages import (
    Formats,
    Imported,
    LatentBody,
    LatentsBody,
    Link,
    LinkBody,
    PictureBody,
    StoredLatent,
)
from server.problems import Problem
from server.recipes.collecting import picture_with_recipe
from server.recipes.containers import recipe_in
from server.recipes.recipe import named_directions, named_latents, unpack
from server.recipes.restoring import found_model, restored_document
from server.services import Services, ServicesDep
from server.storage import latents, sessions
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1", tags=["exports"], route_class=StrictJsonRoute)

SUFFIXES = {"png": "png", "jpeg": "jpg", "webp": "webp"}
PICTURE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")


@router.get("/exports/formats")
def formats() -> Formats:
    """Which files can be written here."""
    return Formats(pictures=["png", "jpeg", "webp"], films=list(film_formats()))


@router.post("/exports/picture", response_class=Response)
async def export_picture(body: PictureBody, services: ServicesDep) -> Response:
    """The final picture as a file that carries its recipe: dropped back, it restores the whole edit."""
    file = PictureFile(body.format, body.size, body.quality)
    data = await services.engine.exporting.picture(body.document, file)
    if body.recipe:
        data = await picture_with_recipe(services, body.document, data)
    return attachment(data, f"image/{body.format}", f"{body.document.model}.{SUFFIXES[body.format]}")


@router.post("/exports/latents", response_class=Response)
async def export_latents(body: LatentsBody, services: ServicesDep) -> Response:
    """A face as numbers. npz: w [1, num_ws, w_dim] as NVIDIA's projector.py writes it. safetensors: ws
    [num_ws, w_dim] with noise maps and tuning, which can be brought back to any server with the model.
    """
    exporting = services.engine.exporting
    write = exporting.npz if body.format == "npz" else exporting.latent
    data = await write(body.document, body.part)
    return attachment(data, "application/octet-stream", f"{body.document.model}-{body.part}.{body.format}")


@router.post("/exports/link")
async def check_link(body: LinkBody, services: ServicesDep) -> Link:
    """A document that came in a link, checked as any other, and found its model."""
    engine = services.engine
    if body.generator is None:
        weights = await engine.exporting.weights(body.document.model)
        document, generator = body.document, weights.generator
    else:
        model = await found_model(engine, body.document.model, body.generator)
        document, generator = body.document.model_copy(update={"model": model.name}), body.generator
    check_fit(document, engine.model(document.model))
    stays_here = named_latents(document) or named_directions(document)
    return Link(document=document, generator=generator, portable=not stays_here)


@router.post("/sessions/{session_id}/imports", status_code=201, dependencies=[Depends(ROOM_FOR_LATENTS)])
async def import_file(
    session_id: UUID,
    model: str,
    file: Annotated[UploadFile, File()],
    services: ServicesDep,
    user: CallerDep,
) -> Imported:
    """A picture with a recipe, or a latent (.npz, .safetensors). model: of a latent that does not say it."""
    await run_in_threadpool(sessions.get, services.database, session_id)
    data = await file.read()
    if data.startswith(PICTURE_STARTS):
        packed = recipe_in(data)
        if packed is None:
            detail = "The picture carries no recipe: it was not exported here, or another program rewrote it."
            raise Problem("no_recipe", detail, "Upload it as a photo to look for the face in it.")
        recipe = await run_in_threadpool(unpack, packed)
        document, notes = await restored_document(services, session_id, user.name, recipe)
        return Imported(kind="recipe", document=document, notes=notes)
    found = await services.engine.exporting.read_latent(model, data)
    document = await run_in_threadpool(_latent_document, services, session_id, model, found.data)
    return Imported(kind="latent", document=document, notes=[] if found.names_model else ["model_not_named"])


@router.post("/sessions/{session_id}/latents", status_code=201, dependencies=[Depends(ROOM_FOR_LATENTS)])
async def store_latent(session_id: UUID, body: LatentBody, services: ServicesDep) -> StoredLatent:
    """The face of a document after all edits, kept as a base for others: to mix with, for example."""
    await run_in_threadpool(sessions.get, services.database, session_id)
    data = await services.engine.exporting.latent(body.document, "edited")
    model = body.document.model
    document = await run_in_threadpool(_latent_document, services, session_id, model, data)
    assert isinstance(document.base, LatentBase)
    return StoredLatent(latent=document.base.latent, model=model, document=document)


def attachment(data: bytes, media_type: str, name: str) -> Response:
    """A file to save."""
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)


def _latent_document(services: Services, session_id: UUID, model: str, data: bytes) -> Document:
    row = latents.find_or_create(services.database, session_id, model, services.blobs.put(data))
    return Document(model=model, base=LatentBase(kind="latent", latent=row.id))

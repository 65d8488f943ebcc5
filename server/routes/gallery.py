"""Galleries: documents that somebody kept, with names and stars, and all of them as an archive."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from server.archive import zipped
from server.documents import Document
from server.engine.exporting_interface import PictureFile
from server.engine.fit import check_fit
from server.export_messages import ArchiveBody, GalleryItem, ItemChange, ItemsBody, NewItem, item_answer
from server.problems import Problem
from server.recipes.collecting import picture_with_recipe
from server.routes.exports import SUFFIXES
from server.services import Services, ServicesDep
from server.storage import gallery
from server.storage.tables import GalleryRow
from server.strict_json import StrictJsonRoute

router = APIRouter(
    prefix="/api/v1/sessions/{session_id}/gallery", tags=["gallery"], route_class=StrictJsonRoute
)


@router.get("")
def list_items(session_id: UUID, services: ServicesDep) -> list[GalleryItem]:
    """Newest first."""
    return [item_answer(row) for row in gallery.of_session(services.database, session_id)]


@router.post("", status_code=201)
def add_item(session_id: UUID, body: NewItem, services: ServicesDep) -> GalleryItem:
    """Keep a document."""
    check_fit(body.document, services.engine.model(body.document.model))
    document = body.document.model_dump(mode="json")
    most = services.settings.max_gallery_items
    return item_answer(gallery.add(services.database, session_id, document, body.name.strip(), most))


@router.patch("/{item_id}")
def change_item(session_id: UUID, item_id: UUID, body: ItemChange, services: ServicesDep) -> GalleryItem:
    """Another name, a star more or less."""
    gallery.some_of(services.database, session_id, [item_id])
    name = None if body.name is None else body.name.strip()
    return item_answer(gallery.change(services.database, item_id, name, body.starred))


@router.post("/delete", status_code=204)
def delete_items(session_id: UUID, body: ItemsBody, services: ServicesDep) -> None:
    """They can be brought back for a day."""
    gallery.delete(services.database, session_id, body.items)


@router.post("/restore")
def restore_items(session_id: UUID, body: ItemsBody, services: ServicesDep) -> list[GalleryItem]:
    """Bring deleted ones back."""
    most = services.settings.max_gallery_items
    return [item_answer(row) for row in gallery.restore(services.database, session_id, body.items, most)]


@router.post("/archive", response_class=StreamingResponse)
async def archive(session_id: UUID, body: ArchiveBody, services: ServicesDep) -> StreamingResponse:
    """A ZIP file of pictures with their recipes, sent while they are rendered. For one that cannot be there
    is a text file that says why.
    """
    rows = await run_in_threadpool(gallery.some_of, services.database, session_id, body.items)
    files = _files(services, rows, PictureFile(body.format))
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="latent-loom.zip"'}
    return StreamingResponse(zipped(files), media_type="application/zip", headers=headers)


async def _files(
    services: Services, rows: list[GalleryRow], file: PictureFile
) -> AsyncIterator[tuple[str, bytes]]:
    for number, row in enumerate(rows, start=1):
        stem = f"{number:03}-{_file_name(row.name) or row.document['model']}"
        document = Document.model_validate(row.document)
        try:
            picture = await services.engine.exporting.picture(document, file)
            yield f"{stem}.{SUFFIXES[file.format]}", await picture_with_recipe(services, document, picture)
        except Problem as problem:
            yield f"{stem}.txt", f"{problem.title}. {problem.detail} {problem.hint}\n".encode()


def _file_name(name: str) -> str:
    """What of a name every file system takes."""
    return re.sub(r"[^\w-]+", "-", name).strip("-.")[:60]

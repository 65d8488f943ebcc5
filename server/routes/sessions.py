"""Sessions: somebody's work, as a reload or another browser finds it again."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool

from server.access.caller import SESSIONS, CallerDep
from server.documents import Document, SeedBase
from server.engine.interface import ModelDescription
from server.messages import Session, session_answer
from server.services import Services, ServicesDep
from server.storage import history, jobs, photos, queue, removal, sessions
from server.storage.tables import SessionRow
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1/sessions", tags=["sessions"], route_class=StrictJsonRoute)


@router.post("", status_code=201, dependencies=[Depends(SESSIONS)])
async def create_session(services: ServicesDep, user: CallerDep) -> Session:
    """A new session that opens with the default model's first picture."""
    await services.engine.rescan()  # the default may be another one by now
    document = _opening_document(services.engine.default_model()).model_dump(mode="json")

    def store() -> Session:
        return _answer(services, sessions.create(services.database, document, user.name))

    return await run_in_threadpool(store)


@router.get("/{session_id}")
def get_session(session_id: UUID, services: ServicesDep) -> Session:
    """The document where it stands in its history, its photos and jobs."""
    return _answer(services, sessions.get(services.database, session_id))


@router.delete("/{session_id}", status_code=204)
def delete_session(session_id: UUID, services: ServicesDep) -> None:
    """Its photos, searches, steps and gallery are removed for good. Refused while a search is under way."""
    removal.remove(services.database, services.blobs, session_id)


def _answer(services: Services, row: SessionRow) -> Session:
    database = services.database
    own = photos.of_session(database, row.id), jobs.of_session(database, row.id)
    return session_answer(row, history.standing(database, row.id), *own, queue.positions(database))


def _opening_document(model: ModelDescription) -> Document:
    seed = model.seeds[0] if model.seeds else 0
    base = SeedBase(kind="seed", seed=seed, truncation_psi=model.default_psi)
    return Document(model=model.name, base=base)

"""Rows of galleries: documents that somebody liked. What is deleted can be brought back for a while."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, func, or_, select
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm import Session

from server.problems import Problem, unknown_session
from server.storage import latents
from server.storage.database import Database
from server.storage.tables import GalleryRow, SessionRow, now

KEPT_AFTER_DELETION = timedelta(hours=24)
MAX_DELETED = 1000  # of a session, that can be brought back


def add(database: Database, session_id: UUID, document: dict[str, Any], name: str, most: int) -> GalleryRow:
    """A new item. most: of a session. Raises Problem unknown_session, gallery_full."""
    row = GalleryRow(
        id=uuid4(), session_id=session_id, name=name, document=document, starred=False, created_at=now()
    )
    with database.write() as transaction:
        _check_room(transaction, session_id, 1, most)
        latents.hold(transaction, document)
        transaction.add(row)
    return row


def of_session(database: Database, session_id: UUID) -> list[GalleryRow]:
    """Newest first."""
    query = select(GalleryRow).where(GalleryRow.session_id == session_id, GalleryRow.deleted_at.is_(None))
    with database.read() as transaction:
        return list(transaction.scalars(query.order_by(GalleryRow.created_at.desc(), GalleryRow.id)))


def some_of(database: Database, session_id: UUID, items: Collection[UUID]) -> list[GalleryRow]:
    """Those of the session, oldest first. Raises Problem unknown_item where one is not there."""
    query = select(GalleryRow).where(*_among(session_id, items), GalleryRow.deleted_at.is_(None))
    with database.read() as transaction:
        rows = list(transaction.scalars(query.order_by(GalleryRow.created_at, GalleryRow.id)))
    if len(rows) != len(set(items)):
        raise _unknown()
    return rows


def change(database: Database, item_id: UUID, name: str | None, starred: bool | None) -> GalleryRow:
    """None: as it is. Raises Problem unknown_item."""
    with database.write() as transaction:
        row = transaction.get(GalleryRow, item_id, with_for_update=True)
        if row is None or row.deleted_at is not None:
            raise _unknown()
        row.name = row.name if name is None else name
        row.starred = row.starred if starred is None else starred
    return row


def delete(database: Database, session_id: UUID, items: Collection[UUID]) -> None:
    """They are gone from the gallery, and in a day for good, or sooner where there are more than
    MAX_DELETED. What is not there is left alone.
    """
    with database.write() as transaction:
        for row in transaction.scalars(_held(session_id, items)):
            row.deleted_at = row.deleted_at or now()
        transaction.flush()
        own = (GalleryRow.session_id == session_id, GalleryRow.deleted_at.is_not(None))
        oldest_last = select(GalleryRow.id).where(*own).order_by(GalleryRow.deleted_at.desc(), GalleryRow.id)
        beyond = list(transaction.scalars(oldest_last.offset(MAX_DELETED)))
        transaction.execute(delete_rows(GalleryRow).where(GalleryRow.id.in_(beyond)))


def restore(database: Database, session_id: UUID, items: Collection[UUID], most: int) -> list[GalleryRow]:
    """Bring deleted ones back. most: of a session. Raises Problem unknown_item where it is too late for one,
    gallery_full.
    """
    with database.write() as transaction:
        early = or_(GalleryRow.deleted_at.is_(None), GalleryRow.deleted_at >= now() - KEPT_AFTER_DELETION)
        rows = list(transaction.scalars(_held(session_id, items).where(early)))
        if len(rows) != len(set(items)):
            raise _unknown()
        _check_room(transaction, session_id, sum(row.deleted_at is not None for row in rows), most)
        for row in rows:
            row.deleted_at = None
    return rows


def _among(session_id: UUID, items: Collection[UUID]) -> tuple[Any, ...]:
    return GalleryRow.session_id == session_id, GalleryRow.id.in_(list(items))


def forget_deleted(database: Database) -> None:
    """What was deleted long ago cannot be brought back any more."""
    with database.write() as transaction:
        late = GalleryRow.deleted_at < now() - KEPT_AFTER_DELETION
        transaction.execute(delete_rows(GalleryRow).where(late))


def _held(session_id: UUID, items: Collection[UUID]) -> Select[GalleryRow]:
    """Nobody else changes them meanwhile."""
    return select(GalleryRow).where(*_among(session_id, items)).order_by(GalleryRow.id).with_for_update()


def _check_room(transaction: Session, session_id: UUID, more: int, most: int) -> None:
    if transaction.get(SessionRow, session_id, with_for_update=True) is None:  # two at once count in turn
        raise unknown_session()
    own = (GalleryRow.session_id == session_id, GalleryRow.deleted_at.is_(None))
    count = transaction.scalar(select(func.count()).select_from(GalleryRow).where(*own)) or 0
    if count + more > most:
        detail = f"The gallery holds {count} pictures; {most} is the limit."
        raise Problem("gallery_full", detail, "Delete those that are not needed.")


def _unknown() -> Problem:
    return Problem("unknown_item", "There is no such picture in the gallery: it was deleted.")

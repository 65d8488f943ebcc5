"""Rows of sessions."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from server.problems import Problem
from server.storage.database import Database
from server.storage.tables import SessionRow, now


def create(database: Database, document: dict[str, Any], owner: str = "") -> SessionRow:
    """A new session of somebody's that opens with document."""
    moment = now()
    row = SessionRow(id=uuid4(), owner=owner, document=document, created_at=moment, updated_at=moment)
    with database.write() as transaction:
        transaction.add(row)
    return row


def get(database: Database, session_id: UUID) -> SessionRow:
    """Raises Problem unknown_session."""
    with database.read() as transaction:
        return _found(transaction.get(SessionRow, session_id))


def set_document(database: Database, session_id: UUID, document: dict[str, Any]) -> SessionRow:
    """Remember what a reload brings back. Raises Problem unknown_session."""
    with database.write() as transaction:
        row = _found(transaction.get(SessionRow, session_id))
        row.document, row.updated_at = document, now()
    return row


def _found(row: SessionRow | None) -> SessionRow:
    if row is None:
        raise Problem("unknown_session", "There is no such session.", "Reload the page to start a new one.")
    return row

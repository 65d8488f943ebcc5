"""Rows of sessions."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from server.problems import Problem
from server.storage import history
from server.storage.database import Database
from server.storage.tables import SessionRow, now


def create(database: Database, document: dict[str, Any], owner: str = "") -> SessionRow:
    """A new session of somebody's, whose history begins with document."""
    moment = now()
    row = SessionRow(id=uuid4(), owner=owner, created_at=moment, updated_at=moment)
    with database.write() as transaction:
        transaction.add(row)
        transaction.flush()
        transaction.add(history.root(row.id, document))
    return row


def get(database: Database, session_id: UUID) -> SessionRow:
    """Raises Problem unknown_session."""
    with database.read() as transaction:
        return _found(transaction.get(SessionRow, session_id))


def _found(row: SessionRow | None) -> SessionRow:
    if row is None:
        raise Problem("unknown_session", "There is no such session.", "Reload the page to start a new one.")
    return row

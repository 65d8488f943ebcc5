"""Rows of sessions."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from server.problems import Problem, unknown_session
from server.storage import history
from server.storage.database import Database
from server.storage.tables import SessionRow, now

SEEN_EVERY = timedelta(hours=1)


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


def seen(database: Database, session_id: UUID) -> None:
    """Somebody opened it: noted once in a while, and not at all where the database cannot write just now.

    Raises Problem unknown_session, and what reading does.
    """
    if get(database, session_id).updated_at > now() - SEEN_EVERY:
        return
    with suppress(Problem), database.write() as transaction:
        row = transaction.get(SessionRow, session_id, with_for_update=True)
        if row is not None:
            row.updated_at = now()


def _found(row: SessionRow | None) -> SessionRow:
    if row is None:
        raise unknown_session()
    return row

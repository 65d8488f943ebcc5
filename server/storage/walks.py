"""The walk that somebody makes in a session: one row, replaced as a whole."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from server.problems import unknown_session
from server.storage import latents
from server.storage.database import Database
from server.storage.tables import SessionRow, WalkRow, now


def get(database: Database, session_id: UUID) -> dict[str, Any] | None:
    """None where there is none yet."""
    with database.read() as transaction:
        row = transaction.get(WalkRow, session_id)
    return None if row is None else row.walk


def put(database: Database, session_id: UUID, walk: dict[str, Any]) -> None:
    """Keep it for the next visit. Raises Problem unknown_session."""
    with database.write() as transaction:
        if transaction.get(SessionRow, session_id, with_for_update=True) is None:
            raise unknown_session()
        latents.hold(transaction, walk)
        row = transaction.get(WalkRow, session_id)
        if row is None:
            transaction.add(WalkRow(session_id=session_id, walk=walk, updated_at=now()))
        else:
            row.walk, row.updated_at = walk, now()

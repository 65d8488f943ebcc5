"""Whose a row is: that of its session, which has an owner; a direction has its own."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy import func, select

from server.storage.database import Database
from server.storage.tables import DirectionRow, JobRow, LatentRow, PhotoRow, SessionRow

Part = Literal["photo", "job", "latent"]
Kind = Literal["session", "photo", "job", "latent", "direction"]
PARTS: dict[Part, type[PhotoRow | JobRow | LatentRow]] = {
    "photo": PhotoRow,
    "job": JobRow,
    "latent": LatentRow,
}


def owner_of(database: Database, kind: Kind, identifier: UUID) -> str | None:
    """The owner's name; None where there is no such row."""
    if kind == "session":
        query = select(SessionRow.owner).where(SessionRow.id == identifier)
    elif kind == "direction":
        query = select(DirectionRow.owner).where(DirectionRow.id == identifier)
    else:
        part = PARTS[kind]
        belongs = part.session_id == SessionRow.id
        query = select(SessionRow.owner).join(part, belongs).where(part.id == identifier)
    with database.read() as transaction:
        return transaction.scalar(query)


def count_in_session(database: Database, part: Part, session_id: UUID) -> int:
    """How many of them a session has."""
    query = select(func.count()).select_from(PARTS[part]).where(PARTS[part].session_id == session_id)
    with database.read() as transaction:
        return transaction.scalar(query) or 0


def count_of_sessions(database: Database, owner: str) -> int:
    """How many sessions are somebody's."""
    query = select(func.count()).select_from(SessionRow).where(SessionRow.owner == owner)
    with database.read() as transaction:
        return transaction.scalar(query) or 0


def count_of_photos(database: Database, owner: str) -> int:
    """How many photos are in somebody's sessions."""
    query = select(func.count()).select_from(PhotoRow).join(SessionRow).where(SessionRow.owner == owner)
    with database.read() as transaction:
        return transaction.scalar(query) or 0


def count_of_queued(database: Database, owner: str) -> int:
    """How many of somebody's projections wait."""
    queued = select(func.count()).select_from(JobRow).where(JobRow.state == "queued")
    query = queued.join(SessionRow, JobRow.session_id == SessionRow.id).where(SessionRow.owner == owner)
    with database.read() as transaction:
        return transaction.scalar(query) or 0

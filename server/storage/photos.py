"""Rows of photos."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from server.problems import Problem
from server.storage.database import Database
from server.storage.tables import PhotoRow, now


def create(
    database: Database,
    session_id: UUID,
    *,
    name: str,
    size: tuple[int, int],
    faces: list[dict[str, Any]],
    blob: str,
) -> PhotoRow:
    """A new photo of width x height whose JPEG is a stored blob."""
    row = PhotoRow(
        id=uuid4(),
        session_id=session_id,
        name=name,
        width=size[0],
        height=size[1],
        faces=faces,
        face=0,
        blob=blob,
        created_at=now(),
    )
    with database.write() as transaction:
        transaction.add(row)
    return row


def get(database: Database, photo_id: UUID) -> PhotoRow:
    """Raises Problem unknown_photo."""
    with database.read() as transaction:
        row = transaction.get(PhotoRow, photo_id)
    if row is None:
        raise Problem("unknown_photo", "There is no such photo.")
    return row


def of_session(database: Database, session_id: UUID) -> list[PhotoRow]:
    """Oldest first."""
    query = select(PhotoRow).where(PhotoRow.session_id == session_id).order_by(PhotoRow.created_at)
    with database.read() as transaction:
        return list(transaction.scalars(query))


def set_alignment(
    database: Database, photo_id: UUID, anchors: dict[str, Any] | None, face: int | None
) -> PhotoRow:
    """Where the face is, by hand; or (anchors None) which of those found. Raises Problem unknown_photo."""
    with database.write() as transaction:
        row = transaction.get(PhotoRow, photo_id, with_for_update=True)
        if row is None:
            raise Problem("unknown_photo", "There is no such photo.")
        row.anchors, row.face = anchors, face or 0
    return row


def landmarks_of(photo: PhotoRow, face: int) -> list[list[float]]:
    """The five points [5][2] of a face. Raises Problem unknown_face."""
    if not 0 <= face < len(photo.faces):
        raise Problem("unknown_face", f"The photo has {len(photo.faces)} faces, counted from 0.")
    points: list[list[float]] = photo.faces[face]["landmarks"]
    return points

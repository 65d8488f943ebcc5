"""Sessions that nobody has used for long: they go with all that is in them.

A session whose gallery holds something stays with its gallery, and stands where it stood: its photos,
projections, walk and other steps go. So does the latent of one session that another's document names.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.jobs import UNDER_WAY
from server.storage.named import named_blobs
from server.storage.removal import emptied, removed
from server.storage.tables import GalleryRow, JobRow, LatentRow, PhotoRow, SessionRow, WalkRow

AT_ONCE = 50  # sessions, in one transaction


def expire(database: Database, blobs: BlobStore, unused_since: datetime) -> int:
    """Remove what is in sessions that were last used before that; how many of them are gone as a whole.

    Raises Problem as Database and BlobStore do; what was removed by then stays so.
    """
    gone, after = 0, UUID(int=0)
    while True:
        with database.write() as transaction:
            sessions = _some_unused(transaction, unused_since, after)
            if not sessions:
                return gone
            named = emptied(transaction, sessions)
            gone += removed(transaction, sessions)
            unnamed = named - named_blobs(transaction)
        for key in sorted(unnamed):
            blobs.discard(key)
        after = sessions[-1]


def _some_unused(transaction: Session, since: datetime, after: UUID) -> list[UUID]:
    """Whoever is just using one holds its row, and it is passed over."""
    at = SessionRow.id
    newer = (
        exists().where(PhotoRow.session_id == at, PhotoRow.created_at >= since),
        exists().where(LatentRow.session_id == at, LatentRow.created_at >= since),
        exists().where(WalkRow.session_id == at, WalkRow.updated_at >= since),
        exists().where(GalleryRow.session_id == at, GalleryRow.created_at >= since),
        exists().where(JobRow.session_id == at, _is_in_use(since)),
    )
    query = select(at).where(at > after, SessionRow.updated_at < since, *(~each for each in newer))
    chosen = query.order_by(at).limit(AT_ONCE).with_for_update(skip_locked=True)
    return list(transaction.scalars(chosen))


def _is_in_use(since: datetime) -> ColumnElement[bool]:
    return or_(JobRow.state.in_(UNDER_WAY), JobRow.created_at >= since, JobRow.finished_at >= since)

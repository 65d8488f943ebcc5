"""Sessions that nobody has used for long: they go with all that is in them.

A session whose gallery holds something stays with its gallery, and stands where it stood: its photos,
projections, walk and other steps go. So does the latent of one session that another's document names.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.named import DIGEST, named_blobs, named_latents
from server.storage.tables import (
    GalleryRow,
    HistoryRow,
    JobHistoryRow,
    JobRow,
    LatentRow,
    PhotoRow,
    SessionRow,
    WalkRow,
)

AT_ONCE = 50  # sessions, in one transaction
UNFINISHED = ("queued", "running")


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
            named = _emptied(transaction, sessions)
            gone += _removed(transaction, sessions)
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
    return or_(JobRow.state.in_(UNFINISHED), JobRow.created_at >= since, JobRow.finished_at >= since)


def _emptied(transaction: Session, sessions: Collection[UUID]) -> set[str]:
    """Remove what is in them, but for galleries and where those with one stand. Returns the blobs that the
    removed rows named.
    """
    keys = _blobs_of(transaction, sessions)
    own_jobs = select(JobRow.id).where(JobRow.session_id.in_(sessions))
    transaction.execute(delete(JobHistoryRow).where(JobHistoryRow.job_id.in_(own_jobs)))
    transaction.execute(delete(JobRow).where(JobRow.session_id.in_(sessions)))
    # An archive may have brought a job to another session's photo.
    unused = PhotoRow.id.not_in(select(JobRow.photo_id))
    transaction.execute(delete(PhotoRow).where(PhotoRow.session_id.in_(sessions), unused))
    transaction.execute(delete(WalkRow).where(WalkRow.session_id.in_(sessions)))
    deleted = GalleryRow.deleted_at.is_not(None)
    transaction.execute(delete(GalleryRow).where(GalleryRow.session_id.in_(sessions), deleted))
    _forget_steps(transaction, sessions)
    return keys | _forget_latents(transaction, sessions)


def _blobs_of(transaction: Session, sessions: Collection[UUID]) -> set[str]:
    keys = set(transaction.scalars(select(PhotoRow.blob).where(PhotoRow.session_id.in_(sessions))))
    for column in (JobRow.preview_blob, JobRow.state_blob):
        query = select(column).where(JobRow.session_id.in_(sessions), column.is_not(None))
        keys.update(key for key in transaction.scalars(query) if key is not None)
    strips = select(JobHistoryRow.moments).join(JobRow).where(JobRow.session_id.in_(sessions))
    for moments in transaction.scalars(strips):
        keys.update(DIGEST.findall(str(moments)))
    return keys


def _forget_steps(transaction: Session, sessions: Collection[UUID]) -> None:
    with_gallery = select(GalleryRow.session_id).where(GalleryRow.session_id.in_(sessions))
    kept = set(transaction.scalars(with_gallery))
    others = set(sessions) - kept
    transaction.execute(delete(HistoryRow).where(HistoryRow.session_id.in_(others)))
    for session in kept:
        own = HistoryRow.session_id == session
        stands = transaction.scalar(
            select(HistoryRow.id).where(own).order_by(HistoryRow.visited.desc()).limit(1)
        )
        transaction.execute(delete(HistoryRow).where(own, HistoryRow.id != stands))
        transaction.execute(update(HistoryRow).where(own).values(parent_id=None))


def _forget_latents(transaction: Session, sessions: Collection[UUID]) -> set[str]:
    """Those that nothing names, and that nobody is just storing a document with (latents.hold)."""
    own = select(LatentRow).where(LatentRow.session_id.in_(sessions)).order_by(LatentRow.id)
    held = list(transaction.scalars(own.with_for_update(skip_locked=True)))
    if not held:
        return set()
    named = named_latents(transaction)
    for row in held:
        if row.id not in named:
            transaction.delete(row)
    transaction.flush()
    return {row.blob for row in held if row.id not in named}


def _removed(transaction: Session, sessions: Collection[UUID]) -> int:
    """Remove those that nothing is left of; how many."""
    left = (
        exists().where(part.session_id == SessionRow.id)
        for part in (GalleryRow, LatentRow, PhotoRow, HistoryRow, JobRow, WalkRow)
    )
    empty = select(SessionRow.id).where(SessionRow.id.in_(sessions), *(~each for each in left))
    ids = list(transaction.scalars(empty))
    transaction.execute(delete(SessionRow).where(SessionRow.id.in_(ids)))
    return len(ids)

"""A session's rows and files are removed: all of them by whoever it is, or what its gallery does not need.

The latent of one session that another's document names stays; its session is gone for everybody then.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from server.problems import Problem, unknown_session
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.jobs import UNDER_WAY
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


def remove(database: Database, blobs: BlobStore, session_id: UUID) -> None:
    """A session with its photos, searches, steps, walk and gallery, for good.

    Raises Problem unknown_session, still_searching, and as Database and BlobStore do; without the files then
    nothing refers to them any more, and garbage collection takes them.
    """
    with database.write() as transaction:
        row = transaction.get(SessionRow, session_id, with_for_update=True)
        steps = exists().where(HistoryRow.session_id == session_id)
        if row is None or not transaction.scalar(select(steps)):
            raise unknown_session()
        searching = exists().where(JobRow.session_id == session_id, JobRow.state.in_(UNDER_WAY))
        if transaction.scalar(select(searching)):
            detail = "A search in this session is waiting or running."
            raise Problem("still_searching", detail, "Cancel it, then delete the session.")
        transaction.execute(delete(GalleryRow).where(GalleryRow.session_id == session_id))
        named = emptied(transaction, [session_id])
        removed(transaction, [session_id])
        unnamed = named - named_blobs(transaction)
    for key in sorted(unnamed):
        blobs.discard(key)


def emptied(transaction: Session, sessions: Collection[UUID]) -> set[str]:
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


def removed(transaction: Session, sessions: Collection[UUID]) -> int:
    """Remove those that nothing is left of; how many."""
    left = (
        exists().where(part.session_id == SessionRow.id)
        for part in (GalleryRow, LatentRow, PhotoRow, HistoryRow, JobRow, WalkRow)
    )
    empty = select(SessionRow.id).where(SessionRow.id.in_(sessions), *(~each for each in left))
    ids = list(transaction.scalars(empty))
    transaction.execute(delete(SessionRow).where(SessionRow.id.in_(ids)))
    return len(ids)

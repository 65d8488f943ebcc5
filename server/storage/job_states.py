"""What happens to a job: every change of state is one guarded UPDATE, so a finished job never changes.

A running job belongs to the server that holds its lease, and only that one may change it. Where a lease runs
out, its server was killed: the job is queued again and goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from server.problems import Problem
from server.storage.database import Database
from server.storage.jobs import FINISHED, found
from server.storage.tables import JobHistoryRow, JobRow, LatentRow, PhotoRow, now


@dataclass(frozen=True)
class Progress:
    """Columns of JobRow, and its history where that is to be stored with them."""

    values: dict[str, Any]
    points: Sequence[dict[str, Any]] = ()
    moments: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Result:
    """Blobs of what was found: the latent file and its picture."""

    latent_blob: str
    preview_blob: str


@dataclass(frozen=True)
class Ending:
    """What a running job becomes. With state_blob it can go on from there."""

    state: str
    progress: Progress
    result: Result | None = None
    state_blob: str | None = None
    attempts: int = 0
    problem: Problem | None = None


@dataclass(frozen=True)
class Changed:
    """The row as it is now; None where the job is not this owner's any more. unused: blobs to delete."""

    row: JobRow | None
    unused: list[str] = field(default_factory=list)


def record(database: Database, job_id: UUID, owner: str, values: dict[str, Any]) -> JobRow | None:
    """New numbers of a running job; None where it is not this owner's any more."""
    with database.write() as transaction:
        return _changed(transaction, job_id, owner, values)


def checkpoint(database: Database, job_id: UUID, owner: str, progress: Progress, state_blob: str) -> Changed:
    """The same with a state to go on from, in place of the one before."""
    with database.write() as transaction:
        before = found(transaction, job_id, to_change=True).state_blob
        row = _changed(transaction, job_id, owner, {**progress.values, "state_blob": state_blob})
        if row is not None:
            _store_history(transaction, job_id, progress)
        return Changed(row, _unnamed(transaction, (before, state_blob)))


def end(database: Database, job_id: UUID, owner: str, ending: Ending) -> Changed:
    """A running job ends, pauses or waits again, with what it found."""
    with database.write() as transaction:
        job = found(transaction, job_id, to_change=True)
        before = job.state_blob
        values = dict(ending.progress.values)
        if ending.result is not None and job.state == "running" and job.lease_owner == owner:
            values |= _new_latent(transaction, job, ending.result)
        finished = ending.state in FINISHED
        values |= {
            "state": ending.state,
            "state_blob": None if finished else (ending.state_blob or before),
            "attempts": ending.attempts,
            "wish": None,
            "lease_owner": None,
            "lease_until": None,
            "finished_at": now() if finished else None,
        }
        problem = ending.problem
        values["error_code"] = problem.code if problem else None
        values["error_detail"] = problem.detail[:500] if problem else None
        row = _changed(transaction, job_id, owner, values)
        if row is not None:
            _store_history(transaction, job_id, ending.progress)
        latent_blob = ending.result.latent_blob if ending.result else None
        return Changed(row, _unnamed(transaction, (before, ending.state_blob, latent_blob)))


def renew(database: Database, owner: str, lease: timedelta, under_way: Collection[UUID]) -> list[JobRow]:
    """The owner is alive, and these jobs are under way there: those of them that are still its own, with what
    users wish of them.
    """
    with database.write() as transaction:
        mine = (JobRow.id.in_(under_way), JobRow.state == "running", JobRow.lease_owner == owner)
        transaction.execute(update(JobRow).where(*mine).values(lease_until=now() + lease))
        return list(transaction.scalars(select(JobRow).where(*mine)))


def requeue_lost(database: Database, under_way: Collection[UUID]) -> list[JobRow]:
    """Jobs of servers that were killed, as they are now. What users wish of them, they still do.

    under_way: those that this server works on; their leases may run out while its machine sleeps.
    """
    ran_out = or_(JobRow.lease_until.is_(None), JobRow.lease_until < now())
    lost = (JobRow.state == "running", ran_out, JobRow.id.not_in(under_way))
    with database.read() as transaction:
        if transaction.scalar(select(JobRow.id).where(*lost).limit(1)) is None:
            return []
    with database.write() as transaction:
        rows = list(transaction.scalars(select(JobRow).where(*lost).with_for_update(skip_locked=True)))
        for row in rows:
            row.state, row.lease_owner, row.lease_until = "queued", None, None
    return rows


def wish(database: Database, job_id: UUID, state: str) -> Changed:
    """A user wants the job to be "cancelled" or "paused": at once where it waits, else soon (JobRow.wish).

    Nothing changes where it is already so. Raises Problem unknown_job, already_finished.
    """
    with database.write() as transaction:
        row = found(transaction, job_id, to_change=True)
        before = row.state_blob
        if row.state in FINISHED and row.state != state:
            raise _finished()
        if row.state == "running":
            row.wish = state
        elif row.state == "queued" or (row.state, state) == ("paused", "cancelled"):
            row.state, row.wish = state, None
            if state in FINISHED:
                row.finished_at, row.state_blob = now(), None
        return Changed(row, _unnamed(transaction, (before,)))


def resume(database: Database, job_id: UUID) -> JobRow:
    """A paused job waits again; one that was to pause goes on. Raises Problem as wish does."""
    with database.write() as transaction:
        row = found(transaction, job_id, to_change=True)
        if row.state in FINISHED:
            raise _finished()
        if row.state == "paused":
            row.state, row.error_code, row.error_detail = "queued", None, None
        if row.wish == "paused":
            row.wish = None
    return row


def _finished() -> Problem:
    return Problem("already_finished", "The projection has finished already.")


def _changed(transaction: Session, job_id: UUID, owner: str, values: dict[str, Any]) -> JobRow | None:
    changed = transaction.execute(
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.state == "running", JobRow.lease_owner == owner)
        .values(**values)
        .returning(JobRow.id)
    ).first()
    if changed is None:
        return None
    row = transaction.get_one(JobRow, job_id)
    transaction.refresh(row)
    return row


def _new_latent(transaction: Session, job: JobRow, result: Result) -> dict[str, Any]:
    latent = LatentRow(
        id=uuid4(), session_id=job.session_id, model=job.model, blob=result.latent_blob, created_at=now()
    )
    transaction.add(latent)
    transaction.flush()
    return {"latent_id": latent.id, "preview_blob": result.preview_blob}


def _store_history(transaction: Session, job_id: UUID, progress: Progress) -> None:
    row = transaction.get(JobHistoryRow, job_id)
    if row is None:
        row = JobHistoryRow(job_id=job_id)
        transaction.add(row)
    row.points, row.moments = list(progress.points), list(progress.moments)


def _unnamed(transaction: Session, blobs: Iterable[str | None]) -> list[str]:
    """Those of the blobs that no row needs."""
    transaction.flush()
    return [blob for blob in blobs if blob is not None and not _is_named(transaction, blob)]


def _is_named(transaction: Session, blob: str) -> bool:
    latent = select(LatentRow.id).where(LatentRow.blob == blob)
    job = select(JobRow.id).where(or_(JobRow.preview_blob == blob, JobRow.state_blob == blob))
    photo = select(PhotoRow.id).where(PhotoRow.blob == blob)
    return any(transaction.scalar(query.limit(1)) is not None for query in (latent, job, photo))

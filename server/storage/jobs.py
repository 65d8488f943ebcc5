"""Rows of projection jobs: made, found, listed. Order: queue.py; what becomes of them: job_states.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.problems import Problem
from server.storage.database import Database
from server.storage.tables import JobHistoryRow, JobRow, now

FINISHED = ("succeeded", "failed", "cancelled")
UNDER_WAY = ("queued", "running")
WAITING = ("queued", "paused")
NEW_JOB_LOCK = 0x4C4F4F4D01  # any number that no other lock of the database has


@dataclass(frozen=True)
class NewJob:
    """What was asked for; the fields are those of JobRow."""

    session_id: UUID
    model: str
    photo_id: UUID
    face: int | None
    anchors: dict[str, Any]
    request: dict[str, Any]
    rungs: Sequence[dict[str, Any]]
    metric: str
    continues: UUID | None = None
    start_latent_id: UUID | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class QueueLimits:
    """How many jobs may wait."""

    per_session: int
    overall: int


def create(database: Database, new: NewJob, limits: QueueLimits) -> tuple[JobRow, bool]:
    """Queue a job, or find the one that this idempotency key made before; and whether it is new.

    Raises Problem too_many_jobs, queue_full, idempotency_conflict.
    """
    with database.write() as transaction:
        _one_at_a_time(transaction)
        if (earlier := _made_by_key(transaction, new)) is not None:
            return earlier, False
        _refuse_beyond(transaction, new.session_id, limits)
        row = JobRow(
            id=uuid4(),
            session_id=new.session_id,
            idempotency_key=new.idempotency_key,
            state="queued",
            model=new.model,
            photo_id=new.photo_id,
            face=new.face,
            anchors=new.anchors,
            request=new.request,
            rungs=list(new.rungs),
            continues=new.continues,
            start_latent_id=new.start_latent_id,
            total=sum(rung["steps"] for rung in new.rungs),
            step=0,
            seconds=0.0,
            attempts=0,
            metric=new.metric,
            created_at=now(),
        )
        transaction.add(row)
    return row, True


def get(database: Database, job_id: UUID) -> JobRow:
    """Raises Problem unknown_job."""
    with database.read() as transaction:
        return found(transaction, job_id)


def of_session(database: Database, session_id: UUID) -> list[JobRow]:
    """Oldest first."""
    query = select(JobRow).where(JobRow.session_id == session_id).order_by(JobRow.created_at)
    with database.read() as transaction:
        return list(transaction.scalars(query))


def history(database: Database, job_id: UUID) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Points and moments of a job as its newest checkpoint has them."""
    with database.read() as transaction:
        row = transaction.get(JobHistoryRow, job_id)
    return (row.points, row.moments) if row else ([], [])


def found(transaction: Session, job_id: UUID, *, to_change: bool = False) -> JobRow:
    """to_change: nobody else changes it before the end of the transaction. Raises Problem unknown_job."""
    row = transaction.get(JobRow, job_id, with_for_update=to_change or None)
    if row is None:
        raise Problem("unknown_job", "There is no such job.")
    return row


def _one_at_a_time(transaction: Session) -> None:
    """Two that count the waiting jobs at once would both find room for the last one."""
    if transaction.get_bind().dialect.name == "postgresql":
        transaction.execute(select(func.pg_advisory_xact_lock(NEW_JOB_LOCK)))


def _made_by_key(transaction: Session, new: NewJob) -> JobRow | None:
    if new.idempotency_key is None:
        return None
    query = select(JobRow).where(
        JobRow.session_id == new.session_id, JobRow.idempotency_key == new.idempotency_key
    )
    row = transaction.scalar(query)
    if row is not None and _asked_for(row) != _asked_for(new):
        raise Problem("idempotency_conflict", "This Idempotency-Key was sent before with other values.")
    return row


def _asked_for(job: JobRow | NewJob) -> tuple[object, ...]:
    return job.model, job.photo_id, job.face, job.anchors, job.request, job.continues


def _refuse_beyond(transaction: Session, session_id: UUID, limits: QueueLimits) -> None:
    # A paused job waits too: it may go on at any time.
    waiting = select(func.count()).select_from(JobRow).where(JobRow.state.in_(WAITING))
    own = transaction.scalar(waiting.where(JobRow.session_id == session_id)) or 0
    if own >= limits.per_session:
        detail = f"{own} projections of this session are waiting already, which is the limit."
        raise Problem("too_many_jobs", detail, "Wait for one to finish, or cancel one.", retry_after_s=30)
    if (transaction.scalar(waiting) or 0) >= limits.overall:
        raise Problem("queue_full", "Too many projections are waiting.", "Try again later.", retry_after_s=60)

"""Rows of projection jobs: every change of state is one guarded UPDATE, so a finished job never changes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from server.problems import Problem
from server.storage.database import Database
from server.storage.tables import JobRow, LatentRow, PhotoRow, now

FINISHED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class NewJob:
    """What was asked for."""

    session_id: UUID
    model: str
    photo_id: UUID
    face: int
    total: int
    metric: str
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
            total=new.total,
            step=0,
            metric=new.metric,
            created_at=now(),
        )
        transaction.add(row)
    return row, True


def get(database: Database, job_id: UUID) -> JobRow:
    """Raises Problem unknown_job."""
    with database.read() as transaction:
        row = transaction.get(JobRow, job_id)
    if row is None:
        raise Problem("unknown_job", "There is no such job.")
    return row


def of_session(database: Database, session_id: UUID) -> list[JobRow]:
    """Oldest first."""
    query = select(JobRow).where(JobRow.session_id == session_id).order_by(JobRow.created_at)
    with database.read() as transaction:
        return list(transaction.scalars(query))


def claim_next(database: Database) -> JobRow | None:
    """Start the next queued job: sessions take turns, each one's jobs in their order."""
    other = aliased(JobRow)
    last_turn = select(func.max(other.started_at)).where(other.session_id == JobRow.session_id)
    turn = func.coalesce(last_turn.scalar_subquery(), JobRow.created_at)
    never_served = last_turn.scalar_subquery().is_(None)
    chosen = (
        select(JobRow.id)
        .where(JobRow.state == "queued")
        .order_by(never_served.desc(), turn, JobRow.created_at)
        .limit(1)
    )
    with database.write() as transaction:
        job_id = transaction.scalar(chosen)
        if job_id is None:
            return None
        changed = transaction.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state == "queued")
            .values(state="running", started_at=now())
            .returning(JobRow.id)
        ).first()
        return None if changed is None else transaction.get_one(JobRow, job_id)


def record_progress(
    database: Database, job_id: UUID, *, step: int, loss: float, distance: float
) -> JobRow | None:
    """The running job's new numbers; None where it no longer runs."""
    with database.write() as transaction:
        changed = transaction.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state == "running")
            .values(step=step, loss=loss, distance=distance)
            .returning(JobRow.id)
        ).first()
        return None if changed is None else transaction.get_one(JobRow, job_id)


def keep_latent(database: Database, job_id: UUID, blob: str, preview_blob: str) -> list[str]:
    """Make a latent row of the running job's newest w, in place of an older one.

    Returns the blobs that nothing names any more.
    """
    with database.write() as transaction:
        job = transaction.get_one(JobRow, job_id)
        if job.state != "running":
            return [key for key in (blob, preview_blob) if not _is_named(transaction, key)]
        before = None if job.latent_id is None else transaction.get_one(LatentRow, job.latent_id)
        replaced = {job.preview_blob} | ({before.blob} if before else set())
        latent = LatentRow(
            id=uuid4(), session_id=job.session_id, model=job.model, blob=blob, created_at=now()
        )
        transaction.add(latent)
        transaction.flush()
        job.latent_id, job.preview_blob = latent.id, preview_blob
        transaction.flush()
        if before is not None:
            transaction.delete(before)
            transaction.flush()
        return [key for key in replaced if key is not None and not _is_named(transaction, key)]


def finish(database: Database, job_id: UUID, state: str, problem: Problem | None = None) -> JobRow:
    """Move a running job to its last state; a job that is not running stays as it is."""
    with database.write() as transaction:
        transaction.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state == "running")
            .values(state=state, finished_at=now(), **_error_values(problem))
        )
        return transaction.get_one(JobRow, job_id)


def cancel_queued(database: Database, job_id: UUID) -> bool:
    """Cancel a job that has not started; False where it has."""
    with database.write() as transaction:
        changed = transaction.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state == "queued")
            .values(state="cancelled", finished_at=now())
            .returning(JobRow.id)
        ).first()
    return changed is not None


def fail_unfinished(database: Database, problem: Problem) -> int:
    """At the start of the server: jobs that another run left behind. Returns how many there were."""
    with database.write() as transaction:
        failed = transaction.execute(
            update(JobRow)
            .where(JobRow.state.in_(("queued", "running")))
            .values(state="failed", finished_at=now(), **_error_values(problem))
            .returning(JobRow.id)
        ).all()
    return len(failed)


def _error_values(problem: Problem | None) -> dict[str, str]:
    return {} if problem is None else {"error_code": problem.code, "error_detail": problem.detail[:500]}


def _made_by_key(transaction: Session, new: NewJob) -> JobRow | None:
    if new.idempotency_key is None:
        return None
    query = select(JobRow).where(
        JobRow.session_id == new.session_id, JobRow.idempotency_key == new.idempotency_key
    )
    row = transaction.scalar(query)
    if row is not None and (row.model, row.photo_id, row.face, row.total) != (
        new.model, new.photo_id, new.face, new.total,
    ):  # fmt: skip
        raise Problem("idempotency_conflict", "This Idempotency-Key was sent before with other values.")
    return row


def _refuse_beyond(transaction: Session, session_id: UUID, limits: QueueLimits) -> None:
    queued = select(func.count()).select_from(JobRow).where(JobRow.state == "queued")
    own = transaction.scalar(queued.where(JobRow.session_id == session_id)) or 0
    if own >= limits.per_session:
        detail = f"{own} projections of this session are waiting already, which is the limit."
        raise Problem("too_many_jobs", detail, "Wait for one to finish, or cancel one.", retry_after_s=30)
    if (transaction.scalar(queued) or 0) >= limits.overall:
        raise Problem("queue_full", "Too many projections are waiting.", "Try again later.", retry_after_s=60)


def _is_named(transaction: Session, blob: str) -> bool:
    """Whether any row needs this blob."""
    latent = select(LatentRow.id).where(LatentRow.blob == blob)
    preview = select(JobRow.id).where(JobRow.preview_blob == blob)
    photo = select(PhotoRow.id).where(PhotoRow.blob == blob)
    return any(transaction.scalar(query.limit(1)) is not None for query in (latent, preview, photo))

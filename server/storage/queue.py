"""In which order queued jobs begin: sessions take turns, and each one's jobs keep their order.

A session that never had a turn goes first, then the one whose turn is longest ago. Guesses ("start") take no
time, and so wait for nobody.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.storage.database import Database
from server.storage.tables import JobRow, now


def claim_next(database: Database, owner: str, lease: timedelta, *, guesses_only: bool) -> JobRow | None:
    """Begin the next queued job, or go on with it, as this owner; None where there is none.

    A job that another server is just beginning is passed over. guesses_only: leave alone what takes time.
    """
    if not waiting_jobs(database):
        return None  # without keeping anybody from writing
    with database.write() as transaction:
        for waiting in _in_order(transaction):
            if guesses_only and not is_guess(waiting):
                continue
            job = _held(transaction, waiting.id)
            if job is not None:
                _begin(job, owner, lease)
                return job
    return None


def waiting_jobs(database: Database) -> list[JobRow]:
    """All queued jobs in the order in which they will begin: the first has position 1."""
    with database.read() as transaction:
        return _in_order(transaction)


def positions(database: Database) -> dict[UUID, int]:
    """Position by job, of the queued ones."""
    return {job.id: i for i, job in enumerate(waiting_jobs(database), start=1)}


def is_guess(job: JobRow) -> bool:
    """Whether it takes no time."""
    return job.total == 0


def _held(transaction: Session, job_id: UUID) -> JobRow | None:
    """The job, for nobody else until the end of the transaction; None where somebody else has it."""
    queued = select(JobRow).where(JobRow.id == job_id, JobRow.state == "queued")
    locked = queued.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return transaction.scalar(locked)


def _begin(job: JobRow, owner: str, lease: timedelta) -> None:
    moment = now()
    job.state, job.lease_owner, job.lease_until = "running", owner, moment + lease
    job.claimed_at, job.started_at = moment, job.started_at or moment


def _in_order(transaction: Session) -> list[JobRow]:
    query = select(JobRow).where(JobRow.state == "queued").order_by(JobRow.created_at)
    rows = list(transaction.scalars(query))
    guesses, searches = [row for row in rows if is_guess(row)], [row for row in rows if not is_guess(row)]
    return guesses + _in_turns(searches, _last_turns(transaction, {row.session_id for row in searches}))


def _last_turns(transaction: Session, sessions: set[UUID]) -> Mapping[UUID, datetime]:
    query = (
        select(JobRow.session_id, func.max(JobRow.claimed_at))
        .where(JobRow.session_id.in_(sessions), JobRow.claimed_at.is_not(None), JobRow.total > 0)
        .group_by(JobRow.session_id)
    )
    return {session: turn for session, turn in transaction.execute(query) if turn is not None}


def _in_turns(rows: Sequence[JobRow], last_turns: Mapping[UUID, datetime]) -> list[JobRow]:
    """rows: oldest first."""
    lines: defaultdict[UUID, deque[JobRow]] = defaultdict(deque)
    for row in rows:
        lines[row.session_id].append(row)
    # New sessions by their oldest job, the others by their last turn; then everybody again in this order.
    new = [session for session in lines if session not in last_turns]
    known = sorted((session for session in lines if session in last_turns), key=last_turns.__getitem__)
    turns = deque(new + known)
    order = []
    while turns:
        session = turns.popleft()
        order.append(lines[session].popleft())
        if lines[session]:
            turns.append(session)
    return order

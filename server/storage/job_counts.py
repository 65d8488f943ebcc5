"""How many jobs are in which state."""

from __future__ import annotations

from sqlalchemy import func, select

from server.storage.database import Database
from server.storage.tables import JobRow

STATES = ("queued", "running", "paused", "succeeded", "failed", "cancelled")


def jobs_by_state(database: Database) -> dict[str, int]:
    """Of every state, also where there is none."""
    query = select(JobRow.state, func.count()).group_by(JobRow.state)
    counts = dict.fromkeys(STATES, 0)
    with database.read() as transaction:
        for state, count in transaction.execute(query):
            counts[state] = count
    return counts

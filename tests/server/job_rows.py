"""Jobs in a table, without a server."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from server.storage import jobs, photos, queue
from server.storage.database import Database
from server.storage.tables import JobRow

LIMITS = jobs.QueueLimits(8, 64)
LEASE = timedelta(minutes=1)
OWNER = "this server"
ANCHORS = {"left_eye": [1, 1], "right_eye": [3, 1], "mouth": [2, 3]}


def new_job(
    database: Database, session_id: UUID, limits: jobs.QueueLimits = LIMITS, steps: int = 10
) -> JobRow:
    """A queued job of that many steps; none: a guess."""
    photo = photos.create(
        database, session_id, name="a", size=(64, 64), faces=[{"landmarks": []}], blob="0" * 64
    )
    rungs = [{"rung": "w", "steps": steps}] if steps else []
    new = jobs.NewJob(
        session_id, "tiny", photo.id, 0, ANCHORS, {"space": "w"}, rungs, "m", idempotency_key=str(uuid4())
    )
    return jobs.create(database, new, limits)[0]


def claimed_job(database: Database, owner: str = OWNER, lease: timedelta = LEASE) -> JobRow | None:
    """The next one, which runs now."""
    return queue.claim_next(database, owner, lease, guesses_only=False)

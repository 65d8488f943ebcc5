"""Rows: transactions that wait for each other, and what has no row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from server.problems import Problem
from server.storage import history, jobs, latents, photos, sessions
from server.storage.blobs import BlobStore
from server.storage.database import Database
from tests.server.job_rows import claimed_job, new_job


def new_session(database: Database) -> UUID:
    return sessions.create(database, {}).id


def shown(database: Database, statement: str) -> object:
    with database.read() as transaction:
        return transaction.execute(text(statement)).scalar()


def test_the_database_keeps_its_promises(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        assert [shown(database, f"PRAGMA {name}") for name in pragmas] == ["wal", 1, 5000, 1]
    else:
        limits = ("transaction_isolation", "lock_timeout", "idle_in_transaction_session_timeout")
        assert [shown(database, f"SHOW {name}") for name in limits] == ["read committed", "5s", "1min"]


def test_writers_of_several_threads_wait_for_each_other(database: Database) -> None:
    session_id = new_session(database)
    with ThreadPoolExecutor(8) as pool:
        steps = [history.NewNode(uuid4(), session_id, {"i": i}) for i in range(64)]
        list(pool.map(lambda step: history.extend(database, session_id, [step], step.id, 100), steps))
        queued = list(pool.map(lambda _: new_job(database, session_id, jobs.QueueLimits(99, 99)), range(20)))
        claimed = list(pool.map(lambda _: claimed_job(database), range(25)))
    assert {job.id for job in claimed if job is not None} == {job.id for job in queued}
    assert sum(job is None for job in claimed) == 5
    assert {row.number for row in history.of_session(database, session_id)} == set(range(65))


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    session_id = new_session(database)
    with pytest.raises(RuntimeError), database.write() as transaction:
        transaction.execute(text("DELETE FROM history"))
        raise RuntimeError
    assert history.standing(database, session_id).session_id == session_id


def test_an_unknown_id_is_a_problem(database: Database, blobs: BlobStore) -> None:
    for read, code in (
        (lambda: sessions.get(database, uuid4()), "unknown_session"),
        (lambda: photos.get(database, uuid4()), "unknown_photo"),
        (lambda: jobs.get(database, uuid4()), "unknown_job"),
        (lambda: latents.read(database, blobs, uuid4()), "unknown_latent"),
    ):
        with pytest.raises(Problem, match=code):
            read()

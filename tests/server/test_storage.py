"""Rows and blobs: guarded changes of state, turns of the queue, files that are whole or not there."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from server.problems import Problem
from server.storage import jobs, latents, photos, sessions
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import JobRow

LIMITS = jobs.QueueLimits(per_session=8, overall=64)
RESTARTED = Problem("server_restarted", "…")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'loom.sqlite'}")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def new_session(database: Database) -> UUID:
    return sessions.create(database, {}).id


def queue(database: Database, session_id: UUID, limits: jobs.QueueLimits = LIMITS) -> JobRow:
    photo = photos.create(database, session_id, name="a", size=(1, 1), faces=[], blob="")
    return jobs.create(database, jobs.NewJob(session_id, "tiny", photo.id, 0, 10, "m"), limits)[0]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_database_keeps_its_promises(database: Database) -> None:
    with database.read() as transaction:
        values = [transaction.execute(text(f"PRAGMA {name}")).scalar() for name in
                  ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")]  # fmt: skip
    assert values == ["wal", 1, 5000, 1]


def test_writers_of_several_threads_wait_for_each_other(database: Database) -> None:
    session_id = new_session(database)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: sessions.set_document(database, session_id, {"i": i}), range(64)))
        queued = list(pool.map(lambda _: queue(database, session_id, jobs.QueueLimits(99, 99)), range(20)))
        claimed = list(pool.map(lambda _: jobs.claim_next(database), range(25)))
    assert {job.id for job in claimed if job is not None} == {job.id for job in queued}
    assert sum(job is None for job in claimed) == 5


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    session_id = new_session(database)
    with pytest.raises(RuntimeError), database.write() as transaction:
        transaction.execute(text("DELETE FROM sessions"))
        raise RuntimeError
    assert sessions.get(database, session_id).id == session_id


def test_sessions_take_turns(database: Database) -> None:
    busy, patient, late = (new_session(database) for _ in range(3))
    for session_id in (busy, busy, busy, patient, patient, late):
        queue(database, session_id)
    order = []
    while (job := jobs.claim_next(database)) is not None:
        order.append(job.session_id)
        jobs.finish(database, job.id, "succeeded")
    assert order == [busy, patient, late, busy, patient, busy]


def test_a_finished_job_never_changes(database: Database) -> None:
    job = queue(database, new_session(database))
    assert jobs.claim_next(database) is not None
    for state in ("cancelled", "failed", "succeeded"):
        assert jobs.finish(database, job.id, state).state == "cancelled"
    assert jobs.record_progress(database, job.id, step=1, loss=1.0, distance=1.0) is None
    assert not jobs.cancel_queued(database, job.id)
    assert jobs.fail_unfinished(database, RESTARTED) == 0
    assert jobs.get(database, job.id).step == 0


def test_a_job_that_was_cancelled_while_it_waited_is_not_claimed(database: Database) -> None:
    job = queue(database, new_session(database))
    assert jobs.cancel_queued(database, job.id)
    assert jobs.claim_next(database) is None


def test_what_another_run_left_behind_has_failed(database: Database) -> None:
    session_id = new_session(database)
    left = [queue(database, session_id).id for _ in range(2)]
    jobs.claim_next(database)
    assert jobs.fail_unfinished(database, RESTARTED) == 2
    rows = [jobs.get(database, job_id) for job_id in left]
    assert {(row.state, row.error_code) for row in rows} == {("failed", "server_restarted")}
    assert all(row.finished_at is not None and row.finished_at.tzinfo is not None for row in rows)


def test_a_newer_latent_takes_the_place_of_an_older_one(database: Database, blobs: BlobStore) -> None:
    job = queue(database, new_session(database))
    jobs.claim_next(database)
    keys = [blobs.put(data) for data in (b"first", b"picture 1", b"second", b"picture 2")]
    assert jobs.keep_latent(database, job.id, keys[0], keys[1]) == []
    first = jobs.get(database, job.id).latent_id
    assert sorted(jobs.keep_latent(database, job.id, keys[2], keys[3])) == sorted(keys[:2])
    second = jobs.get(database, job.id).latent_id
    assert first is not None and second is not None
    assert latents.read(database, blobs, second) == b"second"
    with pytest.raises(Problem, match="unknown_latent"):
        latents.read(database, blobs, first)
    jobs.finish(database, job.id, "cancelled")
    assert jobs.keep_latent(database, job.id, keys[0], keys[3]) == [keys[0]]
    assert jobs.get(database, job.id).latent_id == second


def test_a_blob_is_found_by_its_content(blobs: BlobStore) -> None:
    key = blobs.put(b"content")
    assert blobs.put(b"content") == key
    assert blobs.read(key) == b"content"
    assert len(files(blobs.folder)) == 1
    blobs.delete(key)
    with pytest.raises(FileNotFoundError):
        blobs.read(key)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 63 + "/"])
def test_only_a_hash_is_a_key(blobs: BlobStore, key: str) -> None:
    with pytest.raises(ValueError, match="blob key"):
        blobs.read(key)


def test_a_full_disk_is_a_problem_and_leaves_no_half_blob(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="storage_full"):
        blobs.put(b"content")
    assert files(blobs.folder) == []


def test_an_unknown_id_is_a_problem(database: Database, blobs: BlobStore) -> None:
    for read, code in (
        (lambda: sessions.get(database, uuid4()), "unknown_session"),
        (lambda: photos.get(database, uuid4()), "unknown_photo"),
        (lambda: jobs.get(database, uuid4()), "unknown_job"),
        (lambda: latents.read(database, blobs, uuid4()), "unknown_latent"),
    ):
        with pytest.raises(Problem, match=code):
            read()

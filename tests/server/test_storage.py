"""Rows and blobs: transactions that wait for each other, files that are whole or not there."""

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
from tests.server.job_rows import claimed_job, new_job


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'loom.sqlite'}")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def new_session(database: Database) -> UUID:
    return sessions.create(database, {}).id


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
        queued = list(pool.map(lambda _: new_job(database, session_id, jobs.QueueLimits(99, 99)), range(20)))
        claimed = list(pool.map(lambda _: claimed_job(database), range(25)))
    assert {job.id for job in claimed if job is not None} == {job.id for job in queued}
    assert sum(job is None for job in claimed) == 5


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    session_id = new_session(database)
    with pytest.raises(RuntimeError), database.write() as transaction:
        transaction.execute(text("DELETE FROM sessions"))
        raise RuntimeError
    assert sessions.get(database, session_id).id == session_id


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

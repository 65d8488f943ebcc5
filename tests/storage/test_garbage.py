"""What nothing names any more goes; what anything names stays, whoever writes meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update
from typer.testing import CliRunner

from server import housekeeping
from server.cli import cli
from server.problems import Problem
from server.storage import garbage, history, job_states, latents, photos, sessions
from server.storage.blobs import Stored
from server.storage.database import Database
from server.storage.folder_blobs import FolderBlobs
from server.storage.tables import GalleryRow, LatentRow, now
from tests.server.job_rows import OWNER, claimed_job, new_job

MOST = 100  # steps of a history
LONG_AGO = now() - timedelta(days=30)
NOTHING = job_states.Progress({})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files are erased as soon as they are discarded."""
    monkeypatch.setattr(garbage, "ERASED_AFTER", timedelta(hours=-1))
    yield


def age(database: Database, blobs: FolderBlobs) -> None:
    """As if everything had been there for long."""
    with database.write() as transaction:
        transaction.execute(update(LatentRow).values(created_at=LONG_AGO))
    for entry in blobs.stored():
        os.utime(blobs.folder / entry.key[:2] / entry.key, (0, 0))


def latent(database: Database, blobs: FolderBlobs, session_id: UUID) -> UUID:
    return latents.create(database, session_id, "tiny", blobs.put(uuid4().bytes)).id


def document(latent_id: UUID) -> dict[str, object]:
    return {"model": "tiny", "base": {"kind": "latent", "latent": str(latent_id)}, "mix": []}


def append(database: Database, session_id: UUID, content: dict[str, object]) -> UUID:
    node = history.NewNode(uuid4(), session_id, content)
    history.extend(database, session_id, [node], node.id, MOST)
    return node.id


def test_a_latent_stays_as_long_as_any_document_names_it(
    database: Database, blobs: FolderBlobs, session_id: UUID
) -> None:
    in_history, in_gallery, in_mix, forgotten = (latent(database, blobs, session_id) for _ in range(4))
    append(database, session_id, document(in_history))
    mixed = document(in_history) | {"mix": [{"source": {"kind": "latent", "latent": str(in_mix)}}]}
    node = append(database, session_id, mixed)
    with database.write() as transaction:
        transaction.add(
            GalleryRow(
                id=uuid4(), session_id=session_id, name="", document=document(in_gallery), starred=False,
                created_at=now(),
            )
        )  # fmt: skip
    age(database, blobs)
    assert garbage.unnamed_latents(database, now()) == {forgotten}
    assert garbage.collect(database, blobs) == garbage.Collected(1, 1, 1, 0)
    for kept in (in_history, in_gallery, in_mix):
        latents.read(database, blobs, kept)
    with pytest.raises(Problem, match="unknown_latent"):
        latents.read(database, blobs, forgotten)
    history.delete(database, session_id, node)
    assert garbage.collect(database, blobs).latents == 1
    assert garbage.collect(database, blobs) == garbage.Collected(0, 0, 0, 0)


def test_a_projection_keeps_its_result_its_film_and_where_it_goes_on(
    database: Database, blobs: FolderBlobs, session_id: UUID
) -> None:
    done, paused = new_job(database, session_id), new_job(database, session_id)
    claimed_job(database)
    claimed_job(database)
    moment, state = blobs.put(b"moment"), blobs.put(b"state")
    film = job_states.Progress({}, [], [{"step": 1, "blob": moment}])
    result = job_states.Result(blobs.put(b"latent"), blobs.put(b"preview"))
    job_states.end(database, done.id, OWNER, job_states.Ending("succeeded", film, result))
    job_states.end(database, paused.id, OWNER, job_states.Ending("paused", NOTHING, state_blob=state))
    age(database, blobs)
    assert garbage.collect(database, blobs) == garbage.Collected(0, 0, 0, 0)
    assert sorted(blobs.read(entry.key) for entry in blobs.stored()) == [
        b"latent",
        b"moment",
        b"preview",
        b"state",
    ]


def test_what_was_just_made_stays_although_nothing_names_it_yet(
    database: Database, blobs: FolderBlobs, session_id: UUID
) -> None:
    new = latent(database, blobs, session_id)
    blobs.put(b"an upload whose row is not written yet")
    assert garbage.collect(database, blobs) == garbage.Collected(0, 0, 0, 0)
    latents.read(database, blobs, new)


def test_a_file_that_is_named_after_all_is_brought_back(
    database: Database, blobs: FolderBlobs, session_id: UUID
) -> None:
    key = blobs.put(b"photo")
    blobs.discard(key)
    photos.create(database, session_id, name="a", size=(1, 1), faces=[], blob=key)
    assert garbage.collect(database, blobs) == garbage.Collected(0, 0, 0, 1)
    assert blobs.read(key) == b"photo"


def test_collecting_beside_writers_loses_nothing_that_was_acknowledged(
    database: Database, blobs: FolderBlobs, session_id: UUID
) -> None:
    old = [latent(database, blobs, session_id) for _ in range(16)]
    named: list[UUID] = []

    def name(latent_id: UUID) -> None:
        with database.read() as transaction:
            if transaction.get(LatentRow, latent_id) is None:
                return  # collected: whoever wants it is told
        with database.write() as transaction:
            latents.hold(transaction, document(latent_id))
            if transaction.get(LatentRow, latent_id, populate_existing=True) is None:
                return
            node = history.NewNode(uuid4(), session_id, document(latent_id))
            row = history.root(session_id, node.document)
            row.id, row.parent_id, row.number, row.visited = node.id, session_id, 1, 1
            transaction.add(row)
        named.append(latent_id)

    age(database, blobs)
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(name, latent_id) for latent_id in old]
        collected = [pool.submit(garbage.collect, database, blobs) for _ in range(4)]
        uploads = [pool.submit(latent, database, blobs, session_id) for _ in range(8)]
        for future in writers:
            future.result()
    new = [future.result() for future in uploads]
    deleted = sum(future.result().latents for future in collected)
    for latent_id in (*named, *new):
        latents.read(database, blobs, latent_id)
    assert deleted <= len(old) - len(named)
    garbage.collect(database, blobs)
    with database.read() as transaction:
        rows = transaction.execute(text("SELECT count(*) FROM latents")).scalar()
    assert rows == len(named) + len(new)


def test_a_running_server_tidies_up_and_bears_a_storage_that_does_not_answer(
    lone_database: Database, blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, calls = blobs.put(b"content"), []
    blobs.discard(key)
    listed = blobs.discarded

    def discarded() -> Iterator[Stored]:
        calls.append(1)
        if len(calls) == 1:
            raise Problem("storage_unavailable", "The storage does not answer.")
        return listed()

    monkeypatch.setattr(blobs, "discarded", discarded)
    monkeypatch.setattr(housekeeping, "EMPTY_INTERVAL_S", 0.001)

    async def run() -> None:
        kept = housekeeping.Kept(unnamed=timedelta(hours=1), unused=timedelta(0))
        tidying = housekeeping.Housekeeping(lone_database, blobs, kept)
        tidying.start()
        while list(listed()):
            await asyncio.sleep(0.01)
        await tidying.stop()

    asyncio.run(asyncio.wait_for(run(), 60))
    assert len(calls) >= 2


def test_the_command_says_what_it_would_do_and_does_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'loom.sqlite'}")
    blobs = FolderBlobs(tmp_path / "blobs")
    latent(database, blobs, sessions.create(database, {}).id)
    age(database, blobs)
    command = ["collect-garbage", "--data-dir", str(tmp_path)]
    foreseen = CliRunner().invoke(cli, [*command, "--dry-run"])
    assert foreseen.exit_code == 0, foreseen.output
    assert "latents that would be deleted: 1" in foreseen.output
    assert len(garbage.unnamed_latents(database, now())) == 1
    done = CliRunner().invoke(cli, command)
    assert "latents deleted: 1" in done.output
    assert "erased: 1" in done.output
    assert list(blobs.stored()) == list(blobs.discarded()) == []
    database.close()


def test_the_command_makes_no_data_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["collect-garbage", "--data-dir", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "There is no data folder" in result.output
    assert not (tmp_path / "nowhere").exists()

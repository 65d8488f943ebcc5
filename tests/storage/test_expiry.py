"""Sessions that nobody has used for long go, with their files; what others need of them stays."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from server.housekeeping import Housekeeping, Kept
from server.problems import Problem
from server.settings import Settings
from server.storage import gallery, garbage, history, job_states, latents, photos, sessions, walks
from server.storage.database import Database
from server.storage.expiry import expire
from server.storage.folder_blobs import FolderBlobs
from server.storage.tables import GalleryRow, JobRow, LatentRow, PhotoRow, SessionRow, Table, WalkRow, now
from tests.server.job_rows import OWNER, claimed_job, new_job

LONG_AGO, LATELY = now() - timedelta(days=40), now() - timedelta(days=30)
DATED = (
    (SessionRow, "updated_at"), (PhotoRow, "created_at"), (LatentRow, "created_at"), (WalkRow, "updated_at"),
    (GalleryRow, "created_at"), (JobRow, "created_at"), (JobRow, "finished_at"),
)  # fmt: skip


def age(database: Database) -> None:
    """As if all of it had been made and used long ago."""
    with database.write() as transaction:
        for table, column in DATED:
            transaction.execute(update(table).values({column: LONG_AGO}))


def document(latent: UUID) -> dict[str, object]:
    return {"model": "tiny", "base": {"kind": "latent", "latent": str(latent)}, "mix": []}


def step(database: Database, session: UUID, content: dict[str, object]) -> UUID:
    node = history.NewNode(uuid4(), session, content)
    history.extend(database, session, [node], node.id, 100)
    return node.id


def full_session(database: Database, blobs: FolderBlobs) -> tuple[UUID, UUID]:
    """One with something in every table; it, and the latent of its projection."""
    session = sessions.create(database, {}).id
    photos.create(database, session, name="a", size=(1, 1), faces=[], blob=blobs.put(uuid4().bytes))
    walks.put(database, session, {"keys": []})
    job = new_job(database, session)
    assert claimed_job(database) is not None
    moment = {"step": 1, "blob": blobs.put(uuid4().bytes)}
    result = job_states.Result(blobs.put(uuid4().bytes), blobs.put(uuid4().bytes))
    ending = job_states.Ending("succeeded", job_states.Progress({}, [], [moment]), result)
    ended = job_states.end(database, job.id, OWNER, ending).row
    assert ended is not None
    assert ended.latent_id is not None
    step(database, session, document(ended.latent_id))
    return session, ended.latent_id


def rows(database: Database) -> dict[str, int]:
    with database.read() as transaction:
        tables = Table.metadata.sorted_tables
        counts = {table.name: transaction.scalar(select(func.count()).select_from(table)) for table in tables}
    return {name: count for name, count in counts.items() if count}


def test_an_unused_session_goes_with_all_its_rows_and_files(database: Database, blobs: FolderBlobs) -> None:
    for _ in range(2):
        full_session(database, blobs)
    age(database)
    assert expire(database, blobs, LONG_AGO - timedelta(days=1)) == 0
    assert expire(database, blobs, LATELY) == 2
    assert rows(database) == {}
    assert not list(blobs.stored())
    garbage.empty(database, blobs, now() + timedelta(seconds=1))
    assert not list(blobs.discarded())


def test_a_gallery_stays_with_what_it_needs_and_where_its_session_stood(
    database: Database, blobs: FolderBlobs
) -> None:
    session, liked = full_session(database, blobs)
    stands = step(database, session, {"model": "tiny", "seed": 1})
    item = gallery.add(database, session, document(liked), "Mona", 10)
    dropped = gallery.add(database, session, {}, "", 10)
    gallery.delete(database, session, [dropped.id])
    age(database)
    for _ in range(2):
        assert expire(database, blobs, LATELY) == 0
        assert rows(database) == {"sessions": 1, "history": 1, "gallery": 1, "latents": 1}
    assert [row.id for row in gallery.of_session(database, session)] == [item.id]
    assert history.standing(database, session).id == stands
    assert history.of_session(database, session)[0].parent_id is None
    latents.read(database, blobs, liked)
    assert len(list(blobs.stored())) == 1
    gallery.delete(database, session, [item.id])
    assert expire(database, blobs, LATELY) == 1


def test_a_latent_that_another_session_names_stays_and_its_session_is_gone_for_everybody(
    database: Database, blobs: FolderBlobs
) -> None:
    session, wanted = full_session(database, blobs)
    age(database)
    other = sessions.create(database, document(wanted)).id
    expire(database, blobs, LATELY)
    latents.read(database, blobs, wanted)
    with pytest.raises(Problem, match="unknown_session"):
        history.standing(database, session)
    assert history.standing(database, other).document == document(wanted)


def test_what_somebody_uses_stays(database: Database, blobs: FolderBlobs) -> None:
    opened, photographed, searching, kept, edited = (sessions.create(database, {}).id for _ in range(5))
    age(database)
    sessions.seen(database, opened)
    photos.create(database, photographed, name="a", size=(1, 1), faces=[], blob=blobs.put(b"photo"))
    new_job(database, searching)
    gallery.add(database, kept, {}, "", 10)
    step(database, edited, {})
    assert expire(database, blobs, LATELY) == 0
    assert rows(database)["sessions"] == 5
    age(database)
    assert expire(database, blobs, LATELY) == 3, "a search that waits is used, and a gallery is kept"
    assert {row.id for row in database_sessions(database)} == {searching, kept}


def database_sessions(database: Database) -> list[SessionRow]:
    with database.read() as transaction:
        return list(transaction.scalars(select(SessionRow)))


def test_to_open_a_session_is_noted_once_in_a_while_and_never_in_the_way(
    lone_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sessions.create(lone_database, {}).id
    made = sessions.get(lone_database, session).updated_at
    sessions.seen(lone_database, session)
    assert sessions.get(lone_database, session).updated_at == made
    age(lone_database)

    def full() -> None:
        raise Problem("storage_full", "The disk of the server is full: nothing more can be kept.")

    with monkeypatch.context() as broken:
        broken.setattr(lone_database, "write", full)
        sessions.seen(lone_database, session)
    sessions.seen(lone_database, session)
    assert sessions.get(lone_database, session).updated_at > made


def test_what_is_stored_in_a_session_that_is_just_gone_is_refused(
    database: Database, blobs: FolderBlobs
) -> None:
    session = sessions.create(database, {}).id
    age(database)
    assert expire(database, blobs, LATELY) == 1
    with pytest.raises(Problem, match="unknown_session"):
        photos.create(database, session, name="a", size=(1, 1), faces=[], blob="0" * 64)
    with pytest.raises(Problem, match="unknown_session"):
        gallery.add(database, session, {}, "", 10)


def test_a_server_removes_sessions_only_where_it_is_told_to(
    lone_database: Database, blobs: FolderBlobs
) -> None:
    full_session(lone_database, blobs)
    age(lone_database)
    never, soon = timedelta(days=Settings().expire_sessions_days), timedelta(days=30)
    Housekeeping(lone_database, blobs, Kept(unnamed=timedelta(hours=24), unused=never)).tidy()
    assert rows(lone_database)["sessions"] == 1
    Housekeeping(lone_database, blobs, Kept(unnamed=timedelta(0), unused=soon)).tidy()
    assert rows(lone_database) == {}

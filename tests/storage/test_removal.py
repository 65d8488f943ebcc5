"""A session is deleted by whoever it is, with its files; what another session needs of it stays."""

from __future__ import annotations

from uuid import uuid4

import pytest

from server.problems import Problem
from server.storage import gallery, history, latents, sessions
from server.storage.database import Database
from server.storage.folder_blobs import FolderBlobs
from server.storage.removal import remove
from tests.server.job_rows import new_job
from tests.storage.test_expiry import document, full_session, rows


def test_a_deleted_session_leaves_no_row_and_no_file(database: Database, blobs: FolderBlobs) -> None:
    session, liked = full_session(database, blobs)
    gallery.add(database, session, document(liked), "Mona", 10)
    remove(database, blobs, session)
    assert rows(database) == {}
    assert not list(blobs.stored())


def test_other_sessions_keep_theirs(database: Database, blobs: FolderBlobs) -> None:
    session, _ = full_session(database, blobs)
    other, liked = full_session(database, blobs)
    before = rows(database)
    remove(database, blobs, session)
    assert rows(database) == {name: count // 2 for name, count in before.items()}
    latents.read(database, blobs, liked)
    assert len(history.of_session(database, other)) == 2


def test_a_latent_that_another_session_names_stays_and_the_session_is_gone(
    database: Database, blobs: FolderBlobs
) -> None:
    session, shared = full_session(database, blobs)
    other = sessions.create(database, document(shared)).id
    remove(database, blobs, session)
    latents.read(database, blobs, shared)
    assert history.standing(database, other).document == document(shared)
    with pytest.raises(Problem, match="unknown_session"):
        history.standing(database, session)
    with pytest.raises(Problem, match="unknown_session"):
        remove(database, blobs, session)


def test_a_session_that_is_searched_in_and_one_that_is_not_there_are_refused(
    database: Database, blobs: FolderBlobs
) -> None:
    session = sessions.create(database, {}).id
    new_job(database, session)
    before = rows(database)
    with pytest.raises(Problem, match="still_searching"):
        remove(database, blobs, session)
    assert rows(database) == before
    with pytest.raises(Problem, match="unknown_session"):
        remove(database, blobs, uuid4())

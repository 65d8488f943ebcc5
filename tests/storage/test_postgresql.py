"""What only a database of its own can do to a server: go away, come back, keep a row to somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from server.problems import Problem
from server.storage import connections, sessions
from server.storage.database import Database
from server.storage.tables import SessionRow
from tests.server.conftest import astronaut, checkpoints, page_folder  # noqa: F401 (fixtures)
from tests.server.harness import make_settings, serving
from tests.storage.postgresql import Cluster

pytestmark = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)


@pytest.fixture
def name(database: Database) -> str:
    """The name of the database in its cluster."""
    return str(database.engine.url.database)


def test_a_connection_that_was_lost_is_replaced(database: Database, cluster: Cluster, name: str) -> None:
    session = sessions.create(database, {}).id
    cluster.close_connections(name)
    assert sessions.get(database, session).id == session


def test_a_transaction_that_loses_its_connection_is_a_problem_and_changes_nothing(
    database: Database, cluster: Cluster, name: str
) -> None:
    session = sessions.create(database, {}).id
    with pytest.raises(Problem, match="storage_unavailable"), database.write() as transaction:
        transaction.execute(text("UPDATE sessions SET owner = 'nobody'"))
        cluster.close_connections(name)
        transaction.execute(text("SELECT 1"))
    assert sessions.get(database, session).owner == ""


def test_a_database_that_does_not_answer_is_a_problem_until_it_does(
    database: Database, cluster: Cluster, name: str
) -> None:
    session = sessions.create(database, {}).id
    cluster.close_connections(name)
    cluster.say("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
    with pytest.raises(Problem, match="storage_unavailable") as refusal:
        sessions.get(database, session)
    assert refusal.value.retry_after_s
    cluster.say("ALTER DATABASE {} ALLOW_CONNECTIONS true", name)
    assert sessions.get(database, session).id == session


def test_a_row_that_somebody_keeps_is_busy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.POSTGRES_LIMITS, "lock_timeout", 20)
    database = Database(url)
    session = sessions.create(database, {}).id
    with database.write() as keeping:
        keeping.get(SessionRow, session, with_for_update=True)
        with pytest.raises(Problem, match="database_busy"), database.write() as waiting:
            waiting.get(SessionRow, session, with_for_update=True)
    database.close()


def test_a_server_keeps_everything_in_postgresql_and_a_bucket(
    url: str,
    bucket: str,
    tmp_path: Path,
    checkpoints: Path,  # noqa: F811
    page_folder: Path,  # noqa: F811
    astronaut: bytes,  # noqa: F811
) -> None:
    away = {"database_url": url, "blobs_url": bucket}
    settings = make_settings(tmp_path / "data", checkpoints, page_folder).model_copy(update=away)
    with serving(settings) as server, server.client() as client:
        session = client.post("/api/v1/sessions").json()
        files = {"file": ("photo.jpg", astronaut, "image/jpeg")}
        photo = client.post(f"/api/v1/sessions/{session['id']}/photos", files=files).json()
        picture = client.get(f"/api/v1/photos/{photo['id']}/image").content
        answer = client.get(f"/api/v1/sessions/{session['id']}").json()
        assert [shown["id"] for shown in answer["photos"]] == [photo["id"]]
        assert server.app.state.services.database.engine.dialect.name == "postgresql"
    assert picture[:3] == b"\xff\xd8\xff"
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]

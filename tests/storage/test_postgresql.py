"""What only a database of its own can do to a server: go away, come back, keep a row to somebody else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from server.problems import Problem
from server.storage import connections, directions, layer_rules, sessions
from server.storage.database import Database
from server.storage.tables import DirectionRow, LayerRulesRow, SessionRow
from tests.server.conftest import astronaut, checkpoints, page_folder  # noqa: F401 (fixtures)
from tests.server.harness import make_settings, serving
from tests.storage.postgresql import PATIENCE_S, Cluster

GENERATOR = "d" * 64
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


def when_somebody_waits(database: Database) -> None:
    """Return as soon as another connection of the database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with database.read() as looking:
            if looking.scalar(waiting):
                return
        time.sleep(0.005)
    raise AssertionError("nobody waits")


def test_two_who_write_layer_rules_for_the_first_time_at_once_both_succeed(database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.write() as first:
            first.add(LayerRulesRow(generator=GENERATOR, owner="", layers={"age": [1]}))
            first.flush()
            second = pool.submit(layer_rules.put, database, GENERATOR, "", {"age": [2]})
            when_somebody_waits(database)
        second.result(PATIENCE_S)
    assert layer_rules.get(database, GENERATOR, "") == {"age": [2]}


def new_direction(name: str) -> DirectionRow:
    return directions.new_row(
        generator=GENERATOR, owner="", name=name, method="sefa", layers=[0], scale=1.0,
        strengths=(-1.0, 1.0), explained=None, blob="0" * 64,
    )  # fmt: skip


def test_a_name_that_somebody_takes_at_the_same_moment_is_taken(database: Database) -> None:
    known = directions.create(database, new_direction("known"))
    with ThreadPoolExecutor(2) as pool:
        with database.write() as first:
            first.add(new_direction("wanted"))
            first.flush()
            renamed = pool.submit(directions.change, database, known.id, "wanted", None, None)
            made = pool.submit(directions.create, database, new_direction("wanted"))
            when_somebody_waits(database)
        for late in (renamed, made):
            with pytest.raises(Problem, match="name_taken"):
                late.result(PATIENCE_S)


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

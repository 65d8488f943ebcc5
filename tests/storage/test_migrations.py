"""From one revision of the tables to another, on both kinds of database, with what is in them."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from server.storage import history, jobs, photos, revisions
from server.storage.connections import UnusableDatabaseError, database_url, single_engine
from server.storage.database import Database
from server.storage.schema import check_schema
from server.storage.tables import Table

ANA, PHOTO, DONE = UUID(int=2), UUID(int=3), UUID(int=8)


@pytest.fixture
def old_url(empty_url: str, fixtures: Path) -> str:
    """A database of the time before revisions, with something in every table."""
    dump = (fixtures / "storage" / "without_revision.sql").read_text("utf-8")
    if empty_url.startswith("sqlite"):
        with closing(sqlite3.connect(empty_url.removeprefix("sqlite:///"))) as file:
            file.executescript(dump)
        return empty_url
    engine = single_engine(database_url(empty_url))
    with engine.begin() as connection:
        revisions.upgrade(connection, revisions.FIRST)
        connection.execute(text("SET TIME ZONE 'UTC'"))
        connection.execute(text("SET session_replication_role = replica"))  # the dump has its own order
        for line in dump.splitlines():
            if line.startswith("INSERT"):
                connection.exec_driver_sql(line)
        connection.execute(text("DROP TABLE alembic_version"))
    return empty_url


def contents(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    names = sorted(inspect(connection).get_table_names())
    rows = {name: connection.exec_driver_sql(f'SELECT * FROM "{name}"').all() for name in names}  # noqa: S608
    return {name: sorted((tuple(row) for row in table), key=str) for name, table in rows.items()}


def test_the_revisions_are_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(revisions.FOLDER))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    known = revisions.known_revisions()
    before = [scripts.get_revision(revision).down_revision for revision in known]
    assert before == [None, *known[:-1]]


def test_the_revisions_make_the_tables_of_the_classes(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_an_older_database_is_brought_to_this_version_with_all_that_is_in_it(old_url: str) -> None:
    assert check_schema(database_url(old_url)) == revisions.FIRST
    database = Database(old_url)
    stands = history.standing(database, ANA)
    assert (stands.document["base"]["latent"], stands.parent_id) == (str(UUID(int=5)), None)
    assert stands.created_at.isoformat() == "2026-11-20T12:00:00+00:00"
    assert photos.get(database, PHOTO).name == "Ана.jpg"
    assert jobs.get(database, DONE).terms == {"lpips": 0.2}
    assert jobs.history(database, DONE)[1] == [{"step": 1, "blob": "1" * 64}]
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
        assert revisions.recorded_revision(connection) == revisions.newest()
    database.close()


def test_each_revision_can_be_taken_back(old_url: str) -> None:
    Database(old_url).close()
    engine = single_engine(database_url(old_url))
    with engine.begin() as connection:
        up = contents(connection)
        for revision in reversed(revisions.known_revisions()[:-1]):
            revisions.downgrade(connection, revision)
            assert revisions.recorded_revision(connection) == revision
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": False}), revisions.tables_of("0001")
        )
        assert differences == []
        assert len(contents(connection)["jobs"]) == 2
        revisions.upgrade(connection, revisions.newest())
        assert contents(connection) == up
        revisions.downgrade(connection, "base")
        assert inspect(connection).get_table_names() == [revisions.VERSION_TABLE]
    engine.dispose()


def test_a_file_is_copied_before_it_is_changed(tmp_path: Path, fixtures: Path) -> None:
    file = tmp_path / "loom.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.executescript((fixtures / "storage" / "without_revision.sql").read_text("utf-8"))
        before = list(old.iterdump())
    Database(f"sqlite:///{file}").close()
    copy = tmp_path / f"loom.sqlite.before-{revisions.newest()}"
    with closing(sqlite3.connect(copy)) as kept:
        assert list(kept.iterdump()) == before


def test_servers_that_start_together_do_it_once(old_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for database in pool.map(lambda _: Database(old_url), range(4)):
            assert len(history.of_session(database, ANA)) == 1
            database.close()


def test_a_server_waits_for_whoever_still_reads_an_old_file(tmp_path: Path, fixtures: Path) -> None:
    file = tmp_path / "loom.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.executescript((fixtures / "storage" / "without_revision.sql").read_text("utf-8"))
    Database(f"sqlite:///{file}").close()
    with ThreadPoolExecutor(1) as pool, closing(sqlite3.connect(file, isolation_level=None)) as reader:
        assert reader.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM sessions").fetchall()
        starting = pool.submit(Database, f"sqlite:///{file}")
        assert wait([starting], timeout=0.5).not_done
        reader.execute("COMMIT")
        database = starting.result(20)
    assert len(history.of_session(database, ANA)) == 1
    database.close()


def test_a_newer_database_is_refused_and_left_as_it_is(url: str) -> None:
    engine = single_engine(database_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        before = contents(connection)
    with pytest.raises(UnusableDatabaseError, match="newer version's: its revision is 9999"):
        Database(url)
    with engine.connect() as connection:
        assert contents(connection) == before
    engine.dispose()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE photos DROP COLUMN anchors", r"photos\.anchors is missing"),
        ("ALTER TABLE photos ADD COLUMN mood TEXT", r"photos\.mood is not known"),
        ("DROP TABLE layer_rules", "the table layer_rules is missing"),
        ("CREATE TABLE history (id INTEGER)", "the table history is not known"),
    ],
)
def test_an_old_database_that_does_not_fit_exactly_is_refused(old_url: str, change: str, said: str) -> None:
    engine = single_engine(database_url(old_url))
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
        before = contents(connection)
    with pytest.raises(UnusableDatabaseError, match=said):
        Database(old_url)
    with engine.connect() as connection:
        assert contents(connection) == before
    engine.dispose()


def test_a_database_whose_rows_refer_to_nothing_is_refused_and_left_as_it_is(
    tmp_path: Path, fixtures: Path
) -> None:
    file = tmp_path / "loom.sqlite"
    with closing(sqlite3.connect(file)) as old:
        old.executescript((fixtures / "storage" / "without_revision.sql").read_text("utf-8"))
        old.execute("DELETE FROM photos")
        old.commit()
        before = list(old.iterdump())
    with pytest.raises(UnusableDatabaseError, match="refer to missing ones"):
        Database(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as old:
        assert list(old.iterdump()) == before


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://root:secret@host/loom", "only SQLite and PostgreSQL"),
        ("no address", "no address of a database"),
        ("postgresql://ana:secret@127.0.0.1:1/loom", "cannot be opened"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_its_password(address: str, said: str) -> None:
    with pytest.raises(UnusableDatabaseError, match=said) as refusal:
        Database(address)
    assert "secret" not in str(refusal.value)

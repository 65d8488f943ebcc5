"""Whether a database is one that this version can work with, and bringing an older one to this version."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from server.storage import revisions
from server.storage.connections import UnusableDatabaseError, shown_name, single_engine
from server.storage.tables import Table

ADVISORY_LOCK = 0x4C4F4F4D  # "LOOM": any number, the same for all servers of a database


def check_schema(url: URL) -> str | None:
    """The revision of a database, which is left as it is; None: an empty one.

    Raises UnusableDatabaseError where it can neither be used nor brought to this version.
    """
    with _open(url) as connection:
        return _revision(connection)


def migrate(url: URL) -> None:
    """Bring a database to this program's tables: all or nothing, by one server at a time.

    A SQLite file that holds something is copied before: <file>.before-<revision>. Raises
    UnusableDatabaseError.
    """
    with _open(url) as connection:
        if revisions.recorded_revision(connection) == revisions.newest():
            return
        _revision(connection)
    with alone(url) as connection:
        revision = _revision(connection)  # another server may just have done it
        if revision is not None and revisions.recorded_revision(connection) is None:
            revisions.record(connection, revision)
        if revision == revisions.newest():
            return
        if revision is not None and connection.dialect.name == "sqlite":
            _keep_copy(Path(str(url.database)), revisions.newest())
        revisions.upgrade(connection, revisions.newest())
        check_references(connection, url)


@contextmanager
def alone(url: URL) -> Iterator[Connection]:
    """One transaction, with the only program that may change tables. Raises UnusableDatabaseError."""
    with _open(url, begin_immediate=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        yield connection


@contextmanager
def _open(url: URL, **options: bool) -> Iterator[Connection]:
    engine: Engine = single_engine(url)
    try:
        with engine.connect() as unbegun:
            connection = unbegun.execution_options(**options)
            with connection.begin():
                yield connection
    except DatabaseError as error:
        raise UnusableDatabaseError(_unreadable(url, str(error.orig))) from error
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    name = shown_name(connection.engine.url)
    recorded = revisions.recorded_revision(connection)
    if recorded is not None:
        if recorded not in revisions.known_revisions():
            raise UnusableDatabaseError(
                f"The database {name} is a newer version's: its revision is {recorded}, and this version "
                f"knows those up to {revisions.newest()}. Start the version that wrote it, or restore a "
                "backup."
            )
        return recorded
    if not set(inspect(connection).get_table_names()) & set(Table.metadata.tables):
        return None
    first = revisions.tables_of(revisions.FIRST)
    # Types have other names elsewhere than in the SQLite that `first` was read from.
    comparing = MigrationContext.configure(connection, opts={"compare_type": False})
    differences = compare_metadata(comparing, first)
    if differences:
        raise UnusableDatabaseError(
            f"The database {name} is another version's: {_described(differences[0])}. Start the version that "
            "made it, or move it away to begin with an empty one."
        )
    return revisions.FIRST


def _described(difference: Any) -> str:
    """difference: of Alembic's: what would have to be done, and to what."""
    change = difference[0] if isinstance(difference, list) else difference
    action, subject = change[0], change[1]
    if action == "add_table":
        return f"the table {subject.name} is missing"
    if action == "remove_table":
        return f"the table {subject.name} is not known"
    if action in ("add_column", "remove_column"):
        state = "is missing" if action == "add_column" else "is not known"
        return f"{change[2]}.{change[3].name} {state}"
    return "its tables have the right names and are different"


def _keep_copy(file: Path, newest: str) -> None:
    copy = file.with_name(f"{file.name}.before-{newest}")
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        os.replace(part, copy)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise UnusableDatabaseError(
            f"The database {file} has to be changed for this version, and it could not be copied before: "
            f"{error}. Make room beside it, and start again."
        ) from error


def check_references(connection: Connection, url: URL) -> None:
    """Rows refer to none that is missing; PostgreSQL knows that itself. Raises UnusableDatabaseError."""
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise UnusableDatabaseError(
            f"The database {shown_name(url)} has rows that refer to missing ones; it was left as it is. "
            "Restore a backup of it."
        )


def _unreadable(url: URL, reason: str) -> str:
    name = shown_name(url)
    if url.get_backend_name() != "sqlite":
        return f"The database {name} cannot be opened. Check LATENTLOOM_DATABASE_URL, and that it runs."
    if "locked" in reason:
        return f"The database {name} is held by another program. Stop that one, and start again."
    if "full" in reason:
        return f"The database {name} has to be changed for this version, and its disk is full: make room."
    return (
        f"The database {name} cannot be read: it is damaged or no database. Restore a backup of it, or "
        "move it away to begin with an empty one."
    )

"""Restoring an archive: everything into an empty place, or sessions into any. All rows of it or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import URL, Column, Connection, MetaData, Table, inspect, make_url, select
from sqlalchemy.exc import IntegrityError, StatementError

from server.storage import revisions
from server.storage.archive import TYPES, Archive, UnusableArchiveError
from server.storage.blobs import BlobStore
from server.storage.connections import single_engine
from server.storage.schema import alone, check_references, check_schema, migrate
from server.storage.tables import SessionRow
from server.storage.tables import Table as TableClass

AT_ONCE = 500  # rows of one statement

Row = dict[str, object]


class OccupiedError(Exception):
    """str() says what is there already."""


def restore_everything(archive: Archive, url: URL, blobs: BlobStore) -> None:
    """Into a place without any row and file. Raises OccupiedError, UnusableArchiveError,
    UnusableDatabaseError, Problem.
    """
    _refuse_unknown(archive, "everything")
    if not is_empty(url) or next(blobs.stored(), None) is not None:
        raise OccupiedError("There is something in the database or among the files already.")
    replace_everything(archive, url, blobs)


def replace_everything(archive: Archive, url: URL, blobs: BlobStore) -> None:
    """The same, and all rows that were there are gone. Their files go with the next collection of garbage."""
    _refuse_unknown(archive, "everything")
    archive.check()
    if check_schema(url) is not None:
        migrate(url)
    _put_blobs(archive, blobs)
    with alone(url) as connection:
        revisions.downgrade(connection, "base")
        _insert_archived(connection, archive)
        check_references(connection, url)
    migrate(url)


def add_sessions(archive: Archive, url: URL, blobs: BlobStore, user: str) -> None:
    """The sessions of an archive, as somebody's. Raises as restore_everything does."""
    _refuse_unknown(archive, "sessions")
    archive.check()
    migrate(url)
    engine = single_engine(make_url("sqlite://"))
    with engine.begin() as memory:  # where they become rows of this version
        _insert_archived(memory, archive)
        revisions.upgrade(memory, revisions.newest())
        _put_blobs(archive, blobs)
        with alone(url) as connection:
            _refuse_known_sessions(memory, connection)
            for table in TableClass.metadata.sorted_tables:
                _insert(connection, table, _new_rows(memory, connection, table, user))
            check_references(connection, url)


def is_empty(url: URL) -> bool:
    """Whether a database has no row of ours. Raises UnusableDatabaseError."""
    if check_schema(url) is None:
        return True
    migrate(url)
    tables = TableClass.metadata.sorted_tables
    with alone(url) as connection:
        return all(connection.execute(select(table).limit(1)).first() is None for table in tables)


def _refuse_unknown(archive: Archive, expected: str) -> None:
    manifest = archive.manifest
    if manifest.holds != expected:
        raise UnusableArchiveError(f"The archive holds {manifest.holds}, not {expected}.")
    if manifest.revision not in revisions.known_revisions():
        raise UnusableArchiveError(
            f"The archive was written by the newer version {manifest.product}: install that one for it."
        )


def _put_blobs(archive: Archive, blobs: BlobStore) -> None:
    for key in archive.keys():
        blobs.put(archive.blob(key))


def _insert_archived(connection: Connection, archive: Archive) -> None:
    """Into tables that are made here, as they were when the archive was written."""
    revisions.upgrade(connection, archive.manifest.revision)
    inspector = inspect(connection)
    present = set(inspector.get_table_names()) - {revisions.VERSION_TABLE}
    for stored in archive.manifest.tables:
        columns = inspector.get_columns(stored.name) if stored.name in present else []
        if set(stored.columns) != {column["name"] for column in columns}:
            raise UnusableArchiveError(f"The archive's table {stored.name} is none of its revision.")
        table = Table(
            stored.name, MetaData(), *(Column(name, TYPES[kind]()) for name, kind in stored.columns.items())
        )
        _insert(connection, table, archive.rows(stored))


def _insert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    remaining = iter(rows)
    try:
        while some := list(islice(remaining, AT_ONCE)):
            connection.execute(table.insert(), some)
    except IntegrityError as error:
        raise UnusableArchiveError(
            f"Rows of {table.name} in the archive do not fit: they refer to missing ones, or are there twice."
        ) from error
    except (StatementError, ValueError, TypeError) as error:
        raise UnusableArchiveError(f"Rows of {table.name} in the archive cannot be stored.") from error


def _refuse_known_sessions(memory: Connection, connection: Connection) -> None:
    ids = list(memory.scalars(select(SessionRow.id)))
    if connection.scalars(select(SessionRow.id).where(SessionRow.id.in_(ids))).first() is not None:
        raise OccupiedError("A session of the archive is there already.")


def _new_rows(memory: Connection, connection: Connection, table: Table, user: str) -> Iterator[Row]:
    """Without what came here by another archive before: latents and directions that documents name."""
    keys = tuple(table.primary_key.columns)
    for row in memory.execute(select(table)).mappings():
        same = [key == row[key.name] for key in keys]
        if connection.execute(select(*keys).where(*same)).first() is None:
            values: dict[str, Any] = dict(row)
            yield values | ({"owner": user} if "owner" in values else {})

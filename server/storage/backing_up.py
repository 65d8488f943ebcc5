"""Writing an archive of everything while servers go on working.

All rows are read in one transaction that sees one moment (SQLite's snapshot of its log, PostgreSQL's
repeatable read). Files are copied before it, and those that came meanwhile after it: what is discarded in
between stays readable for longer than that takes.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from server.problems import Problem
from server.storage import revisions
from server.storage.archive import Manifest, StoredTable, as_json, kind_of
from server.storage.blobs import BlobStore
from server.storage.connections import single_engine
from server.storage.database import Database
from server.storage.named import named_blobs
from server.storage.tables import Table as TableClass
from server.storage.tables import now
from server.version import product_version

Rows = Iterable[Sequence[Any]]


@dataclass
class Written:
    """What went into an archive. missing: named blobs that are lost."""

    rows: dict[str, int] = field(default_factory=dict)
    blobs: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)


def back_up(database: Database, blobs: BlobStore, target: Path) -> Written:
    """Everything, into a new file. Raises FileExistsError, OSError, Problem."""
    with new_zip(target) as archive:
        written = Written()
        with database.read() as transaction:
            early = named_blobs(transaction)
        copy_blobs(archive, blobs, early, written)
        with one_moment(database) as transaction:
            tables = write_tables(archive, lambda table: _all_rows(transaction, table), written)
            late = named_blobs(transaction)
        copy_blobs(archive, blobs, late - early, written)
        written.missing &= late  # what was discarded since the early copy needs no place in the backup
        write_manifest(archive, "everything", tables, written)
    return written


@contextmanager
def new_zip(target: Path) -> Iterator[zipfile.ZipFile]:
    """Under its name only when it is whole; nobody else may read it."""
    if target.exists():
        raise FileExistsError(target)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def one_moment(database: Database) -> Iterator[Session]:
    """A transaction that sees what was committed when it began, and nothing later."""
    engine = single_engine(database.engine.url)
    snapshot = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    try:
        with engine.connect().execution_options(**snapshot) as connection, Session(connection) as session:
            yield session
    finally:
        engine.dispose()


def write_tables(
    archive: zipfile.ZipFile, rows_of: Callable[[Table], Rows], written: Written
) -> tuple[StoredTable, ...]:
    """Every table, those that others refer to before them."""
    tables = []
    for table in TableClass.metadata.sorted_tables:
        digest, count = hashlib.sha256(), 0
        columns = {column.name: kind_of(column) for column in table.columns}
        with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as file:
            for row in rows_of(table):
                line = json.dumps([as_json(value) for value in row], separators=(",", ":")).encode() + b"\n"
                digest.update(line)
                file.write(line)
                count += 1
        written.rows[table.name] = count
        tables.append(StoredTable(name=table.name, columns=columns, rows=count, sha256=digest.hexdigest()))
    return tuple(tables)


def copy_blobs(archive: zipfile.ZipFile, blobs: BlobStore, keys: Collection[str], written: Written) -> None:
    """Those that are there; what is lost is noted."""
    for key in sorted(keys):
        try:
            data = blobs.read(key)
        except Problem as problem:
            if problem.code != "stored_file_lost":
                raise
            written.missing.add(key)
            continue
        archive.writestr(f"blobs/{key}", data, zipfile.ZIP_STORED)
        written.blobs.add(key)


def write_manifest(
    archive: zipfile.ZipFile,
    holds: Literal["everything", "sessions"],
    tables: tuple[StoredTable, ...],
    written: Written,
) -> None:
    """The last entry, which tells what the others are."""
    manifest = Manifest(
        holds=holds,
        product=product_version(),
        revision=revisions.newest(),
        made_at=now(),
        tables=tables,
        missing=tuple(sorted(written.missing)),
    )
    archive.writestr("manifest.json", manifest.model_dump_json(indent=2))


def _all_rows(transaction: Session, table: Table) -> Rows:
    return transaction.execute(select(table).execution_options(yield_per=500))

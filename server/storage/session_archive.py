"""Writing an archive of some sessions: all that is in them, and what their documents name elsewhere."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, false, or_, select
from sqlalchemy.orm import Session

from server.problems import Problem
from server.storage.archive import as_json
from server.storage.backing_up import (
    Rows,
    Written,
    copy_blobs,
    new_zip,
    one_moment,
    write_manifest,
    write_tables,
)
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.named import DIGEST, IDENTIFIER
from server.storage.tables import HistoryRow, SessionRow
from server.storage.tables import Table as TableClass

SESSIONS = SessionRow.metadata.tables["sessions"]
# What a document or a job may name although another session has it.
NAMED_ELSEWHERE = ("latents", "photos", "directions")
README = """A person's work in Latent Loom.

readable/photos      the uploaded photos, as they were kept
readable/latents     the latents: safetensors files with ws, noise maps and tuning
readable/documents.json   the edit documents of each session's history, oldest first

The rest of this file is for Latent Loom: `latentloom restore` adds the sessions to another installation.
"""


@dataclass(frozen=True)
class _Part:
    """Which rows belong to the sessions. named: every id that their rows hold."""

    sessions: tuple[UUID, ...]
    named: frozenset[UUID]


def sessions_of(database: Database, user: str) -> tuple[UUID, ...]:
    """All sessions of a user; of the only one: the empty name."""
    with database.read() as transaction:
        return tuple(transaction.scalars(select(SessionRow.id).where(SessionRow.owner == user)))


def export_sessions(
    database: Database, blobs: BlobStore, sessions: tuple[UUID, ...], target: Path
) -> Written:
    """Into a new file. Raises FileExistsError, OSError, Problem unknown_session."""
    with new_zip(target) as archive:
        written = Written()
        with one_moment(database) as transaction:
            _refuse_unknown(transaction, sessions)
            part = _whole_part(transaction, sessions)
            tables = write_tables(archive, lambda table: _rows(transaction, part, table, written), written)
            keys, written.blobs = written.blobs, set()
            copy_blobs(archive, blobs, keys, written)
            _write_readable(archive, blobs, transaction, part, written)
        write_manifest(archive, "sessions", tables, written)
    return written


def _refuse_unknown(transaction: Session, sessions: tuple[UUID, ...]) -> None:
    known = set(transaction.scalars(select(SessionRow.id).where(SessionRow.id.in_(sessions))))
    if not sessions or set(sessions) - known:
        raise Problem("unknown_session", "There is no such session.")


def _whole_part(transaction: Session, sessions: tuple[UUID, ...]) -> _Part:
    part = _Part(sessions, frozenset())
    named: set[UUID] = set()
    for table in TableClass.metadata.sorted_tables:
        if table.name not in NAMED_ELSEWHERE:
            for row in transaction.execute(select(table).where(_belongs(part, table))):
                named.update(map(UUID, IDENTIFIER.findall(_line(row))))
    return replace(part, named=frozenset(named))


def _belongs(part: _Part, table: Table) -> ColumnElement[bool]:
    """By its own session, or by the job or whatever it refers to."""
    if table is SESSIONS:
        return table.c.id.in_(part.sessions)
    own: ColumnElement[bool] = false()
    if "session_id" in table.c:
        own = table.c.session_id.in_(part.sessions)
    elif table.foreign_keys:
        key = next(iter(table.foreign_keys))
        own = key.parent.in_(select(key.column).where(_belongs(part, key.column.table)))
    return or_(own, table.c.id.in_(part.named)) if table.name in NAMED_ELSEWHERE else own


def _rows(transaction: Session, part: _Part, table: Table, written: Written) -> Rows:
    """What another session has comes along as the first one's. Notes the blobs that the rows name."""
    for row in transaction.execute(select(table).where(_belongs(part, table))):
        values = dict(zip(table.columns.keys(), row, strict=True))
        if table is not SESSIONS and "session_id" in values and values["session_id"] not in part.sessions:
            values["session_id"] = part.sessions[0]
        for name, value in values.items():
            if name == "blob" or name.endswith("_blob") or name == "moments":
                written.blobs.update(DIGEST.findall(_line([value])))
        yield tuple(values.values())


def _line(row: Any) -> str:
    return json.dumps([as_json(value) for value in row])


def _write_readable(
    archive: zipfile.ZipFile, blobs: BlobStore, transaction: Session, part: _Part, written: Written
) -> None:
    archive.writestr("readable/README.txt", README)
    archive.writestr("readable/documents.json", json.dumps(_documents(transaction, part), indent=2))
    for folder, suffix in (("photos", "jpg"), ("latents", "safetensors")):
        table = TableClass.metadata.tables[folder]
        for row in transaction.execute(select(table.c.id, table.c.blob).where(_belongs(part, table))):
            if row.blob in written.blobs:
                name = f"readable/{folder}/{row.id}.{suffix}"
                archive.writestr(name, blobs.read(row.blob), zipfile.ZIP_STORED)


def _documents(transaction: Session, part: _Part) -> dict[str, list[dict[str, Any]]]:
    """By session."""

    def of(session: UUID) -> Iterator[dict[str, Any]]:
        query = select(HistoryRow).where(HistoryRow.session_id == session).order_by(HistoryRow.number)
        for row in transaction.scalars(query):
            yield {"name": row.name, "made_at": row.created_at.isoformat(), "document": row.document}

    return {str(session): list(of(session)) for session in part.sessions}

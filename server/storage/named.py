"""Which latents and files are named: by a document, and by all rows of a database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Text, cast, select
from sqlalchemy.orm import Session

from server.storage.tables import LatentRow, Table

IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Columns of JSON that name blobs; others of them hold at most digests of weights.
WITH_BLOBS = ("job_histories.moments",)


def ids_in(document: dict[str, Any]) -> set[UUID]:
    """Whatever looks like an id: of latents, and of what else a document may come to name."""
    return _ids(json.dumps(document))


def named_latents(transaction: Session) -> set[UUID]:
    """Ids that occur in any JSON of any table, or in a column that refers to latents."""
    named: set[UUID] = set()
    for column in _columns():
        if isinstance(column.type, JSON):
            for text in _texts(transaction, column):
                named |= _ids(text)
        elif any(key.column.table is LatentRow.__table__ for key in column.foreign_keys):
            named.update(transaction.scalars(select(column).where(column.is_not(None))))
    return named


def named_blobs(transaction: Session) -> set[str]:
    """Keys in columns called blob or something_blob, and in those of WITH_BLOBS."""
    named: set[str] = set()
    for column in _columns():
        if column.name == "blob" or column.name.endswith("_blob"):
            named.update(transaction.scalars(select(column).where(column.is_not(None)).distinct()))
        elif f"{column.table.name}.{column.name}" in WITH_BLOBS:
            for text in _texts(transaction, column):
                named.update(DIGEST.findall(text))
    return named


def _columns() -> Iterator[Column[Any]]:
    return (column for table in Table.metadata.sorted_tables for column in table.columns)


def _texts(transaction: Session, column: Column[Any]) -> Iterator[str]:
    """The JSON as it is stored, which need not be understood to find an id in it."""
    stored = cast(column, Text)
    query = select(stored).where(column.is_not(None)).execution_options(yield_per=500)
    return iter(transaction.scalars(query))


def _ids(text: str) -> set[UUID]:
    return {UUID(found) for found in IDENTIFIER.findall(text)}

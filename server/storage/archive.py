"""The form of a backup: a ZIP of rows as JSON lines and blobs as they are, with a manifest of hashes.

    manifest.json           what is in it, and the revision of its tables
    tables/<name>.jsonl     a row a line: a list of values, in the order of the manifest's columns
    blobs/<sha256>          stored, not compressed: pictures and latents are dense
    readable/...            in the archive of a session: the same for other programs; never read here

It belongs to no kind of database, so that one kind's can be restored into the other. Nothing in it is
believed: names are those above, sizes are counted while they are read, contents have the hashes they say.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, Uuid
from sqlalchemy.types import TypeEngine

from server.storage.tables import UtcDateTime

ENTRY = re.compile(r"manifest\.json|tables/[a-z_]{1,64}\.jsonl|blobs/[0-9a-f]{64}|readable/[\w.,/ -]{1,200}")
MOST_MANIFEST_BYTES = 2**20
MOST_LINE_BYTES = 16 * 2**20  # the curve of a long projection is the longest
MOST_RATIO = 200  # of rows to what they take in the archive; a bomb of zeros has a thousand
LEAST_ALLOWED = 64 * 2**20
MOST_BLOB_BYTES = 2**30

Kind = Literal["uuid", "moment", "json", "float", "integer", "boolean", "text"]
TYPES: dict[Kind, type[TypeEngine[Any]]] = {
    "uuid": Uuid,
    "moment": UtcDateTime,
    "json": JSON,
    "float": Float,
    "integer": Integer,
    "boolean": Boolean,
    "text": String,
}


class UnusableArchiveError(Exception):
    """str() is a sentence that says what is wrong with the file."""


class StoredTable(BaseModel):
    """A table of an archive. sha256: of the lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")]
    columns: dict[str, Kind]
    rows: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """holds: a whole installation, or sessions that can be added to one. missing: blobs that it lacks."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal["latentloom-archive"] = "latentloom-archive"
    version: Literal[1] = 1
    holds: Literal["everything", "sessions"]
    product: Annotated[str, Field(max_length=64)]
    revision: Annotated[str, Field(pattern=r"^\w{1,32}$")]
    made_at: datetime
    tables: tuple[StoredTable, ...]
    missing: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...]


def kind_of(column: Column[Any]) -> Kind:
    """Which of the kinds a column of our tables is."""
    if isinstance(column.type, UtcDateTime):
        return "moment"
    return next(kind for kind, type_ in TYPES.items() if isinstance(column.type, type_))


def as_json(value: object) -> object:
    """A value of a row in JSON: ids and moments as text."""
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def from_json(kind: Kind, value: Any) -> object:
    """The other way. Raises ValueError, TypeError."""
    if value is None or kind == "json":
        return value
    if kind == "uuid":
        return UUID(value)
    return datetime.fromisoformat(value) if kind == "moment" else value


class Archive:
    """An archive that somebody hands us. Raises UnusableArchiveError, here and in every method."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise UnusableArchiveError(f"{path} cannot be read: {error.strerror}.") from error
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise UnusableArchiveError(f"{path} is no archive of Latent Loom, or damaged.") from error
        self._entries = self._checked_entries(path.stat().st_size)
        self.manifest = self._manifest()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def keys(self) -> list[str]:
        """Of its blobs."""
        return [name.removeprefix("blobs/") for name in self._entries if name.startswith("blobs/")]

    def blob(self, key: str) -> bytes:
        """Its content, which has that hash."""
        data = b"".join(self._chunks(f"blobs/{key}", MOST_BLOB_BYTES))
        if hashlib.sha256(data).hexdigest() != key:
            raise UnusableArchiveError(f"The archive is damaged: the file {key} has another hash.")
        return data

    def rows(self, table: StoredTable) -> Iterator[dict[str, object]]:
        """Rows by column. At the end their number and hash are found right, or it raises."""
        digest, count = hashlib.sha256(), 0
        for line in self._lines(f"tables/{table.name}.jsonl"):
            digest.update(line)
            count += 1
            yield self._row(table, line)
        if count != table.rows or digest.hexdigest() != table.sha256:
            raise UnusableArchiveError(f"The archive is damaged: its table {table.name} has another hash.")

    def check(self) -> None:
        """Read all of it once."""
        for table in self.manifest.tables:
            for _ in self.rows(table):
                pass
        for key in self.keys():
            self.blob(key)

    def _checked_entries(self, size: int) -> dict[str, zipfile.ZipInfo]:
        entries = {entry.filename: entry for entry in self._zip.infolist()}
        if len(entries) != len(self._zip.infolist()):
            raise UnusableArchiveError("The archive has two files of one name.")
        for name, entry in entries.items():
            if not ENTRY.fullmatch(name) or ".." in name or entry.flag_bits & 1:
                raise UnusableArchiveError("The archive has a file that does not belong into one.")
            if name.startswith("blobs/") and entry.compress_type != zipfile.ZIP_STORED:
                raise UnusableArchiveError("The archive has compressed files, which a backup has not.")
        if sum(entry.compress_size for entry in entries.values()) > size:
            raise UnusableArchiveError("The archive has files that lie in each other.")
        return entries

    def _manifest(self) -> Manifest:
        try:
            data = b"".join(self._chunks("manifest.json", MOST_MANIFEST_BYTES))
            manifest = Manifest.model_validate_json(data)
        except ValidationError as error:
            raise UnusableArchiveError("The file is no archive that this version can read.") from error
        present = {name for name in self._entries if name.startswith("tables/")}
        if present != {f"tables/{table.name}.jsonl" for table in manifest.tables}:
            raise UnusableArchiveError("The archive has other tables than its manifest says.")
        return manifest

    def _row(self, table: StoredTable, line: bytes) -> dict[str, object]:
        try:
            values = json.loads(line)
            kinds = table.columns.items()
            return {name: from_json(kind, v) for (name, kind), v in zip(kinds, values, strict=True)}
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise UnusableArchiveError(f"A row of {table.name} in the archive cannot be read.") from error

    def _lines(self, name: str) -> Iterator[bytes]:
        """With their ends."""
        begun = bytearray()
        allowed = max(LEAST_ALLOWED, MOST_RATIO * self._entry(name).compress_size)
        for chunk in self._chunks(name, allowed):
            first, *others = chunk.split(b"\n")
            begun += first
            for line in others:
                yield bytes(begun) + b"\n"
                begun = bytearray(line)
            if len(begun) > MOST_LINE_BYTES:
                raise UnusableArchiveError("The archive has a row that is too long.")
        if begun:
            raise UnusableArchiveError("The archive is damaged: a table ends in a row.")

    def _chunks(self, name: str, allowed: int) -> Iterator[bytes]:
        read = 0
        try:
            with self._zip.open(self._entry(name)) as file:
                while chunk := file.read(2**20):
                    read += len(chunk)
                    if read > allowed:
                        raise UnusableArchiveError(f"The archive's {name} is larger than any real one.")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
            raise UnusableArchiveError(f"The archive is damaged: {name} cannot be read.") from error

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name not in self._entries:
            raise UnusableArchiveError(f"The file is no archive of Latent Loom: it has no {name}.")
        return self._entries[name]

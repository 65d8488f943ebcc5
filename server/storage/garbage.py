"""Collecting what nothing names any more: latents, and then files. Safe beside writers, on several servers.

A latent goes with its row, once nothing named it for a while after it was made. A file is discarded first,
and erased a while later; if a row names it by then, it is brought back. So it is enough that whoever stores a
file writes the row that names it within ERASED_AFTER.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.named import named_blobs, named_latents
from server.storage.tables import LatentRow, now

# Pages hold latents that they have not stored a document with yet: candidates, the newest step.
COLLECTED_AFTER = timedelta(hours=24)
ERASED_AFTER = timedelta(minutes=10)
MOST_AT_ONCE = 1000  # latents, in one transaction


@dataclass(frozen=True)
class Collected:
    """How many latents were deleted, and files discarded, erased and brought back."""

    latents: int
    discarded: int
    erased: int
    restored: int


@dataclass(frozen=True)
class Emptied:
    """Of the discarded files: those erased, and those that a row names after all."""

    erased: tuple[str, ...]
    restored: tuple[str, ...]


def collect(database: Database, blobs: BlobStore, older_than: timedelta = COLLECTED_AFTER) -> Collected:
    """Everything that can go at this moment. Raises Problem as Database and BlobStore do."""
    moment = now()
    latents = 0
    while deleted := delete_latents(database, moment - older_than):
        latents += len(deleted)
    discarded = unnamed_files(database, blobs, moment - older_than)
    for key in discarded:
        blobs.discard(key)
    emptied = empty(database, blobs, moment - ERASED_AFTER)
    return Collected(latents, len(discarded), len(emptied.erased), len(emptied.restored))


def foreseen(database: Database, blobs: BlobStore, older_than: timedelta = COLLECTED_AFTER) -> Collected:
    """What collect would do now, as far as it depends on no other part of it: nothing is changed."""
    moment = now()
    latents = len(unnamed_latents(database, moment - older_than))
    files = len(unnamed_files(database, blobs, moment - older_than))
    emptied = _judged(database, blobs, moment - ERASED_AFTER)
    return Collected(latents, files, len(emptied.erased), len(emptied.restored))


def unnamed_latents(database: Database, made_before: datetime) -> set[UUID]:
    """Old latents that nothing names."""
    with database.read() as transaction:
        old = set(transaction.scalars(select(LatentRow.id).where(LatentRow.created_at < made_before)))
        return old - named_latents(transaction) if old else set()


def delete_latents(database: Database, made_before: datetime) -> set[UUID]:
    """Delete up to MOST_AT_ONCE of them, and return those.

    Who is just storing a document with one holds it (latents.hold), and it is passed over.
    """
    candidates = sorted(unnamed_latents(database, made_before))[:MOST_AT_ONCE]
    if not candidates:
        return set()
    with database.write() as transaction:
        query = select(LatentRow.id).where(LatentRow.id.in_(candidates)).order_by(LatentRow.id)
        held = set(transaction.scalars(query.with_for_update(skip_locked=True)))
        unnamed = held - named_latents(transaction)  # again, now that nobody can name another one of them
        transaction.execute(delete(LatentRow).where(LatentRow.id.in_(unnamed)))
    return unnamed


def unnamed_files(database: Database, blobs: BlobStore, stored_before: datetime) -> set[str]:
    """Keys of old files that no row names."""
    old = {entry.key for entry in blobs.stored() if entry.since < stored_before}
    if not old:
        return set()
    with database.read() as transaction:
        return old - named_blobs(transaction)


def empty(database: Database, blobs: BlobStore, discarded_before: datetime) -> Emptied:
    """Erase the files that were discarded before that, or bring them back where a row names them."""
    emptied = _judged(database, blobs, discarded_before)
    for key in emptied.restored:
        blobs.restore(key)
    for key in emptied.erased:
        blobs.erase(key)
    return emptied


def _judged(database: Database, blobs: BlobStore, discarded_before: datetime) -> Emptied:
    entries = list(blobs.discarded())
    if not entries:
        return Emptied((), ())
    with database.read() as transaction:
        named = named_blobs(transaction)
    keys = {entry.key for entry in entries}
    old = {entry.key for entry in entries if entry.since < discarded_before}
    return Emptied(tuple(sorted(old - named)), tuple(sorted(keys & named)))

"""Immutable files named by the sha256 of what they hold: what every place for them can do.

Nothing is removed at once. What no row names any more is discarded, and a while later erased, unless a row
names it by then (garbage.py): so whoever stores a file has that long to write the row that names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class UnusableBlobsError(Exception):
    """str() is a sentence about the place for files, without what is secret of its address."""


@dataclass(frozen=True)
class Stored:
    """A blob, and since when it is where it is."""

    key: str
    since: datetime


class BlobStore(Protocol):
    """Every method may raise Problem storage_unavailable, where the place is not this machine's own disk."""

    def put(self, data: bytes) -> str:
        """Store data and return its key; whole or not at all. Raises Problem storage_full."""

    def read(self, key: str) -> bytes:
        """What was stored under key, checked. Raises Problem stored_file_lost."""

    def discard(self, key: str) -> None:
        """No row names it any more."""

    def restore(self, key: str) -> None:
        """A discarded blob is named after all."""

    def erase(self, key: str) -> None:
        """Remove a discarded blob for good."""

    def stored(self) -> Iterator[Stored]:
        """All that are not discarded, in no order."""

    def discarded(self) -> Iterator[Stored]:
        """All that are."""

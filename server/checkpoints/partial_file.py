"""A file on its way: NAME.part is what has arrived, NAME.part.json says from where and of which version."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BeingFetchedError(Exception):
    """Another process holds this file."""


class PartialFile:
    """Use it inside `with PartialFile(target, url).held()`. OSErrors of the disk are left to the caller."""

    def __init__(self, target: Path, url: str) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self.url = url
        self.version: str | None = None  # ETag or Last-Modified; None: what is here cannot be continued
        self.total: int | None = None  # bytes of the whole file, where the server said so
        self._target = target
        self._label = target.with_name(f"{target.name}.part.json")

    @contextmanager
    def held(self) -> Iterator[PartialFile]:
        """For this process alone, where the system has file locks. Raises BeingFetchedError."""
        self.path.touch()
        with _locked(self.path):
            self._read_label()
            try:
                yield self
            finally:
                if self.path.exists() and (not self.size or self.version is None):
                    self.remove()

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size

    def restart(self, version: str | None, total: int | None) -> None:
        """From nothing, of this version."""
        self.version, self.total = version, total
        os.truncate(self.path, 0)
        label = {"url": self.url, "version": version, "total": total}
        self._label.write_text(json.dumps(label), encoding="utf-8")

    def complete(self) -> None:
        """What is here is the whole file: it gets its name."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self._target)
        self._label.unlink(missing_ok=True)

    def remove(self) -> None:
        """Nothing of it stays."""
        self.path.unlink(missing_ok=True)
        self._label.unlink(missing_ok=True)

    def _read_label(self) -> None:
        """What does not say that it belongs to this address is thrown away."""
        try:
            label = json.loads(self._label.read_text(encoding="utf-8"))
            url, version, total = label["url"], label["version"], label["total"]
        except (OSError, ValueError, KeyError, TypeError):
            url = version = total = None
        if url == self.url and isinstance(version, str) and (total is None or type(total) is int):
            self.version, self.total = version, total
        else:
            os.truncate(self.path, 0)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    if sys.platform == "win32":  # there an open file could not be renamed, either
        yield
        return
    import fcntl

    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BeingFetchedError from error
        yield

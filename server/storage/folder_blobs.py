"""Blobs as files of a folder: <first two digits>/<sha256>, and discarded/<sha256> for those nobody names."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from server.full_disk import is_full_disk
from server.problems import Problem
from server.storage.blob_keys import checked_content, checked_key, key_of, lost
from server.storage.blobs import Stored

PART = ".part-"
ABANDONED_AFTER_S = 24 * 3600


class FolderBlobs:
    """The folder is made where it is not there. Raises Problem as blobs.BlobStore says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        _remove_old_parts(folder)

    def put(self, data: bytes) -> str:
        """Whole or not at all, and on the disk when this returns."""
        key = key_of(data)
        path = self._path(key)
        if _holds(path, data):
            return key
        try:
            path.parent.mkdir(exist_ok=True)
            _write(path, data)
        except OSError as error:
            if is_full_disk(error):
                raise Problem("storage_full", "There is no room left in the data folder.") from error
            raise
        return key

    def read(self, key: str) -> bytes:
        """A discarded one is brought back: somebody names it after all."""
        try:
            data = self._path(key).read_bytes()
        except FileNotFoundError:
            self.restore(key)
            try:
                data = self._path(key).read_bytes()
            except FileNotFoundError as error:
                raise lost(key) from error
        return checked_content(key, data)

    def discard(self, key: str) -> None:
        """It may be gone already."""
        path, place = self._path(key), self._discarded(key)
        place.parent.mkdir(exist_ok=True)
        try:
            os.utime(path)  # since when it is discarded
            path.replace(place)
        except FileNotFoundError:
            return

    def restore(self, key: str) -> None:
        """Nothing happens where it was not discarded."""
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        try:
            self._discarded(key).replace(path)
        except FileNotFoundError:
            return

    def erase(self, key: str) -> None:
        """It may have been brought back meanwhile."""
        self._discarded(key).unlink(missing_ok=True)

    def stored(self) -> Iterator[Stored]:
        """Parts of files that a killed server left behind are not among them."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            yield from _files(folder)

    def discarded(self) -> Iterator[Stored]:
        """since: when it was discarded."""
        if (self.folder / "discarded").is_dir():
            yield from _files(self.folder / "discarded")

    def _path(self, key: str) -> Path:
        return self.folder / checked_key(key)[:2] / key

    def _discarded(self, key: str) -> Path:
        return self.folder / "discarded" / checked_key(key)


def _remove_old_parts(folder: Path) -> None:
    """What a server left behind that was killed while it wrote. Others may just be writing theirs."""
    for part in folder.glob(f"[0-9a-f][0-9a-f]/{PART}*"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < time.time() - ABANDONED_AFTER_S:
                part.unlink()


def _files(folder: Path) -> Iterator[Stored]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PART):
                continue
            try:
                moment = entry.stat(follow_symlinks=False).st_mtime
            except FileNotFoundError:  # discarded or brought back at this moment
                continue
            yield Stored(entry.name, datetime.fromtimestamp(moment, UTC))


def _holds(path: Path, data: bytes) -> bool:
    """Whether it is there already, and undamaged."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=PART)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # without it a power failure may forget the name
    finally:
        os.close(folder)

"""Immutable files named by the sha256 of what they hold."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
from pathlib import Path

from server.problems import Problem

KEY = re.compile(r"[0-9a-f]{64}")


class BlobStore:
    """A folder of blobs: <first two digits>/<sha256>. Only keys it made itself are ever paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> str:
        """Store data and return its key; whole or not at all. Raises Problem storage_full."""
        key = hashlib.sha256(data).hexdigest()
        path = self._path(key)
        if path.exists():
            return key
        try:
            path.parent.mkdir(exist_ok=True)
            self._write(path, data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Problem("storage_full", "There is no room left in the data folder.") from error
            raise
        return key

    def read(self, key: str) -> bytes:
        """What was stored under key. Raises FileNotFoundError."""
        return self._path(key).read_bytes()

    def delete(self, key: str) -> None:
        """Remove a blob that no row names any more; it may be gone already."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError("not a blob key")
        return self.folder / key[:2] / key

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
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

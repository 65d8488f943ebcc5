"""Finished films: files that are there to be fetched for a while, not longer than the server runs."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from pathlib import Path
from uuid import UUID, uuid4

from server.full_disk import is_full_disk
from server.problems import Problem

KEPT = 16
KEPT_BYTES = 2 * 2**30


class FilmStore:
    """A folder of them, emptied when the server starts. The oldest go first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        self._sizes: OrderedDict[UUID, int] = OrderedDict()

    def put(self, data: bytes) -> UUID:
        """Keep a film; others may have to go. Raises Problem storage_full."""
        film = uuid4()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path(film).write_bytes(data)
        except OSError as error:
            self._path(film).unlink(missing_ok=True)
            if is_full_disk(error):
                raise Problem("storage_full", "There is no room left in the data folder.") from error
            raise
        self._sizes[film] = len(data)
        while len(self._sizes) > KEPT or sum(self._sizes.values()) > KEPT_BYTES:
            oldest, _ = self._sizes.popitem(last=False)
            self._path(oldest).unlink(missing_ok=True)
        return film

    def path(self, film: UUID) -> Path:
        """Where it lies. Raises Problem unknown_film."""
        path = self._path(film)
        if film not in self._sizes or not path.is_file():
            hint = "Make it again."
            raise Problem("unknown_film", "The film is gone: newer ones have taken its place.", hint)
        return path

    def _path(self, film: UUID) -> Path:
        return self._folder / f"{film}.film"

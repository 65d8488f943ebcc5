"""The database and the files that a server keeps, as commands beside it open them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, stop
from server.problems import Problem
from server.settings import Settings
from server.storage.blob_places import open_blobs
from server.storage.blobs import BlobStore, UnusableBlobsError
from server.storage.connections import UnusableDatabaseError
from server.storage.database import Database


def settings_of(data_dir: Path | None) -> Settings:
    """Those of `serve`, with the folder that was given on the command line."""
    values: dict[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    return Settings(**values)


@contextmanager
def opened_storage(data_dir: Path | None) -> Iterator[tuple[Database, BlobStore]]:
    """As the settings of `serve` say; a Problem inside ends the command with its sentence."""
    settings = settings_of(data_dir)
    try:
        if settings.database_url is None and not settings.data_dir.is_dir():
            stop(f"There is no data folder {settings.data_dir}; --data-dir names another one.", EXIT_USAGE)
        database = Database(settings.database)
        blobs = open_blobs(settings.blobs_url, settings.data_dir / "blobs")
    except (UnusableDatabaseError, UnusableBlobsError) as error:
        stop(str(error), EXIT_FAILED)
    try:
        yield database, blobs
    except Problem as problem:
        stop(f"{problem.detail} {problem.hint}".strip(), EXIT_FAILED)
    finally:
        database.close()

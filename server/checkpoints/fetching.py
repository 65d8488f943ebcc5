"""From an entry of the registry to its file on this disk, compared with what is known of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from server.checkpoints.download import Downloaded, DownloadLimits, Progress, WrongFileError, download
from server.checkpoints.lock import Recorded
from server.checkpoints.registry import Entry


@dataclass(frozen=True)
class Expected:
    """What the file of an entry has to be; None where nothing is known of it yet."""

    sha256: str | None
    bytes: int | None
    recorded: bool  # known from an earlier download, not from the registry


def expectation(entry: Entry, recorded: Recorded | None, *, allow_unpinned: bool) -> Expected:
    """The registry's hash if it has one; otherwise the one recorded here, unless it is to be overlooked.

    recorded counts only for the address that it was recorded for.
    """
    if entry.sha256 is not None:
        return Expected(entry.sha256, entry.bytes, recorded=False)
    if recorded is not None and recorded.url == entry.url and not allow_unpinned:
        return Expected(recorded.sha256, recorded.bytes, recorded=True)
    return Expected(None, entry.bytes, recorded=False)


def fetch(
    entry: Entry,
    folder: Path,
    expected: Expected,
    progress: Progress,
    limits: DownloadLimits | None = None,
) -> Downloaded:
    """The file of an entry that has a url, in folder; one that is there from an unfinished run is taken.

    Raises DownloadError, and WrongFileError with what to do.
    """
    assert entry.url is not None
    target = folder / f"{entry.name}.{entry.file_name}"
    there = _hashed(target)
    if there is not None and expected.sha256 in (None, there.sha256):
        return there
    try:
        return download(
            entry.url, target, sha256=expected.sha256, size=expected.bytes, progress=progress, limits=limits
        )
    except WrongFileError as error:
        if not expected.recorded:
            raise
        raise WrongFileError(
            f"{error} The expected one was recorded when {entry.name} was first fetched. If its publisher has"
            " replaced the file and you trust the new one, add --allow-unpinned."
        ) from error


def _hashed(path: Path) -> Downloaded | None:
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return Downloaded(path, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)

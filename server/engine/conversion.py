"""Checkpoints of other programs made into ours: each once, kept under the hash of the original's bytes."""

from __future__ import annotations

import hashlib
import logging
import shutil
from dataclasses import replace
from pathlib import Path

from models.convert import convert_checkpoint
from models.weights import CheckpointError, read_header
from server.engine.catalogue import OUR_SUFFIX, UNEXPECTED, Entry, described_weights, named, place_at

log = logging.getLogger(__name__)


def converted(entry: Entry, folder: Path) -> Entry:
    """The waiting entry with its weights, which lie in folder, or refused. Raises nothing.

    What the original holds is read by a child process only, within limits of memory and time.
    """
    try:
        weights = _converted_file(entry.place.path, folder)
    except CheckpointError as error:
        log.warning("%s is refused: %s", entry.place.path, error)
        return replace(entry, reason=str(error).removeprefix(f"{entry.place.path.name}: "))
    except Exception:
        log.exception("%s cannot be converted", entry.place.path)
        return replace(entry, reason=UNEXPECTED)
    if place_at(entry.place.path) != entry.place:
        return replace(entry, reason=f"{entry.place.path.name} was changed while it was being converted.")
    return named(described_weights(entry.name, entry.place, weights), entry.name)


def clear_unfinished(folder: Path) -> None:
    """Remove what conversions left behind that the last stop of the server cut off."""
    for left in folder.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)


def forget_converted(entry: Entry) -> None:
    """Remove an entry's converted weights, which turned out to be damaged: they are made again."""
    if entry.weights is not None and entry.weights != entry.place.path:
        entry.weights.unlink(missing_ok=True)


def _converted_file(source: Path, folder: Path) -> Path:
    try:
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{source.name} cannot be read: {error.strerror}.") from error
    weights = folder / f"{sha256}{OUR_SUFFIX}"
    if _is_readable(weights):
        return weights
    if convert_checkpoint(source, weights).sha256 != sha256:
        weights.unlink(missing_ok=True)
        raise CheckpointError(f"{source.name} was changed while it was being converted.")
    return weights


def _is_readable(weights: Path) -> bool:
    try:
        read_header(weights)
    except (CheckpointError, OSError):
        return False
    return True

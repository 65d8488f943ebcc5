"""The checkpoints folder itself: where unfinished work lies, checking a bundle, taking one away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from models.manifest import MANIFEST_FILE, BundleFile, Manifest, read_manifest, read_verified
from models.weights import CheckpointError

# Hidden, so that the server never lists what is unfinished; in the same folder, so that renaming is atomic.
INCOMING = ".incoming"


class FolderError(Exception):
    """Something that is not done to the folder. The message is one sentence for the person who asked."""


@dataclass(frozen=True)
class CheckedFile:
    """A file that a manifest names; problem is empty where it is the one it should be."""

    file: str
    problem: str


def incoming(folder: Path) -> Path:
    """The place for what is unfinished. Raises FolderError."""
    place = folder / INCOMING
    if place.is_symlink():
        raise FolderError(f"{place} is a link; it has to be a folder of its own.")
    place.mkdir(parents=True, exist_ok=True)
    return place


def leave(folder: Path) -> None:
    """The place for what is unfinished goes when nothing is in it."""
    with suppress(OSError):
        (folder / INCOMING).rmdir()


@contextmanager
def staging(folder: Path, name: str) -> Iterator[Path]:
    """An empty folder to build something in; nothing of it is left at the end, unless it was renamed."""
    place = incoming(folder) / f"{name}.{os.getpid()}.new"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        leave(folder)


def put_in_place(folder: Path, built: Path, name: str) -> None:
    """Rename the finished bundle built to folder/name. One that is there leaves as the new one comes."""
    place = folder / name
    if not os.path.lexists(place):
        built.rename(place)
        return
    with _taken_away(folder, place) as old:
        try:
            built.rename(place)
        except OSError:
            old.rename(place)
            raise


def remove_bundle(folder: Path, place: Path) -> None:
    """Delete the bundle folder place, which lies directly in folder. Raises FolderError, OSError."""
    with _taken_away(folder, place):
        pass


def check_is_bundle(folder: Path, place: Path) -> None:
    """Raises FolderError for anything but a bundle that lies itself, not as a link, in folder."""
    if place.parent != folder or place.name in ("", ".", ".."):
        raise FolderError(f"{place} does not lie in {folder}.")
    if place.is_symlink():
        raise FolderError(f"{place} is a link to something elsewhere; remove the link yourself.")
    if not (place / MANIFEST_FILE).is_file():
        raise FolderError(f"{place} is not a bundle: it has no {MANIFEST_FILE}.")


def bundle_files(manifest: Manifest) -> list[BundleFile]:
    """Every file that a manifest names, with the hash that it must have."""
    networks = (manifest.generator, manifest.flow, manifest.attributes, manifest.encoder)
    pictures = [BundleFile(picture.file, picture.sha256) for picture in manifest.gallery]
    return [entry for entry in networks if entry is not None] + pictures


def verify_bundle(place: Path) -> list[CheckedFile]:
    """Every file that the manifest names, read and hashed again."""
    try:
        manifest = read_manifest(place)
    except CheckpointError as error:
        return [CheckedFile(MANIFEST_FILE, str(error))]
    checked = []
    for entry in bundle_files(manifest):
        try:
            read_verified(place, entry)
        except CheckpointError as error:
            checked.append(CheckedFile(entry.file, str(error)))
        else:
            checked.append(CheckedFile(entry.file, ""))
    return checked


@contextmanager
def _taken_away(folder: Path, place: Path) -> Iterator[Path]:
    """The bundle under a hidden name; deleted at the end, unless that end is an exception."""
    check_is_bundle(folder, place)
    old = incoming(folder) / f"{place.name}.{os.getpid()}.old"
    shutil.rmtree(old, ignore_errors=True)
    place.rename(old)
    yield old
    shutil.rmtree(old)
    leave(folder)

"""What lies in the checkpoints folder: bundle folders and checkpoint files, each under a name of its own.

Reads manifests and headers only, and those again only where a place has changed since the last look.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.manifest import MANIFEST_FILE
from models.weights import CheckpointError
from server.engine.description import describe_bundle, describe_file
from server.engine.interface import ModelDescription

log = logging.getLogger(__name__)

OUR_SUFFIX = ".safetensors"
MANIFEST_SUFFIX = Path(MANIFEST_FILE).suffix
FOREIGN_SUFFIXES = (".pkl", ".pt", ".pth")
UNEXPECTED = "It could not be read; the server's log says why."
LONGEST_NAME = 64

# Name, size, time of change and inode of each file of a place: what shows that one was replaced.
Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Place:
    """A bundle folder, or a checkpoint file outside of one, as it was found."""

    path: Path
    signature: Signature

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size, _, _ in self.signature)


@dataclass(frozen=True, eq=False)
class Entry:
    """A place under its name. Where it has neither weights nor a reason, it waits for its conversion.

    weights: the bundle folder or the safetensors file to load. reason: why there is none to load.
    """

    name: str
    place: Place
    weights: Path | None = None
    description: ModelDescription | None = None
    reason: str = ""

    @property
    def is_waiting(self) -> bool:
        return self.weights is None and not self.reason


def scan(folder: Path, known: Sequence[Entry]) -> tuple[Entry, ...]:
    """An entry for each place of folder: bundles first, then files, in the order of their names.

    known: the entries of the last scan. Those whose places have not changed are kept, and a place that has
    changed keeps its name, whatever comes beside it.
    """
    places = list(_places(folder))
    present = {place.path for place in places}
    earlier = {entry.place.path: entry for entry in known if entry.place.path in present}
    taken = {entry.name for entry in earlier.values()}
    found: list[Entry] = []
    for place in places:
        before = earlier.get(place.path)
        if before is not None and before.place.signature == place.signature and _is_still_there(before):
            found.append(before)
            continue
        entry = described(place)
        name = before.name if before is not None else _free_name(entry.name, taken)
        taken.add(name)
        found.append(named(entry, name))
    return tuple(found)


def place_at(path: Path) -> Place | None:
    """The bundle folder or file at path as it is now; None where there is none any more."""
    files = [path]
    try:
        if path.is_dir():
            files = sorted(child for child in path.iterdir() if child.suffix in (OUR_SUFFIX, MANIFEST_SUFFIX))
        stats = [(file.name, file.stat()) for file in files]
    except OSError:
        return None
    return Place(path, tuple((name, s.st_size, s.st_mtime_ns, s.st_ino) for name, s in stats))


def described(place: Place) -> Entry:
    """The entry of a place, under the name that it would like to have."""
    path = place.path
    if path.is_dir():
        return described_weights(slug(path.name), place, path)
    if path.suffix in FOREIGN_SUFFIXES:
        return Entry(slug(path.stem), place)
    return described_weights(slug(path.stem), place, path)


def described_weights(name: str, place: Place, weights: Path) -> Entry:
    """The entry of a place whose weights are a bundle or a safetensors file: usable, or refused."""
    try:
        if weights.is_dir():
            description = describe_bundle(weights)
            name = description.name
        else:
            description = replace(describe_file(weights, place.path.name), name=name)
    except CheckpointError as error:
        return Entry(name, place, reason=str(error))
    except Exception:
        log.exception("%s cannot be read", place.path)
        return Entry(name, place, reason=UNEXPECTED)
    return Entry(name, place, weights, description)


def named(entry: Entry, name: str) -> Entry:
    """The same entry under another name."""
    description = entry.description and replace(entry.description, name=name)
    return replace(entry, name=name, description=description)


def slug(text: str) -> str:
    """A model name made of a file's name: lower case letters, digits, - and _."""
    plain = re.sub(r"[^a-z0-9_]+", "-", text.lower()).lstrip("-_").rstrip("-")
    return plain[:LONGEST_NAME] or "model"


def _places(folder: Path) -> Iterator[Place]:
    try:
        children = sorted(child for child in folder.iterdir() if not child.name.startswith("."))
    except OSError:
        return
    # os.path.isfile: what may not be looked at is no model, and no error either
    bundles = [child for child in children if os.path.isfile(child / MANIFEST_FILE)]
    files = [child for child in children if child.suffix in (OUR_SUFFIX, *FOREIGN_SUFFIXES)]
    for path in (*bundles, *(path for path in files if os.path.isfile(path))):
        place = place_at(path)
        if place is not None:
            yield place


def _is_still_there(entry: Entry) -> bool:
    """Converted weights lie outside of the place, and somebody may have cleared them away."""
    return entry.weights is None or entry.weights.exists()


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        suffix = f"-{number}"
        name, number = wanted[: LONGEST_NAME - len(suffix)] + suffix, number + 1
    return name

"""A bundle folder's manifest: what a model is called, which files it has and their sha256.

manifest.json  {"format": "latentloom-bundle", "version": 1, "name": "demo", "title": ..., ...}
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from models.weights import CheckpointError

MANIFEST_FILE = "manifest.json"
_FORMAT, _VERSION = "latentloom-bundle", 1
_MAX_BYTES = 2**20
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # a plain name: a manifest cannot point elsewhere
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Source:
    """The file that a weight file was converted from."""

    file: str  # its name, for people; nothing opens it
    sha256: str
    url: str | None  # from where it was fetched; None for a file that was at hand
    converter: str  # which program made ours of it, with its version


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle folder."""

    file: str
    sha256: str
    source: Source | None = None  # None: made here, or added before sources were noted
    size: int | None = None  # bytes, for people: what is checked is the hash


@dataclass(frozen=True)
class GalleryPicture:
    """A small picture of a seed at the default truncation, to start from."""

    seed: int
    file: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """flow and attributes are None for a model whose faces cannot be edited by attribute."""

    name: str  # in addresses and settings: lower case, digits, - and _
    title: str
    description: str
    licence: str
    generator: BundleFile
    flow: BundleFile | None
    attributes: BundleFile | None
    default_psi: float
    seeds: tuple[int, ...]  # pictures good to open with
    layers: Mapping[str, tuple[int, ...]] | None = None  # models.editing.layer_rules; None: StyleFlow's
    mix_borders: tuple[int, int] | None = None  # first row of the middle and of the fine ones; None: 4 and 8
    encoder: BundleFile | None = None  # of first guesses for photos; None: projections begin at the mean face
    gallery: tuple[GalleryPicture, ...] = ()
    training: tuple[Mapping[str, str | int], ...] = ()  # commands, seeds and versions; for people


def read_manifest(folder: Path) -> Manifest:
    """Raises CheckpointError where the manifest is missing or wrong."""
    try:
        with (folder / MANIFEST_FILE).open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"The folder {folder.name} has no {MANIFEST_FILE} that can be read.") from error
    try:
        values = json.loads(data) if len(data) <= _MAX_BYTES else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        raise CheckpointError(f"{MANIFEST_FILE} in {folder.name} is not the manifest of a bundle.")
    if values.get("version") != _VERSION:
        raise CheckpointError(f"{MANIFEST_FILE} in {folder.name} is not of version {_VERSION}.")
    return parse_manifest(values)


def parse_manifest(values: Mapping[str, object]) -> Manifest:
    """Manifest from JSON values; CheckpointError names the entry that is wrong."""
    name = values.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong("name")
    psi = values.get("default_psi")
    if not isinstance(psi, int | float) or isinstance(psi, bool) or not math.isfinite(psi):
        raise _wrong("default_psi")
    seeds = values.get("seeds")
    if not isinstance(seeds, list | tuple) or not all(type(s) is int and 0 <= s < 2**31 for s in seeds):
        raise _wrong("seeds")
    generator = _file(values, "generator")
    if generator is None:
        raise _wrong("generator")
    return Manifest(
        name=name,
        title=_text(values, "title"),
        description=_text(values, "description"),
        licence=_text(values, "licence"),
        generator=generator,
        flow=_file(values, "flow"),
        attributes=_file(values, "attributes"),
        default_psi=float(psi),
        seeds=tuple(seeds),
        layers=_layers(values),
        mix_borders=_mix_borders(values),
        encoder=_file(values, "encoder"),
        gallery=_gallery(values),
        training=_training(values),
    )


def manifest_json(manifest: Manifest) -> bytes:
    """What read_manifest reads."""
    values = {"format": _FORMAT, "version": _VERSION, **asdict(manifest)}
    for part in ("generator", "flow", "attributes", "encoder"):
        for optional in ("source", "size"):
            if values[part] is not None and values[part][optional] is None:
                del values[part][optional]
    for optional in ("layers", "mix_borders", "encoder", "gallery", "training"):
        if not values[optional]:
            del values[optional]
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def read_verified(folder: Path, entry: BundleFile) -> bytes:
    """The file's bytes, read once and hashed: what is returned is what was verified.

    Raises CheckpointError where the file is missing or is not the one the manifest was written for.
    """
    try:
        data = (folder / entry.file).read_bytes()
    except OSError as error:
        raise CheckpointError(f"{entry.file} of the bundle {folder.name} cannot be read.") from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != entry.sha256:
        raise CheckpointError(
            f"{entry.file} of the bundle {folder.name} is not the file its manifest names"
            f" (sha256 {actual[:12]}..., expected {entry.sha256[:12]}...)."
        )
    return data


def _file(values: Mapping[str, object], key: str) -> BundleFile | None:
    entry = values.get(key)
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise _wrong(key)
    file, sha256 = entry.get("file"), entry.get("sha256")
    if not isinstance(file, str) or not isinstance(sha256, str):
        raise _wrong(key)
    if not _FILE.fullmatch(file) or not _SHA256.fullmatch(sha256):
        raise _wrong(key)
    size = entry.get("size")
    if size is not None and not (type(size) is int and size >= 0):
        raise _wrong(key)
    return BundleFile(file, sha256, _source(entry.get("source"), f"{key}.source"), size)


def _gallery(values: Mapping[str, object]) -> tuple[GalleryPicture, ...]:
    entries = values.get("gallery") or []
    if not isinstance(entries, list | tuple) or len(entries) > 1000:
        raise _wrong("gallery")
    pictures = []
    for entry in entries:
        file = _file({"gallery": entry}, "gallery")
        seed = entry.get("seed") if isinstance(entry, dict) else None
        if file is None or type(seed) is not int or not 0 <= seed < 2**31:
            raise _wrong("gallery")
        pictures.append(GalleryPicture(seed, file.file, file.sha256))
    return tuple(pictures)


def _training(values: Mapping[str, object]) -> tuple[Mapping[str, str | int], ...]:
    entries = values.get("training") or []
    if not isinstance(entries, list | tuple) or len(entries) > 1000:
        raise _wrong("training")
    for entry in entries:
        if not isinstance(entry, dict) or not all(type(v) in (str, int) for v in entry.values()):
            raise _wrong("training")
    return tuple(entries)


def _source(values: object, key: str) -> Source | None:
    if values is None:
        return None
    if not isinstance(values, dict):
        raise _wrong(key)
    file, sha256, converter = (_text(values, name, key) for name in ("file", "sha256", "converter"))
    if not _SHA256.fullmatch(sha256):
        raise _wrong(key)
    return Source(file, sha256, None if values.get("url") is None else _text(values, "url", key), converter)


def _layers(values: Mapping[str, object]) -> Mapping[str, tuple[int, ...]] | None:
    entry = values.get("layers")
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise _wrong("layers")
    for rows in entry.values():
        if not isinstance(rows, list | tuple) or not all(type(row) is int and 0 <= row < 64 for row in rows):
            raise _wrong("layers")
    return {name: tuple(rows) for name, rows in entry.items()}


def _mix_borders(values: Mapping[str, object]) -> tuple[int, int] | None:
    entry = values.get("mix_borders")
    if entry is None:
        return None
    if not isinstance(entry, list | tuple) or len(entry) != 2 or not all(type(row) is int for row in entry):
        raise _wrong("mix_borders")
    middle, fine = entry
    if not 0 < middle < fine < 64:
        raise _wrong("mix_borders")
    return middle, fine


def _text(values: Mapping[str, object], name: str, key: str = "") -> str:
    """The text under name; an error names key, which is name itself where it is not given."""
    text = values.get(name)
    if not isinstance(text, str) or len(text) > 10_000:
        raise _wrong(key or name)
    return text


def _wrong(key: str) -> CheckpointError:
    return CheckpointError(f"The entry {key!r} of this bundle's manifest is missing or wrong.")

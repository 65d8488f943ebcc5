"""`latentloom checkpoints add`: a model of the registry, or a file at hand, made a bundle of the folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.checkpoints.lock import LOCK_FILE, Recorded, read_lock, record
from server.checkpoints.registry import Entry, Registry, RegistryError, is_name, read_registry, registry_of
from server.commands.checkpoints_named import bundle_named
from server.commands.terminal import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_USAGE,
    byte_progress,
    refused,
    shown,
    stop,
)
from server.settings import Settings

if TYPE_CHECKING:
    from models.manifest import Manifest
    from server.checkpoints.adding import Original, Texts
    from server.checkpoints.fetching import Expected

NOT_STATED = "Not stated: ask those who made the file."
DEFAULT_PSI = 0.7


@dataclass(frozen=True)
class Wish:
    """What the command line says beside what is to be added."""

    folder: Path
    name: str | None
    title: str | None
    licence: str | None
    bundle: Path | None  # of --to: where the flow belongs
    force: bool
    allow_unpinned: bool


def add(
    what: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A name of the registry, or a file.")],
    name: Annotated[str | None, typer.Option(help="What to call the bundle.")] = None,
    title: Annotated[str | None, typer.Option(help="What the page calls it.")] = None,
    licence: Annotated[str | None, typer.Option(help="Under what the file may be used.")] = None,
    to: Annotated[
        str | None, typer.Option(metavar="BUNDLE", help="Of a flow: the model that it is put into.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the bundle of that name, or with --to the flow in it.")
    ] = False,
    allow_unpinned: Annotated[
        bool, typer.Option("--allow-unpinned", help="Take another file than the one recorded at first use.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was added as JSON.")] = False,
    checkpoints_dir: Annotated[Path | None, typer.Option(help="Folder of models (./checkpoints).")] = None,
) -> None:
    """Add a model to the checkpoints folder: fetched by its name in the registry, or from a file.

    The file is read in a process of its own, without running anything of it, and converted. A download that
    was interrupted goes on where it stopped.
    """
    folder = checkpoints_dir or Settings().checkpoints_dir
    with _told():
        bundle = bundle_named(folder, to).place.path if to is not None else None
        wish = Wish(folder, name, title, licence, bundle, force, allow_unpinned)
        registry = read_registry(registry_of(folder))
        entry = registry.entries.get(what)
        if entry is None:
            manifest = _add_file(Path(what), registry, wish)
        else:
            manifest = _add_entry(entry, registry, wish)
        _report(folder / manifest.name if bundle is None else bundle, manifest, bundle is not None, as_json)


@contextmanager
def _told() -> Iterator[None]:
    """Each failure as one sentence and an exit code."""
    # Late, because torch takes seconds to import and --help should not.
    from models.weights import CheckpointError
    from server.checkpoints.download import DownloadError, WrongFileError
    from server.checkpoints.folder import FolderError

    try:
        yield
    except FolderError as error:
        stop(str(error), EXIT_USAGE)
    except WrongFileError as error:
        stop(str(error), EXIT_REFUSED)
    except (DownloadError, RegistryError) as error:
        stop(str(error), EXIT_FAILED)
    except CheckpointError as error:
        refused(error)
    except OSError as error:
        stop(
            f"{error.filename or 'The checkpoints folder'} cannot be written: {error.strerror}.", EXIT_FAILED
        )
    except KeyboardInterrupt:
        stop("Stopped. What has arrived is kept: the same command goes on from there.", EXIT_FAILED)


def _add_entry(entry: Entry, registry: Registry, wish: Wish) -> Manifest:
    """Fetched, compared with what is known of it, and added."""
    from server.checkpoints.adding import check_place
    from server.checkpoints.fetching import expectation
    from server.checkpoints.folder import leave

    if entry.url is None:
        stop(
            f"{entry.name} cannot be fetched by a program. Download {entry.file_name} from {entry.by_hand}"
            f" yourself, then: latentloom checkpoints add {entry.file_name} --name {entry.name}",
            EXIT_USAGE,
        )
    texts = _texts(wish, entry.name, entry.title, entry, registry)
    check_place(wish.folder, texts.name, wish.bundle, is_flow=entry.is_flow, replace=wish.force)
    recorded = read_lock(wish.folder / LOCK_FILE).get(entry.name)
    expected = expectation(entry, recorded, allow_unpinned=wish.allow_unpinned)
    typer.echo(f"Licence: {shown(registry.licence(entry).text)}", err=True)
    if expected.sha256 is None:
        typer.echo(
            "No sha256 of this file is known. What arrives now is believed, and recorded in"
            f" {LOCK_FILE}; later downloads are compared with it.",
            err=True,
        )
    try:
        return _fetch_and_put(entry, entry.url, expected, texts, wish)
    finally:
        leave(wish.folder)


def _fetch_and_put(entry: Entry, url: str, expected: Expected, texts: Texts, wish: Wish) -> Manifest:
    from models.weights import CheckpointError
    from server.checkpoints.adding import Original
    from server.checkpoints.fetching import fetch
    from server.checkpoints.folder import incoming

    with byte_progress(entry.file_name) as progress:
        fetched = fetch(entry, incoming(wish.folder), expected, progress)
    try:
        manifest = _put(Original(fetched.path, entry.file_name, url, fetched.sha256), texts, wish)
    except CheckpointError as error:
        if not isinstance(error.__cause__, OSError):  # then it is worth another try
            fetched.path.unlink(missing_ok=True)
        raise
    if entry.sha256 is None:
        recorded = Recorded(url=url, sha256=fetched.sha256, bytes=fetched.bytes)
        record(wish.folder / LOCK_FILE, entry.name, recorded)
    fetched.path.unlink(missing_ok=True)
    return manifest


def _add_file(path: Path, registry: Registry, wish: Wish) -> Manifest:
    """A file at hand. One that is in the registry gets its title and licence from there."""
    from server.checkpoints.adding import Original
    from server.engine.catalogue import slug

    if not path.is_file():
        stop(
            f"{path} is neither a file nor a name of the registry; `latentloom checkpoints list --available`"
            " shows the names.",
            EXIT_USAGE,
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    known = [entry for entry in registry.entries.values() if entry.sha256 == sha256]
    by_hand = [entry for entry in registry.entries.values() if entry.by_hand and entry.name == wish.name]
    entry = next(iter(known + by_hand), None)
    url = known[0].url if known else None
    name, title = (entry.name, entry.title) if entry else (slug(path.stem), path.stem)
    texts = _texts(wish, name, title, entry, registry)
    return _put(Original(path, path.name, url, sha256), texts, wish)


def _texts(wish: Wish, name: str, title: str, entry: Entry | None, registry: Registry) -> Texts:
    """What the new bundle's manifest will say; name and title where the command line does not say them."""
    from server.checkpoints.adding import Texts

    name = name if wish.name is None else wish.name
    if not is_name(name):
        stop(f"{name} is no name for a model: lower-case letters, digits, - and _ can be in it.", EXIT_USAGE)
    licence = wish.licence or (registry.licence(entry).text if entry else NOT_STATED)
    description, psi = (entry.note or "", entry.default_psi) if entry else ("", DEFAULT_PSI)
    return Texts(name, wish.title or title, description, licence, psi)


def _put(original: Original, texts: Texts, wish: Wish) -> Manifest:
    from server.checkpoints.adding import add_flow, add_generator

    if wish.bundle is not None:
        return add_flow(wish.folder, original, wish.bundle, replace=wish.force)
    return add_generator(wish.folder, original, texts, replace=wish.force)


def _report(place: Path, manifest: Manifest, is_flow: bool, as_json: bool) -> None:
    """What is there now, and whether the page can show it."""
    from server.engine.catalogue import described, place_at

    added = manifest.flow if is_flow else manifest.generator
    assert added is not None and added.source is not None
    found = place_at(place)
    problem = described(found).reason if found is not None else "It is gone already."
    if as_json:
        report = {
            "name": manifest.name,
            "bundle": str(place),
            "kind": "flow" if is_flow else "generator",
            "file": added.file,
            "sha256": added.sha256,
            "source": {
                "file": added.source.file,
                "sha256": added.source.sha256,
                "url": added.source.url,
            },
            "licence": manifest.licence,
            "problem": problem,
        }
        typer.echo(json.dumps(report))
        return
    what = f"The flow of {added.source.file} is in" if is_flow else f"{added.source.file} is now"
    typer.echo(shown(f"{what} {place} (sha256 of the source: {added.source.sha256})."))
    if problem:
        typer.echo(shown(f"The page cannot show it: {problem}"), err=True)
    if is_flow and manifest.attributes is None:
        typer.echo("Sliders need an attribute estimator in the same bundle, too.", err=True)

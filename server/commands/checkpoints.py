"""`latentloom checkpoints`: the models of the checkpoints folder; list, add, verify and remove them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from server.checkpoints.registry import Registry, RegistryError, read_registry, registry_of
from server.commands.checkpoints_add import add
from server.commands.checkpoints_named import bundle_named, listed
from server.commands.terminal import EXIT_FAILED, EXIT_REFUSED, EXIT_USAGE, shown, shown_size, stop
from server.settings import Settings

if TYPE_CHECKING:
    from server.engine.catalogue import Entry

WIDTH_OF_A_PIPE = 1000  # a table for grep is not folded

checkpoints = typer.Typer(
    name="checkpoints", help="The models of the checkpoints folder.", no_args_is_help=True
)
checkpoints.command()(add)

Folder = Annotated[Path | None, typer.Option("--checkpoints-dir", help="Folder of models (./checkpoints).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@checkpoints.command("list")
def list_checkpoints(
    available: Annotated[
        bool, typer.Option("--available", help="Also what the registry has and the folder does not.")
    ] = False,
    as_json: AsJson = False,
    checkpoints_dir: Folder = None,
) -> None:
    """What is in the folder, whether it can be used, and under which licence it is."""
    folder = checkpoints_dir or Settings().checkpoints_dir
    models = [_facts(entry) for entry in listed(folder)]
    report: dict[str, Any] = {"folder": str(folder), "checkpoints": models}
    if available:
        try:
            registry = read_registry(registry_of(folder))
        except RegistryError as error:
            stop(str(error), EXIT_FAILED)
        report["available"] = _available(registry, folder)
    if as_json:
        typer.echo(json.dumps(report))
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_PIPE)
    if models:
        console.print(_models_table(models))
    else:
        typer.echo(f"There are no models in {shown(str(folder))}.")
    if available:
        console.print(_available_table(report["available"]))


@checkpoints.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="One model; without it, all.")] = None,
    as_json: AsJson = False,
    checkpoints_dir: Folder = None,
) -> None:
    """Hash every file again and compare it with the manifest of its bundle."""
    from server.checkpoints.folder import verify_bundle

    folder = checkpoints_dir or Settings().checkpoints_dir
    if name is None:
        bundles = [entry for entry in listed(folder) if entry.place.path.is_dir()]
    else:
        bundles = [bundle_named(folder, name)]
    checked = {entry.name: verify_bundle(entry.place.path) for entry in bundles}
    if as_json:
        files = {
            bundle: [{"file": one.file, "problem": one.problem} for one in found]
            for bundle, found in checked.items()
        }
        typer.echo(json.dumps({"folder": str(folder), "checkpoints": files}))
    else:
        for bundle, found in checked.items():
            for one in found:
                typer.echo(shown(f"{bundle}: {one.problem or f'{one.file} is as it should be.'}"))
    if any(one.problem for found in checked.values() for one in found):
        raise typer.Exit(EXIT_REFUSED)


@checkpoints.command()
def remove(
    name: Annotated[str, typer.Argument(help="The model to delete.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    checkpoints_dir: Folder = None,
) -> None:
    """Delete a bundle folder with everything in it."""
    from server.checkpoints.folder import FolderError, check_is_bundle, remove_bundle

    folder = checkpoints_dir or Settings().checkpoints_dir
    entry = bundle_named(folder, name)
    place, size = entry.place.path, shown_size(entry.place.size_bytes)
    try:
        check_is_bundle(folder, place)
        if not yes and not typer.confirm(f"Delete {shown(str(place))} ({size})?"):
            stop("Nothing was deleted.", EXIT_FAILED)
        remove_bundle(folder, place)
    except FolderError as error:
        stop(str(error), EXIT_USAGE)
    except OSError as error:
        stop(f"{place} cannot be deleted: {error.strerror}.", EXIT_FAILED)
    typer.echo(shown(f"{place} is deleted ({size})."))


def _facts(entry: Entry) -> dict[str, Any]:
    about = entry.description
    state = "refused" if entry.reason else "waiting" if about is None else "usable"
    return {
        "name": entry.name,
        "source": entry.place.path.name,
        "state": state,
        "reason": entry.reason,
        "title": about.title if about else "",
        "licence": about.licence if about else "",
        "resolution": about.img_resolution if about else None,
        "img_channels": about.img_channels if about else None,
        "editable": bool(about and about.attributes),
        "bytes": entry.place.size_bytes,
    }


def _available(registry: Registry, folder: Path) -> list[dict[str, Any]]:
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "kind": entry.kind,
            "resolution": entry.resolution,
            "bytes": entry.bytes,
            "sha256": entry.sha256,
            "url": entry.url,
            "by_hand": entry.by_hand,
            "homepage": entry.homepage,
            "licence": registry.licence(entry).text,
            "non_commercial": registry.licence(entry).non_commercial,
        }
        for entry in registry.entries.values()
        if not (folder / entry.name).exists()
    ]


def _models_table(models: list[dict[str, Any]]) -> Table:
    table = Table(Column("name", no_wrap=True), "state", "picture", "size", "title", "licence", box=None)
    for model in models:
        picture = f"{model['resolution']}{' grey' if model['img_channels'] == 1 else ''}"
        state = "waiting: converted when the server runs" if model["state"] == "waiting" else model["state"]
        table.add_row(
            *_cells(
                model["name"],
                state,
                picture if model["resolution"] else "",
                shown_size(model["bytes"]),
                model["reason"] or model["title"],
                model["licence"],
            )
        )
    return table


def _available_table(entries: list[dict[str, Any]]) -> Table:
    table = Table(Column("can be added", no_wrap=True), "picture", "size", "title", "licence", box=None)
    for entry in entries:
        table.add_row(
            *_cells(
                entry["name"],
                str(entry["resolution"] or "flow"),
                shown_size(entry["bytes"]) if entry["bytes"] else "not stated",
                entry["title"] + (" (by hand)" if entry["by_hand"] else ""),
                "non-commercial" if entry["non_commercial"] else entry["licence"],
            )
        )
    return table


def _cells(*texts: str) -> list[Text]:
    return [Text(shown(text)) for text in texts]

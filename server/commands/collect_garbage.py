"""`latentloom collect-garbage`: remove latents and files that nothing names any more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from server.commands.stored import opened_storage
from server.storage import garbage


def collect_garbage(
    data_dir: Annotated[Path | None, typer.Option(help="The server's data folder (./data).")] = None,
    older_than: Annotated[
        float, typer.Option("--older-than", min=1, help="Hours that it must have been there.")
    ] = garbage.COLLECTED_AFTER / timedelta(hours=1),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove latents that no document names, and files that no row names. The server may be running."""
    age = timedelta(hours=older_than)
    with opened_storage(data_dir) as (database, blobs):
        if dry_run:
            found = garbage.foreseen(database, blobs, age)
            typer.echo(f"latents that would be deleted: {found.latents}")
            typer.echo(f"files that would be discarded: {found.discarded}")
            typer.echo(f"discarded files that would be erased: {found.erased}")
            return
        done = garbage.collect(database, blobs, age)
        typer.echo(f"latents deleted: {done.latents}")
        typer.echo(f"files discarded, to be erased when this runs later: {done.discarded}")
        typer.echo(f"discarded files erased: {done.erased}, brought back: {done.restored}")

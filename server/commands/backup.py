"""`latentloom backup`, `restore` and `export-session`: archives of what a server keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from server.commands.stored import opened_storage, settings_of
from server.commands.terminal import EXIT_FAILED, EXIT_REFUSED, EXIT_USAGE, shown_size, stop
from server.problems import Problem
from server.storage import restoring
from server.storage.archive import Archive, UnusableArchiveError
from server.storage.backing_up import Written, back_up
from server.storage.blob_places import open_blobs
from server.storage.blobs import UnusableBlobsError
from server.storage.connections import UnusableDatabaseError, database_url
from server.storage.session_archive import export_sessions, sessions_of

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="The server's data folder (./data).")]
NewFile = Annotated[Path, typer.Argument(help="The file to write, which must not exist.", dir_okay=False)]


def backup(target: NewFile, data_dir: DataDir = None) -> None:
    """Write everything that a server keeps into one file: rows, photos, latents. It may be running."""
    with opened_storage(data_dir) as (database, blobs), _files_said():
        _say(target, back_up(database, blobs, target))


def export_session(
    target: NewFile,
    sessions: Annotated[list[UUID] | None, typer.Option("--session", help="Of this session.")] = None,
    user: Annotated[str | None, typer.Option(help="Of all sessions of a user of the token file.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write one person's documents, photos and latents into one ZIP, which restore adds elsewhere.

    Without --session and --user: all sessions of a server that has one user.
    """
    if sessions and user is not None:
        stop("Say --session or --user.", EXIT_USAGE)
    with opened_storage(data_dir) as (database, blobs), _files_said():
        chosen = tuple(sessions or sessions_of(database, user or ""))
        _say(target, export_sessions(database, blobs, chosen, target))


def restore(
    source: Annotated[Path, typer.Argument(help="A file that backup or export-session wrote.")],
    data_dir: DataDir = None,
    user: Annotated[str, typer.Option(help="Whose the sessions of export-session become.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace all that is there.")] = False,
) -> None:
    """Restore a backup into an empty place, or add exported sessions. Stop the server first."""
    settings = settings_of(data_dir)
    try:
        with closing(Archive(source)) as archive:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            url = database_url(settings.database)
            blobs = open_blobs(settings.blobs_url, settings.data_dir / "blobs")
            if archive.manifest.holds == "sessions":
                restoring.add_sessions(archive, url, blobs, user)
            elif force:
                restoring.replace_everything(archive, url, blobs)
            else:
                restoring.restore_everything(archive, url, blobs)
            rows = sum(table.rows for table in archive.manifest.tables)
            typer.echo(f"restored {rows} rows and {len(archive.keys())} files")
    except UnusableArchiveError as error:
        stop(f"{error} Nothing was restored.", EXIT_REFUSED)
    except restoring.OccupiedError as error:
        advice = "" if archive.manifest.holds == "sessions" else " --force replaces it."
        stop(f"{error}{advice} Nothing was restored.", EXIT_FAILED)
    except (UnusableDatabaseError, UnusableBlobsError) as error:
        stop(str(error), EXIT_FAILED)
    except Problem as problem:
        stop(f"{problem.detail} {problem.hint}".strip(), EXIT_FAILED)


@contextmanager
def _files_said() -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        stop(f"{error.args[0]} exists already; name another file.", EXIT_USAGE)
    except OSError as error:
        stop(f"The archive cannot be written: {error.strerror}.", EXIT_FAILED)


def _say(target: Path, written: Written) -> None:
    rows, size = sum(written.rows.values()), shown_size(target.stat().st_size)
    typer.echo(f"{target}: {rows} rows and {len(written.blobs)} files, {size}")
    if written.missing:
        stop(
            f"{len(written.missing)} files that rows name are missing or damaged: the archive lacks them.",
            EXIT_FAILED,
        )

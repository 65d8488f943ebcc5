"""How commands speak and end: exit codes, one sentence on an error, a bar while bytes arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3  # a checkpoint that cannot be used


def stop(message: str, code: int) -> NoReturn:
    """Say why on stderr, and end with that exit code."""
    typer.echo(shown(message), err=True)
    raise typer.Exit(code)


def refused(error: Exception) -> NoReturn:
    """Stop because of a checkpoint that cannot be used, or of a disk that cannot be read or written."""
    stop(str(error), EXIT_FAILED if isinstance(error.__cause__, OSError) else EXIT_REFUSED)


def shown(text: str) -> str:
    """Text from a file without control characters, which can do more to a terminal than print."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def shown_size(size: int) -> str:
    """As disks and downloads are counted, in powers of ten."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size:,} bytes"


@contextmanager
def byte_progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr, moved by what is yielded: bytes so far, and of how many where that is known."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(shown(title), total=None)

        def move(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield move

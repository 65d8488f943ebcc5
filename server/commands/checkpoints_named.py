"""Which place of the checkpoints folder a name on the command line means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from server.commands.terminal import EXIT_USAGE, stop

if TYPE_CHECKING:
    from server.engine.catalogue import Entry


def listed(folder: Path) -> tuple[Entry, ...]:
    """What the server would list, refused or not."""
    # Late, because torch takes seconds to import and --help should not.
    from server.engine.catalogue import scan

    return scan(folder, ())


def bundle_named(folder: Path, name: str) -> Entry:
    """The bundle that is listed under that name. Ends the command where there is none."""
    entry = next((entry for entry in listed(folder) if entry.name == name), None)
    if entry is None:
        stop(f"There is no model {name} in {folder}.", EXIT_USAGE)
    if not entry.place.path.is_dir():
        stop(f"{entry.place.path} is a single file, not a bundle.", EXIT_USAGE)
    return entry

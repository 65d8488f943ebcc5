"""run.json in the folder of a training run: by which commands, versions and seeds its files were made."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.version import product_version

RECORD_FILE = "run.json"


@dataclass(frozen=True)
class Invocation:
    """One start of a training command."""

    command: str
    seed: int
    started: str  # ISO 8601, UTC
    latentloom: str
    torch: str
    python: str


def record_invocation(folder: Path, seed: int) -> None:
    """Note this start, unless the last one noted was the same command and versions: a resumption."""
    from torch import __version__ as torch_version

    now = Invocation(
        command=shlex.join(["latentloom", *sys.argv[1:]]),
        seed=seed,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        latentloom=product_version(),
        torch=str(torch_version),
        python=platform.python_version(),
    )
    noted = read_invocations(folder)
    if noted and {**noted[-1], "started": ""} == {**asdict(now), "started": ""}:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD_FILE).write_text(json.dumps([*noted, asdict(now)], indent=2) + "\n", encoding="utf-8")


def read_invocations(folder: Path) -> list[dict[str, object]]:
    """What was noted; empty where nothing was, or where it cannot be read."""
    try:
        noted = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [entry for entry in noted if isinstance(entry, dict)] if isinstance(noted, list) else []

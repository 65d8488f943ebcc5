"""Fetching from the server of file_server.py: what the tests of downloads share."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import pytest

from server.checkpoints.download import Downloaded, DownloadError, DownloadLimits, download
from tests.server.file_server import FileServer

CONTENT = bytes(itertools.islice(itertools.cycle(range(251)), 300_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATIENT = DownloadLimits(pause_s=0.01)


def fetch(server: FileServer, target: Path, path: str = "/network.pkl", **options: Any) -> Downloaded:
    """The file, with no wishes but those in options."""
    wanted = {"sha256": None, "size": None, "progress": lambda _done, _total: None, "limits": PATIENT}
    return download(server.url(path), target, **{**wanted, **options})


def failure(server: FileServer, target: Path, path: str = "/network.pkl", **options: Any) -> str:
    """What the person is told."""
    with pytest.raises(DownloadError) as caught:
        fetch(server, target, path, **options)
    return str(caught.value)


def names(target: Path) -> set[str]:
    """All that lies where target is, or is to be."""
    return {path.name for path in target.parent.iterdir()}

"""registry.lock.toml: the sha256 of files of which none is published, as they were when first fetched.

Trust on first use: what arrives first is believed, and everything later is compared with it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from server.checkpoints.registry import Address, Count, Name, RegistryError, Sha256

LOCK_FILE = "registry.lock.toml"
_HEADER = """\
# Written by `latentloom checkpoints add`: what was fetched from sources that publish no sha256. Later
# downloads are compared with it.

version = 1
"""


class Recorded(BaseModel):
    """What was fetched first."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    url: Address
    sha256: Sha256
    bytes: Count


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    version: int = 1
    checkpoints: dict[Name, Recorded] = {}


def read_lock(path: Path) -> dict[str, Recorded]:
    """By the name in the registry; empty where there is no such file. Raises RegistryError."""
    try:
        content = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValidationError, ValueError) as error:
        raise RegistryError(f"{path} is damaged; put it right, or delete it to record anew.") from error
    return dict(content.checkpoints)


def record(path: Path, name: str, recorded: Recorded) -> None:
    """Add or replace one entry. Raises RegistryError, and OSError where the file cannot be written."""
    from models.weights import replace_file  # late: reading the lock should not wait for torch

    entries = {**read_lock(path), name: recorded}
    tables = [
        f'\n[checkpoints.{key}]\nurl = "{entry.url}"\nsha256 = "{entry.sha256}"\nbytes = {entry.bytes}\n'
        for key, entry in sorted(entries.items())
    ]
    replace_file(path, (_HEADER + "".join(tables)).encode("ascii"))

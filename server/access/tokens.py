"""Access tokens: made at random, kept as SHA-256, and the file of several users."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

TOKEN_BYTES = 32
# Of a token that somebody thought up: long enough, and of characters that headers and cookies take.
GOOD_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{24,512}")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
HASH = re.compile(r"[0-9a-f]{64}")
HEADING = (
    "# Who may use this Latent Loom. A token is kept as its SHA-256, so nobody can read one here.\n"
    "# `latentloom token add|remove|list` changes this file; a running server notices.\n"
)


class TokenFileError(Exception):
    """The token file cannot be used; str() is one sentence for whoever keeps it."""


@dataclass(frozen=True)
class Quotas:
    """How much one user may have; None is no limit. max_queued: projections waiting at the same time."""

    max_sessions: int | None = None
    max_photos: int | None = None
    max_queued: int | None = None


@dataclass(frozen=True)
class User:
    """Somebody who works here. The name is empty where there is one user only."""

    name: str = ""
    quotas: Quotas = Quotas()


@dataclass(frozen=True)
class Entry:
    """A user, and the SHA-256 of their token in hexadecimal digits."""

    user: User
    sha256: str


def new_token() -> str:
    """256 random bits, as 43 characters that URLs and shells take as they are."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of a token. Tokens are as random as the hash is long, so they need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def is_good_token(token: str) -> bool:
    """Whether it may be LATENTLOOM_TOKEN."""
    return GOOD_TOKEN.fullmatch(token) is not None


def is_user_name(name: str) -> bool:
    """Whether a user may be called that."""
    return NAME.fullmatch(name) is not None


def read_token_file(path: Path) -> tuple[Entry, ...]:
    """The users of a token file; none where there is no file yet. Raises TokenFileError."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise TokenFileError(f"The token file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TokenFileError(f"The token file {path} is not a TOML file that can be read.") from error
    users = content.get("users", {})
    if set(content) - {"users"} or not isinstance(users, dict):
        raise TokenFileError(f"The token file {path} may hold [users.<name>] tables only.")
    return tuple(_entry(path, name, values) for name, values in users.items())


def write_token_file(path: Path, entries: tuple[Entry, ...]) -> None:
    """Replace the file as a whole, readable by its owner only. Raises TokenFileError."""
    tables = [_table(entry) for entry in entries]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join([HEADING, *tables]))
        os.replace(temporary, path)
    except OSError as error:
        raise TokenFileError(f"The token file {path} cannot be written: {error.strerror}.") from error


def _entry(path: Path, name: str, values: object) -> Entry:
    allowed = {field.name for field in fields(Quotas)}
    if not is_user_name(name) or not isinstance(values, dict) or set(values) - allowed - {"sha256"}:
        raise TokenFileError(f"The token file {path} has a user whose name or fields are not valid.")
    hashed = values.get("sha256")
    if not isinstance(hashed, str) or not HASH.fullmatch(hashed):
        raise TokenFileError(f"The token file {path} has no sha256 of 64 hexadecimal digits for {name}.")
    return Entry(User(name, _quotas(path, name, values)), hashed)


def _quotas(path: Path, name: str, values: Mapping[str, Any]) -> Quotas:
    limits = {key: value for key, value in values.items() if key != "sha256"}
    if any(type(value) is not int or value < 0 for value in limits.values()):
        raise TokenFileError(f"The token file {path} has a limit for {name} that is not a whole number.")
    return Quotas(**limits)


def _table(entry: Entry) -> str:
    limits = {key: value for key, value in asdict(entry.user.quotas).items() if value is not None}
    lines = [f"{key} = {value}" for key, value in limits.items()]
    return "\n".join([f"[users.{entry.user.name}]", f'sha256 = "{entry.sha256}"', *lines, ""])

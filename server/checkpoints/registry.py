"""The registry: which public checkpoints can be fetched by name, from where and under which licence.

registry.toml is read strictly: an unknown key, a wrong type or an address that is not https is an error.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from server.origins import is_loopback
from server.settings import REPOSITORY

REGISTRY_FILE = "registry.toml"
_MAX_BYTES = 2**20
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # as in a manifest
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class RegistryError(Exception):
    """A registry that cannot be used. The message is one sentence for the person who wrote it."""


def is_name(text: str) -> bool:
    """Whether a checkpoint can be called so: lower-case letters, digits, - and _."""
    return _NAME.fullmatch(text) is not None


def is_permitted(url: str) -> bool:
    """https to a host, without a password; http only to this machine itself, as tests use it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not (url.isascii() and url.isprintable() and host) or " " in url or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _permitted(url: str) -> str:
    if not is_permitted(url):
        raise ValueError("an https address is needed")
    return url


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of text is needed")
    return text


Line = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_one_line)]
Address = Annotated[str, Field(max_length=2000), AfterValidator(_permitted)]
Name = Annotated[str, Field(pattern=f"^{_NAME.pattern}\\z")]
FileName = Annotated[str, Field(pattern=f"^{_FILE_NAME.pattern}\\z")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]
Count = Annotated[int, Field(gt=0, lt=2**40)]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Licence(_Table):
    """Under what a file may be used."""

    name: Line
    url: Address
    non_commercial: bool

    @property
    def text(self) -> str:
        """One line, as it stands in a manifest."""
        return f"{self.name}{', non-commercial' if self.non_commercial else ''}: {self.url}"


class Entry(_Table):
    """One public file. Either url, from where it is fetched, or by_hand, a page for people, is there."""

    name: Name
    title: Line
    kind: Literal["nvidia-pickle", "tensorflow-pickle", "rosinality-pt", "styleflow-pt"]
    url: Address | None = None
    by_hand: Address | None = None
    file: FileName | None = None  # what by_hand leads to
    homepage: Address
    licence: Line  # the key of a licence in the same file
    resolution: Count | None = None  # pixels of a side; of a generator
    img_channels: Count | None = None  # of a generator
    w_dim: Count | None = None  # of a flow
    classes: Count | None = None  # of a generator that draws by class
    bytes: Count | None = None
    sha256: Sha256 | None = None  # None: recorded at first use
    default_psi: Annotated[float, Field(allow_inf_nan=False)] = 0.7
    note: Line | None = None

    @property
    def is_flow(self) -> bool:
        """Whether it is added to a model rather than being one."""
        return self.kind == "styleflow-pt"

    @property
    def file_name(self) -> str:
        """The file as its publisher calls it."""
        return self.file or urlsplit(self.url or "").path.rpartition("/")[2]

    @model_validator(mode="after")
    def _is_complete(self) -> Entry:
        if (self.url is None) == (self.by_hand is None) or (self.by_hand is None) != (self.file is None):
            raise ValueError("either url, or by_hand and file, is needed")
        if not _FILE_NAME.fullmatch(self.file_name):
            raise ValueError("the url must end in a plain file name")
        if self.is_flow and (self.w_dim is None or self.resolution or self.img_channels or self.classes):
            raise ValueError("a flow has w_dim, and neither resolution, img_channels nor classes")
        if not self.is_flow and (self.w_dim or not (self.resolution and self.img_channels)):
            raise ValueError("a generator has resolution and img_channels, and no w_dim")
        return self


class _File(_Table):
    version: Literal[1]
    licences: dict[str, Licence] = {}
    checkpoints: list[Entry] = []


class Registry:
    """Entries by name, in the order of the file."""

    def __init__(self, entries: dict[str, Entry], licences: dict[str, Licence]) -> None:
        self.entries = entries
        self._licences = licences

    def licence(self, entry: Entry) -> Licence:
        """The licence that the entry names."""
        return self._licences[entry.licence]


def registry_of(folder: Path) -> Path:
    """The registry of a checkpoints folder: its own, or else the one that comes with Latent Loom."""
    own = folder / REGISTRY_FILE
    return own if own.exists() else REPOSITORY / "checkpoints" / REGISTRY_FILE


def read_registry(path: Path) -> Registry:
    """Raises RegistryError."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it is larger than {_MAX_BYTES >> 20} MiB")
        content = _File.model_validate(tomllib.loads(data.decode("utf-8")))
    except OSError as error:
        raise RegistryError(f"The registry {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise RegistryError(f"The registry {path} is wrong: {_first(error)}.") from error
    except ValueError as error:
        raise RegistryError(f"The registry {path} is wrong: {error}.") from error
    entries: dict[str, Entry] = {}
    for entry in content.checkpoints:
        if entry.name in entries:
            raise RegistryError(f"The registry {path} is wrong: {entry.name} is there twice.")
        if entry.licence not in content.licences:
            raise RegistryError(f"The registry {path} is wrong: {entry.name} names no licence of the file.")
        entries[entry.name] = entry
    return Registry(entries, content.licences)


def _first(error: ValidationError) -> str:
    """Where the first mistake is and what it is, in one line."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = " ".join(str(part) for part in first["loc"]) or "the file"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"

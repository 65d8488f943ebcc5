"""Pretrained trunks of perceptual distances: where their files lie, getting them, checking them."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import pickle
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

OFFLINE_SWITCH = "LATENTLOOM_OFFLINE"
TIMEOUT_S = 10.0  # for connecting and for every read; not for the whole file
CHUNK = 1 << 20

Fetch = Callable[[str, Path, int], None]


class TrunkError(RuntimeError):
    """Weights are missing, out of reach or not the published ones; the message is meant for users."""


@dataclass(frozen=True)
class Trunk:
    """A published file of weights.

    sha256 holds the first digits of the file's hash, which torchvision puts into the file's name.
    """

    file: str
    sha256: str
    megabytes: int

    @property
    def url(self) -> str:
        """Where PyTorch publishes it."""
        return f"https://download.pytorch.org/models/{self.file}"

    @property
    def path(self) -> Path:
        """Where torchvision and lpips keep it: $TORCH_HOME/hub/checkpoints."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.file


TRUNKS = {
    "vgg": Trunk("vgg16-397923af.pth", "397923af", 553),
    "alex": Trunk("alexnet-owt-7be5be79.pth", "7be5be79", 245),
    "squeeze": Trunk("squeezenet1_1-b8a52dc0.pth", "b8a52dc0", 5),
}


def download(url: str, path: Path, limit: int) -> None:
    """Write what url answers to path, complete or not at all; limit in bytes.

    Raises OSError where there is no network, no answer, or more than limit, and where the environment
    variable LATENTLOOM_OFFLINE forbids it.
    """
    if os.environ.get(OFFLINE_SWITCH, "").lower() in {"1", "true", "yes"}:
        raise OSError(f"downloads are switched off by {OFFLINE_SWITCH}")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            _copy(url, file, limit)
        os.replace(name, path)
    except http.client.HTTPException as error:
        raise OSError(f"the connection broke ({type(error).__name__})") from error
    finally:
        Path(name).unlink(missing_ok=True)


def _copy(url: str, file: io.BufferedIOBase, limit: int) -> None:
    written = 0
    # The addresses are constants of this file, not something a user gives.
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310
        expected = answer.headers.get("Content-Length")
        while chunk := answer.read(CHUNK):
            written += len(chunk)
            if written > limit:
                raise OSError("the file is larger than the published one")
            file.write(chunk)
    if expected is not None and written != int(expected):
        raise OSError("the connection ended before the file did")


def load_trunk(trunk: Trunk, fetch: Fetch = download) -> dict[str, Tensor]:
    """The weights, downloaded first where they are missing; checked before anything is read from them.

    Raises TrunkError.
    """
    if not trunk.path.is_file():
        try:
            fetch(trunk.url, trunk.path, (trunk.megabytes + 1) * 1_000_000)
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise TrunkError(
                f"{trunk.file} ({trunk.megabytes} MB) is not in {trunk.path.parent} and cannot be downloaded "
                f"from {trunk.url}: {reason}"
            ) from error
    return load_checked(trunk.path, trunk.sha256)


def load_checked(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of a PyTorch file whose SHA-256 begins with the given digits.

    Only tensors are read: nothing that the file may contain is executed. Raises TrunkError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrunkError(f"{path} cannot be read: {error.strerror}") from error
    if not hashlib.sha256(data).hexdigest().startswith(sha256):
        raise TrunkError(f"{path} is damaged (its SHA-256 does not begin with {sha256}): delete it")
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise TrunkError(f"{path} is not a file of weights") from error
    return {str(name): value for name, value in state.items() if isinstance(value, Tensor)}

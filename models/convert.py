"""Converting a checkpoint of another program into one of our safetensors files, without running it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.foreign.isolation import REFUSED, UNWRITABLE, run_main
from models.foreign.network import Kind
from models.foreign.recognition import HEAD_BYTES, Container, describe_tensors, recognise
from models.weights import CheckpointError, parse_header, read_file

__all__ = ["ConvertedFile", "Kind", "convert_checkpoint", "network_bytes"]

_READER = "models.foreign.reading"
_TIME_LIMIT_S = 600


@dataclass(frozen=True)
class ConvertedFile:
    """What was written."""

    kind: Kind
    config: Mapping[str, object]
    sha256: str  # of the source's bytes, the very ones that were converted
    program: str  # that the source is a file of, for people


def convert_checkpoint(
    source: Path, out: Path, wanted: Kind | None = None, timeout_s: float = _TIME_LIMIT_S
) -> ConvertedFile:
    """Write one network of source as our safetensors file; out appears complete or not at all.

    wanted: which network of a file that holds several; without it the generator, else the discriminator,
    else the flow. The file is read in a child process with limits on memory and time; one of ours is checked
    and copied. The same source gives the same bytes. Raises CheckpointError with one sentence that begins
    with source's name; its cause is an OSError where the disk is to blame.
    """
    try:
        if _container(source) == "safetensors":
            _refuse_other_programs(source)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            part = Path(folder) / "network.safetensors"
            answer = _read_in_child(source, part, wanted, timeout_s)
            part.replace(out)
    except CheckpointError as error:
        raise CheckpointError(f"{source.name}: {error}") from error.__cause__ or error
    except OSError as error:
        raise CheckpointError(f"{source.name}: {out.name} cannot be written: {error.strerror}.") from error
    return ConvertedFile(answer["kind"], answer["config"], answer["sha256"], answer["program"])


def network_bytes(path: Path, wanted: Kind) -> bytes:
    """Our safetensors file of the wanted network of a file: its own bytes, or those it is converted to.

    Raises CheckpointError as convert_checkpoint.
    """
    try:
        if _container(path) == "safetensors":
            data = _read(path)
            _refuse_other_programs(data)
            return data
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}") from error
    with tempfile.TemporaryDirectory(prefix="latentloom-") as folder:
        out = Path(folder) / "network.safetensors"
        convert_checkpoint(path, out, wanted)
        return out.read_bytes()


def _container(path: Path) -> Container:
    """What kind of file it is. Quick; opening a pipe would wait for ever."""
    try:
        if path.exists() and not path.is_file():
            raise CheckpointError("It cannot be read: it is not a file.")
        with path.open("rb") as file:
            return recognise(file.read(HEAD_BYTES), path.stat().st_size)
    except OSError as error:
        raise CheckpointError(f"It cannot be read: {error.strerror}.") from error


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise CheckpointError(f"It cannot be read: {error.strerror}.") from error


def _refuse_other_programs(safetensors: Path | bytes) -> None:
    header = parse_header(safetensors)
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not str(metadata.get("format")).startswith("latentloom-"):
        raise CheckpointError(describe_tensors(name for name in header if name != "__metadata__"))


def _read_in_child(source: Path, out: Path, wanted: Kind | None, timeout_s: float) -> dict[str, Any]:
    arguments = [str(source.resolve()), str(out.resolve()), wanted or "any"]
    try:
        done = run_main(_READER, arguments, folder=out.parent, timeout_s=timeout_s)
    except subprocess.TimeoutExpired:
        raise CheckpointError(f"Reading it took longer than {timeout_s:.0f} seconds.") from None
    if done.returncode == REFUSED:
        raise CheckpointError(done.stdout.strip()[:400])
    if done.returncode == UNWRITABLE:
        raise CheckpointError(done.stdout.strip()[:400]) from OSError(done.stdout.strip()[:400])
    if done.returncode < 0:
        raise CheckpointError("Reading it took more memory or time than such a file needs.")
    if done.returncode != 0:
        cause = RuntimeError(done.stderr[-2000:])
        raise CheckpointError("Reading it failed in a way that is not foreseen.") from cause
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer

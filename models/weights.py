"""Weight files: one safetensors file whose metadata says what it is and how to build the network.

Metadata: "format" (what network), "version" ("1") and "config" (JSON). Reading runs no code and
trusts no header: every size is checked against the bytes that are there.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

VERSION = "1"
MAX_FILE_BYTES = 2 * 2**30  # the largest known StyleGAN2 checkpoint is a quarter of that
_MAX_HEADER_BYTES = 10 * 2**20
_DTYPES = {"F16", "F32"}


class CheckpointError(Exception):
    """A file that cannot be used. The message is one sentence for the person who chose the file."""


def read_file(path: Path) -> bytes:
    """The bytes of a file, read once: what is hashed, checked and used is the same.

    Raises CheckpointError where it is no ordinary file, larger than MAX_FILE_BYTES or written to while it
    is read; OSError where it cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
        raise CheckpointError("It is not a file.")
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        if before.st_size > MAX_FILE_BYTES:
            raise CheckpointError(f"It is larger than {MAX_FILE_BYTES >> 30} GiB, which no checkpoint is.")
        data = file.read(before.st_size + 1)
        after = os.fstat(file.fileno())
    if (len(data), after.st_size, after.st_mtime_ns) != (before.st_size, before.st_size, before.st_mtime_ns):
        raise CheckpointError("It was written to while it was being read; try again when it is complete.")
    return data


def read_weights(source: str | Path | bytes, kind: str) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Config and tensors (as stored: float16 or float32, finite) of a weight file of that kind.

    source: a path, or the bytes of such a file. Raises CheckpointError; OSError where the file
    cannot be opened.
    """
    data = source if isinstance(source, bytes) else read_file(Path(source))
    header = parse_header(data)
    found, config = _described(header)
    if found != kind:
        raise CheckpointError(f"This file holds {_shown(found)}, not {kind}.")
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype = entry.get("dtype") if isinstance(entry, dict) else None
        if dtype not in _DTYPES:
            raise CheckpointError(f"{_shown(name)} is stored as {_shown(dtype)}, not as float16 or float32.")
    try:
        tensors = safetensors.torch.load(data)
    except Exception as error:
        raise CheckpointError("This safetensors file is damaged or incomplete.") from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{_shown(name)} holds numbers that are not finite.")
    return config, tensors


def read_header(source: str | Path | bytes) -> tuple[str, dict[str, object]]:
    """Format ("latentloom-generator", ...) and config of a weight file, from its first bytes alone.

    source: a path, or the bytes of such a file. Quick however large it is; the tensors are not looked at.
    Raises CheckpointError; OSError where the file cannot be opened.
    """
    return _described(parse_header(source))


def write_weights(
    path: str | Path,
    kind: str,
    config: Mapping[str, object],
    tensors: Mapping[str, Tensor],
    dtype: torch.dtype = torch.float32,
    source_sha256: str | None = None,
) -> None:
    """Write a weight file; a file already there is replaced at the end or not at all. Raises as
    weight_file does.
    """
    replace_file(Path(path), weight_file(kind, config, tensors, dtype, source_sha256))


def weight_file(
    kind: str,
    config: Mapping[str, object],
    tensors: Mapping[str, Tensor],
    dtype: torch.dtype = torch.float32,
    source_sha256: str | None = None,
) -> bytes:
    """The bytes of a weight file.

    dtype float32 keeps every bit of float32 tensors; float16 halves the file. source_sha256: of the file
    that the network was converted from. Raises ValueError where a number is not finite as that dtype.
    """
    stored = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in tensors.items()}
    for name, tensor in stored.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} is not finite as {dtype}")
    metadata = {"format": kind, "version": VERSION, "config": json.dumps(config, sort_keys=True)}
    if source_sha256 is not None:
        metadata["source_sha256"] = source_sha256
    return with_sorted_header(safetensors.torch.save(stored, metadata))


def with_sorted_header(content: bytes) -> bytes:
    """The same safetensors file with its header sorted, so that equal contents are equal bytes: the library
    writes metadata in random order.
    """
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return b"".join([len(header).to_bytes(8, "little"), header, memoryview(content)[8 + length :]])


def replace_file(path: Path, data: bytes) -> None:
    """Write data under a temporary name beside path, then rename: readers see old or new, no part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # some file systems find out only now that there is no room
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def parse_header(source: str | Path | bytes) -> dict[str, object]:
    """The header of a safetensors file, given as read_header: metadata, and an entry for each tensor.

    Raises CheckpointError; OSError where the file cannot be opened.
    """
    data = source if isinstance(source, bytes) else _first_bytes(Path(source))
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _MAX_HEADER_BYTES) or data[8:9] != b"{":
        raise CheckpointError("This is not a safetensors file, or it is incomplete.")
    header = _json_object(data[8 : 8 + length])
    if header is None:
        raise CheckpointError("The header of this safetensors file is damaged.")
    return header


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        return start + file.read(length if length <= _MAX_HEADER_BYTES else 1)


def _described(header: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("format"), str):
        raise CheckpointError("This safetensors file does not say what network it holds.")
    if metadata.get("version") != VERSION:
        version = _shown(metadata.get("version"))
        raise CheckpointError(f"This file has version {version}; only version {VERSION} can be read.")
    text = metadata.get("config")
    config = _json_object(text) if isinstance(text, str) else None
    if config is None:
        raise CheckpointError("The config in this file is damaged or missing.")
    return metadata["format"], config


def _json_object(text: str | bytes) -> dict[str, object] | None:
    try:
        value = json.loads(text, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Another reader could take the other one of two entries of the same name."""
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("an entry is repeated")
    return entries


def _shown(value: object) -> str:
    """A value from a file, short and printable, for a message."""
    text = ascii(value) if isinstance(value, str | int | float | None) else type(value).__name__
    return text if len(text) <= 80 else text[:77] + "..."

"""Weight files: one safetensors file whose metadata says what it is and how to build the network.

Metadata: "format" (what network), "version" ("1") and "config" (JSON). Reading runs no code and
trusts no header: every size is checked against the bytes that are there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

VERSION = "1"
_MAX_HEADER_BYTES = 10 * 2**20
_DTYPES = {"F16", "F32"}


class CheckpointError(Exception):
    """A file that cannot be used. The message is one sentence for the person who chose the file."""


def read_weights(source: str | Path | bytes, kind: str) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Config and tensors (as stored: float16 or float32, finite) of a weight file of that kind.

    source: a path, or the bytes of such a file. Raises CheckpointError; OSError where the file
    cannot be opened.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    header = _header(data)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or "format" not in metadata:
        raise CheckpointError("This safetensors file does not say what network it holds.")
    if metadata["format"] != kind:
        raise CheckpointError(f"This file holds {_shown(metadata['format'])}, not {kind}.")
    if metadata.get("version") != VERSION:
        version = _shown(metadata.get("version"))
        raise CheckpointError(f"This file has version {version}; only version {VERSION} can be read.")
    text = metadata.get("config")
    config = _json_object(text) if isinstance(text, str) else None
    if config is None:
        raise CheckpointError("The config in this file is damaged or missing.")
    for name, entry in header.items():
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


def write_weights(
    path: str | Path,
    kind: str,
    config: Mapping[str, object],
    tensors: Mapping[str, Tensor],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a weight file; a file already there is replaced at the end or not at all.

    dtype float32 keeps every bit of float32 tensors; float16 halves the file. Raises ValueError
    where a number is not finite as that dtype.
    """
    stored = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in tensors.items()}
    for name, tensor in stored.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} is not finite as {dtype}")
    metadata = {"format": kind, "version": VERSION, "config": json.dumps(config, sort_keys=True)}
    replace_file(Path(path), safetensors.torch.save(stored, metadata))


def replace_file(path: Path, data: bytes) -> None:
    """Write data under a temporary name beside path, then rename: readers see old or new, no part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _header(data: bytes) -> dict[str, object]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _MAX_HEADER_BYTES) or data[8:9] != b"{":
        raise CheckpointError("This is not a safetensors file, or it is incomplete.")
    header = _json_object(data[8 : 8 + length])
    if header is None:
        raise CheckpointError("The header of this safetensors file is damaged.")
    return header


def _json_object(text: str | bytes) -> dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _shown(value: object) -> str:
    """A value from a file, short and printable, for a message."""
    text = ascii(value) if isinstance(value, str | int | float | None) else type(value).__name__
    return text if len(text) <= 80 else text[:77] + "..."

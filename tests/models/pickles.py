"""Writing pickles and torch.save files that nobody's program would write."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import torch


class Reduced:
    """Pickles as the call function(*arguments)."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def command(marker: Path) -> str:
    """What a pickle would run: the marker appears."""
    return f"touch {marker}"


def saved(content: object, *, legacy: bool = False) -> bytes:
    """torch.save's zip archive, or its older stream."""
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


def reduce_pickle(module: str, name: str, argument: str) -> bytes:
    """A pickle of the call module.name(argument)."""
    encoded = argument.encode()
    text = b"X" + struct.pack("<I", len(encoded)) + encoded
    return b"\x80\x03c" + f"{module}\n{name}\n".encode() + text + b"\x85R."


def stack_global(module: str, name: str) -> bytes:
    """A pickle of module.name itself."""
    return b"\x80\x04" + b"".join(b"\x8c" + bytes([len(t)]) + t.encode() for t in (module, name)) + b"\x93."

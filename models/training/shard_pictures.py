"""The pictures of many shards as one array that stays on disk: only what a step shows is read."""

from __future__ import annotations

import bisect
import zipfile
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_LOCAL_HEADER = 30  # bytes before the name of a member, APPNOTE.TXT 4.3.7


class Pictures(Protocol):
    """Pictures [N, R, R, 3] uint8, of which some are asked for at a time: an array is one, and so is
    ShardPictures."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, R, R, 3)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: NDArray[np.int64] | slice, /) -> NDArray[np.uint8]: ...


class ShardPictures:
    """The arrays x of .npz files, one after the other."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Raises ValueError where a file does not hold pictures like those of the first one."""
        self._parts = [mapped_array(path, "x") for path in files]
        for path, part in zip(files, self._parts, strict=True):
            if part.ndim != 4 or part.dtype != np.uint8 or part.shape[1:] != self._parts[0].shape[1:]:
                raise ValueError(f"{path} does not hold pictures of the size that the others have")
        self._ends = list(accumulate(map(len, self._parts)))

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, R, R, 3)."""
        return (self._ends[-1], *self._parts[0].shape[1:])

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: NDArray[np.int64] | slice, /) -> NDArray[np.uint8]:
        rows = range(*index.indices(len(self))) if isinstance(index, slice) else index.tolist()
        chosen = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for i, row in enumerate(rows):
            part = bisect.bisect_right(self._ends, row)
            chosen[i] = self._parts[part][row - self._ends[part]]  # counted from the end of the part
        return chosen


def mapped_array(path: Path, name: str) -> NDArray[np.generic]:
    """An array of an uncompressed .npz file, mapped into memory and read-only.

    Raises ValueError where there is no such array or it is compressed, OSError where the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError("compressed")
        with path.open("rb") as file:
            file.seek(member.header_offset)
            head = file.read(_LOCAL_HEADER)
            lengths = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
            file.seek(member.header_offset + _LOCAL_HEADER + lengths)
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, by_columns, dtype = read[version](file)
            start = file.tell()
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged, compressed or holds no {name}; render it again") from error
    if by_columns or dtype.hasobject:
        raise ValueError(f"{path} holds something else than rows of numbers as {name}")
    try:
        return np.memmap(path, dtype, "r", start, shape)
    except ValueError as error:
        raise ValueError(f"{path} ends too early") from error

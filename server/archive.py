"""A ZIP file that is sent while it is made: one entry after the other, none of them kept."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import AsyncIterator
from typing import cast


class _Outlet(io.RawIOBase):
    """Where zipfile writes to; what has been written is taken away at once, so nothing can be read back."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(cast(bytes, data))
        self._chunks.append(chunk)
        self._written += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._written

    def taken(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


async def zipped(files: AsyncIterator[tuple[str, bytes]]) -> AsyncIterator[bytes]:
    """The bytes of an archive of files (name, contents), which are stored as they are: pictures are small."""
    outlet = _Outlet()
    with zipfile.ZipFile(cast(io.BufferedWriter, outlet), "w", zipfile.ZIP_STORED) as archive:
        async for name, data in files:
            archive.writestr(zipfile.ZipInfo(name, time.localtime()[:6]), data)
            yield outlet.taken()
    yield outlet.taken()

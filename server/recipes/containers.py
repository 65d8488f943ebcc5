"""Where a recipe lies in a PNG, JPEG or WebP file: a part that viewers skip, put in without decoding.

PNG specification (third edition) 4.7: an ancillary, private chunk that is safe to copy. JPEG (ITU-T T.81)
B.2.4.6: segments APP11. WebP (RFC 9649) 2.7: an unknown chunk at the end of the RIFF container.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

PNG_SIGNATURE, PNG_CHUNK = b"\x89PNG\r\n\x1a\n", b"loOm"
JPEG_START, JPEG_APP11, JPEG_NAME = b"\xff\xd8", 0xEB, b"LatentLoom\0"
WEBP_CHUNK = b"LOOM"
_JPEG_APP0, _JPEG_SCAN, _JPEG_END = 0xE0, 0xDA, 0xD9
_JPEG_PART = 65_000  # a segment holds 65,533 bytes, its name and numbers included
_PARTS = struct.Struct(">HH")  # number of the part, number of parts


def with_recipe(picture: bytes, recipe: bytes) -> bytes:
    """The file with a recipe in it. Raises ValueError where it is no PNG, JPEG or WebP file, or has one."""
    if recipe_in(picture) is not None:
        raise ValueError("the picture has a recipe already")
    if picture.startswith(PNG_SIGNATURE):
        end = next(start for start, kind, _ in _png_chunks(picture) if kind == b"IEND")
        checked = PNG_CHUNK + recipe
        chunk = struct.pack(">I", len(recipe)) + checked + struct.pack(">I", zlib.crc32(checked))
        return picture[:end] + chunk + picture[end:]
    if picture.startswith(JPEG_START):
        first = next(_jpeg_segments(picture))
        at = first[1] if first[2] == _JPEG_APP0 else len(JPEG_START)
        return picture[:at] + b"".join(_jpeg_parts(recipe)) + picture[at:]
    if _is_webp(picture):
        body = picture[8:] + b"\0" * (len(picture) % 2)
        body += WEBP_CHUNK + struct.pack("<I", len(recipe)) + recipe + b"\0" * (len(recipe) % 2)
        return b"RIFF" + struct.pack("<I", len(body)) + body
    raise ValueError("neither a PNG nor a JPEG nor a WebP file")


def recipe_in(picture: bytes) -> bytes | None:
    """The recipe's bytes, unchecked; None where there is none, whatever the file is."""
    if picture.startswith(PNG_SIGNATURE):
        return next((data for _, kind, data in _png_chunks(picture) if kind == PNG_CHUNK), None)
    if picture.startswith(JPEG_START):
        return _joined(
            [picture[start + 4 : end] for start, end, kind in _jpeg_segments(picture) if kind == JPEG_APP11]
        )
    if _is_webp(picture):
        return next((data for kind, data in _webp_chunks(picture) if kind == WEBP_CHUNK), None)
    return None


def _png_chunks(picture: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Start, type and contents of each whole chunk."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        if at + 12 + length > len(picture):
            return
        yield at, picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += 12 + length


def _jpeg_segments(picture: bytes) -> Iterator[tuple[int, int, int]]:
    """Start, end and marker of each whole segment before the picture's own data."""
    at = len(JPEG_START)
    while at + 4 <= len(picture) and picture[at] == 0xFF:
        marker, (length,) = picture[at + 1], struct.unpack_from(">H", picture, at + 2)
        if length < 2 or at + 2 + length > len(picture):
            return
        yield at, at + 2 + length, marker
        if marker in (_JPEG_SCAN, _JPEG_END):
            return
        at += 2 + length


def _jpeg_parts(recipe: bytes) -> Iterator[bytes]:
    count = max(-(-len(recipe) // _JPEG_PART), 1)
    if count > 0xFFFF:
        raise ValueError("the recipe is too large for a JPEG file")
    for number in range(count):
        part = (
            JPEG_NAME + _PARTS.pack(number, count) + recipe[number * _JPEG_PART : (number + 1) * _JPEG_PART]
        )
        yield bytes([0xFF, JPEG_APP11]) + struct.pack(">H", len(part) + 2) + part


def _joined(segments: list[bytes]) -> bytes | None:
    """The parts in their order; None where there are none, or one is missing."""
    start = len(JPEG_NAME) + _PARTS.size
    own = [segment for segment in segments if segment.startswith(JPEG_NAME) and len(segment) >= start]
    numbers = [_PARTS.unpack_from(segment, len(JPEG_NAME)) for segment in own]
    if not own or numbers != [(number, len(own)) for number in range(len(own))]:
        return None
    return b"".join(segment[start:] for segment in own)


def _is_webp(picture: bytes) -> bool:
    return picture[:4] == b"RIFF" and picture[8:12] == b"WEBP"


def _webp_chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and contents of each whole chunk."""
    at = 12
    while at + 8 <= len(picture):
        (length,) = struct.unpack_from("<I", picture, at + 4)
        if at + 8 + length > len(picture):
            return
        yield picture[at : at + 4], picture[at + 8 : at + 8 + length]
        at += 8 + length + length % 2

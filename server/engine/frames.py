"""Pictures as bytes: JPEG and PNG, and the 32-byte header in front of a frame on the live socket."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np
from PIL import Image

from server.engine.interface import RGB, Quality, Rendered

Kind = Literal["preview", "final", "projection"]

MAGIC, VERSION, FORMAT_JPEG = b"LLFR", 1, 1
NOT_CORRECTED = 1  # flag: the final picture has corrections that this one lacks
KINDS: dict[Kind, int] = {"preview": 1, "final": 2, "projection": 3}
# magic, version, kind, format, flags, seq, width, height, render_us, queued_us, job
HEADER = struct.Struct("<4sBBBBIHHIIQ")
U32 = 2**32 - 1

# A preview is gone in a moment: smaller counts more than the last nuance of colour.
JPEG_QUALITY: dict[Quality, tuple[int, str]] = {"preview": (82, "4:2:0"), "final": (90, "4:4:4")}


@dataclass(frozen=True)
class FrameHeader:
    """What stands before the JPEG bytes; for a projection's picture seq is the step."""

    kind: int
    seq: int
    width: int
    height: int
    render_us: int
    queued_us: int
    job: int
    flags: int


def encode_jpeg(rgb: RGB, quality: Quality) -> bytes:
    """JPEG of [H, W, 3]."""
    number, subsampling = JPEG_QUALITY[quality]
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=number, subsampling=subsampling)
    return buffer.getvalue()


def encode_png(rgb: RGB) -> bytes:
    """PNG of [H, W, 3]; slow, so not on a thread that others wait for."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def smaller(rgb: RGB, side: int) -> RGB:
    """A square picture at no more than side, by area."""
    if rgb.shape[0] <= side:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BOX))


def live_frame(kind: Kind, seq: int, rendered: Rendered) -> bytes:
    """A binary message with an edit's picture."""
    return _frame(kind, seq, rendered.width, rendered.height, 0, rendered.data, rendered)


def projection_frame(job: UUID, step: int, width: int, height: int, jpeg: bytes) -> bytes:
    """A binary message with a projection's intermediate picture."""
    return _frame("projection", step, width, height, job_number(job), jpeg, None)


def job_number(job: UUID) -> int:
    """The first 8 bytes of a job's id as the header carries them."""
    return int.from_bytes(job.bytes[:8], "little")


def read_header(frame: bytes) -> FrameHeader:
    """The header of a binary message. Raises ValueError where it is none of ours."""
    if len(frame) < HEADER.size:
        raise ValueError("shorter than a header")
    magic, version, kind, format_, flags, seq, width, height, render_us, queued_us, job = HEADER.unpack_from(
        frame
    )
    if (magic, version, format_) != (MAGIC, VERSION, FORMAT_JPEG):
        raise ValueError("not a frame of this version")
    return FrameHeader(kind, seq, width, height, render_us, queued_us, job, flags)


def _frame(
    kind: Kind, seq: int, width: int, height: int, job: int, jpeg: bytes, times: Rendered | None
) -> bytes:
    render_us = min(times.render_us, U32) if times else 0
    queued_us = min(times.queued_us, U32) if times else 0
    flags = NOT_CORRECTED if times and not times.corrected else 0
    header = HEADER.pack(
        MAGIC, VERSION, KINDS[kind], FORMAT_JPEG, flags, seq, width, height, render_us, queued_us, job
    )
    return header + jpeg

"""Uploaded bytes -> a safe RGB picture of our own making. What was uploaded is neither kept nor served.

The format comes from the bytes, the size from the header before anything is decoded; only three decoders are
ever reached. EXIF, colour profiles, comments and whatever else a file carries end here.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass

import numpy as np
from PIL import Image

from server.engine.interface import RGB
from server.problems import Problem

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 24_000_000
MAX_SIDE = 8192
MIN_SIDE = 64
KEPT_SIDE = 2048  # the longer side of what is kept: far more than a face in it needs
JPEG_QUALITY = 95
MAX_NAME = 120
ORIENTATION = 0x0112
# EXIF orientation -> what turns the stored picture upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class SafePicture:
    """rgb [H, W, 3], longer side at most KEPT_SIDE, and the same as a JPEG without metadata."""

    rgb: RGB
    jpeg: bytes


def read_photo(data: bytes) -> SafePicture:
    """Decode an upload. Takes a while: call it in a thread.

    Raises Problem unsupported_image, image_too_many_pixels, image_too_small, image_damaged.
    """
    image = _open(data)
    _check_size(image.size)
    try:
        image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
        turn = UPRIGHT.get(_orientation(image))
        image.load()  # the first frame of an animation
        picture = _as_rgb(image)
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        raise _damaged() from error
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    if turn is not None:
        picture = picture.transpose(turn)
    # Only the pixels go on: Pillow would write the comment and the colour profile it read. And from here on
    # they are what the JPEG holds, so that all who look at the picture see the same.
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(picture)).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    return SafePicture(decode_own(buffer.getvalue()), buffer.getvalue())


def decode_own(jpeg: bytes) -> RGB:
    """The pixels [H, W, 3] of a JPEG that read_photo made."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        return np.asarray(image.convert("RGB"))


def safe_name(name: str | None) -> str:
    """A file name as a label: its last part, without control and direction characters, at most 120 long."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ")
    return shown.strip()[:MAX_NAME] or "photo"


def _open(data: bytes) -> Image.Image:
    if not _looks_like_a_picture(data):
        raise Problem("unsupported_image", "Send a PNG, JPEG or WebP picture.")
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:
        raise _damaged() from error


def _looks_like_a_picture(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    )


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS or max(size) > MAX_SIDE:
        raise _too_many_pixels()
    if min(size) < MIN_SIDE:
        raise Problem(
            "image_too_small",
            f"The picture has {width} x {height} pixels; each side needs {MIN_SIDE} or more.",
        )


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation; 1, upright, where EXIF is missing or not readable."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1


def _as_rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: 16 bits become 8, and what is transparent lies on white."""
    if image.mode.startswith("I"):
        levels = (np.asarray(image).astype(np.int32) + 128) // 257
        return Image.fromarray(levels.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _too_many_pixels() -> Problem:
    detail = f"The picture has more than {MAX_PIXELS // 10**6} million pixels, or a side over {MAX_SIDE}."
    return Problem("image_too_many_pixels", detail, "Send a smaller version of it.")


def _damaged() -> Problem:
    return Problem("image_damaged", "The picture is damaged or cut off: it cannot be decoded to its end.")

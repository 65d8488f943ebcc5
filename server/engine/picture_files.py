"""Finished pictures as files to take away: PNG, JPEG or WebP at a chosen size and quality."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from server.engine.exporting_interface import PictureFile
from server.engine.interface import RGB

# Past this, JPEG keeps the colour of each pixel.
_FULL_COLOUR_FROM = 90


def resized(rgb: RGB, side: int | None) -> RGB:
    """A square picture at that side, smaller or larger, by Lanczos; None: as it is."""
    if side is None or rgb.shape[0] == side:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.LANCZOS))


def picture_file(rgb: RGB, file: PictureFile) -> bytes:
    """The bytes of a file of [H, W, 3]. Takes a while: not on a thread that others wait for."""
    image = Image.fromarray(resized(rgb, file.size))
    buffer = io.BytesIO()
    if file.format == "png":
        image.save(buffer, "PNG")
    elif file.format == "jpeg":
        subsampling = "4:4:4" if file.quality >= _FULL_COLOUR_FROM else "4:2:0"
        image.save(buffer, "JPEG", quality=file.quality, subsampling=subsampling, optimize=True)
    else:
        image.save(buffer, "WEBP", quality=file.quality, method=4)
    return buffer.getvalue()

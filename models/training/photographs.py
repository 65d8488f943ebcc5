"""A folder of photographs as training pictures: cut square, resized, kept in one file for quick access."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pictures = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
MAX_PIXELS = 100_000_000


def photograph_files(folder: Path) -> list[Path]:
    """All pictures in the folder and below it, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def read_photograph(path: Path, resolution: int) -> Pictures:
    """The largest centred square as [R, R, 3], upright as its EXIF says.

    Raises ValueError, naming the file, where it is not a picture, too large, or smaller than the resolution.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(
                    f"{path} has more than {MAX_PIXELS // 10**6} million pixels; make it smaller"
                )
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as a picture; take it out of the folder") from error
    side = min(upright.size)
    if side < resolution:
        raise ValueError(f"{path} is only {side} pixels wide or high; train at a resolution up to {side}")
    square = ImageOps.fit(upright, (resolution, resolution), Image.Resampling.LANCZOS)
    return np.asarray(square)


def load_photographs(
    folder: Path, resolution: int, cache: Path, report: Callable[[int, int], None] = lambda _done, _of: None
) -> Pictures:
    """All photographs of the folder as one array [N, R, R, 3], mapped from a file of the folder `cache`.

    That file is written on the first call and again whenever the list of photographs, their sizes or their
    dates change; report gets how many are read and of how many. Raises ValueError where there is none, or
    one cannot be read.
    """
    files = photograph_files(folder)
    if not files:
        raise ValueError(f"{folder} holds no pictures ({', '.join(sorted(SUFFIXES))})")
    stats = [path.stat() for path in files]
    listing = json.dumps(
        [
            [path.relative_to(folder).as_posix(), s.st_size, s.st_mtime_ns]
            for path, s in zip(files, stats, strict=True)
        ]
    )
    array, index = cache / f"photographs-{resolution}.npy", cache / f"photographs-{resolution}.json"
    if not (index.exists() and index.read_text() == listing):
        cache.mkdir(parents=True, exist_ok=True)
        index.unlink(missing_ok=True)
        shape = (len(files), resolution, resolution, 3)
        rows = np.lib.format.open_memmap(array, mode="w+", dtype=np.uint8, shape=shape)
        for i, path in enumerate(files):
            rows[i] = read_photograph(path, resolution)
            report(i + 1, len(files))
        rows.flush()
        index.write_text(listing)
    pictures: Pictures = np.load(array, mmap_mode="r")
    return pictures

"""Moving pictures as files: MP4 and WebM by PyAV where it is installed, GIF and WebP by Pillow always."""

from __future__ import annotations

import io
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np
from PIL import Image

from server.engine.interface import RGB
from server.problems import Problem

FilmFormat = Literal["mp4", "webm", "gif", "webp"]
VIDEO: tuple[FilmFormat, ...] = ("mp4", "webm")
MEDIA_TYPES: dict[FilmFormat, str] = {
    "mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif", "webp": "image/webp"
}  # fmt: skip
SHORTEST_PAUSE = 4  # hundredths of a second in a GIF: many players take shorter ones for a tenth of a second
MAX_BYTES = 512 * 2**20
# Constant quality; at these rates faces show no blocks. One thread, since pictures are computed meanwhile.
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "mp4": ("libx264", {"crf": "16", "preset": "medium"}),
    "webm": ("libvpx-vp9", {"crf": "24", "b:v": "0", "deadline": "good", "cpu-used": "4"}),
}


class FilmWriter(Protocol):
    """Takes the frames of one film in their order, then gives its file. Used by one thread at a time."""

    def add(self, frame: RGB) -> None:
        """A frame [H, W, 3] of the same even size as the others."""
        ...

    def finish(self) -> bytes:
        """The file. Raises ValueError where there was no frame."""
        ...


def film_formats() -> tuple[FilmFormat, ...]:
    """Those that can be written here."""
    return (*(VIDEO if find_spec("av") else ()), "gif", "webp")


def film_writer(file_format: FilmFormat, frames_per_second: int) -> FilmWriter:
    """Raises Problem no_video for what only PyAV writes, where it is not installed."""
    if file_format == "gif":
        return _GifWriter(frames_per_second)
    if file_format == "webp":
        return _WebPWriter(frames_per_second)
    if file_format not in film_formats():
        hint = "Install it: pip install 'latentloom[video]'. GIF and WebP work without."
        raise Problem("no_video", "This server cannot write video: PyAV is not installed.", hint)
    return _VideoWriter(file_format, frames_per_second)


class _VideoWriter:
    def __init__(self, container: str, rate: int) -> None:
        import av  # an extra: it brings all of FFmpeg

        encoder, options = _ENCODERS[container]
        self._frame_class = av.VideoFrame
        self._file = io.BytesIO()
        self._out = av.open(self._file, "w", format=container)
        stream: Any = self._out.add_stream(encoder, rate=Fraction(rate))
        self._stream = stream
        self._stream.options = {**options}
        self._stream.thread_count = 1
        self._stream.pix_fmt = "yuv420p"  # what every browser plays
        self._count = 0

    def add(self, frame: RGB) -> None:
        if self._count == 0:
            self._stream.height, self._stream.width = frame.shape[:2]
        self._count += 1
        picture = self._frame_class.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        self._out.mux(self._stream.encode(picture))
        if self._file.tell() > MAX_BYTES:
            raise Problem("film_too_long", f"The film would be larger than {MAX_BYTES >> 20} MiB.")

    def finish(self) -> bytes:
        if self._count == 0:
            raise ValueError("a film needs a frame")
        self._out.mux(self._stream.encode(None))
        self._out.close()
        return self._file.getvalue()


class _GifWriter:
    """GIF counts in hundredths of a second: of the frames, the first in each pause is taken."""

    def __init__(self, rate: int) -> None:
        self._rate, self._pause = rate, max(round(100 / rate), SHORTEST_PAUSE)
        self._taken: dict[int, Image.Image] = {}
        self._count = 0

    def add(self, frame: RGB) -> None:
        pause = self._count * 100 // (self._rate * self._pause)
        self._count += 1
        if pause not in self._taken:
            self._taken[pause] = Image.fromarray(frame).quantize(256)

    def finish(self) -> bytes:
        return _animation(list(self._taken.values()), "GIF", duration=10 * self._pause)


class _WebPWriter:
    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frames: list[Image.Image] = []

    def add(self, frame: RGB) -> None:
        self._frames.append(Image.fromarray(frame))

    def finish(self) -> bytes:
        ends = [round(1000 * index / self._rate) for index in range(len(self._frames) + 1)]
        pauses = [end - start for start, end in pairwise(ends)]
        return _animation(self._frames, "WEBP", duration=pauses, quality=88, method=3)


def _animation(frames: list[Image.Image], kind: str, **options: Any) -> bytes:
    if not frames:
        raise ValueError("a film needs a frame")
    first, *others = frames
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others, loop=0, **options)
    return file.getvalue()

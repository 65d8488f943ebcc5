"""Moving pictures as files: MP4 and WebM by PyAV where it is installed, GIF by Pillow always."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

import numpy as np
from PIL import Image

from server.engine.interface import RGB
from server.problems import Problem

FilmFormat = Literal["mp4", "webm", "gif"]
MEDIA_TYPES: dict[FilmFormat, str] = {"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif"}
SHORTEST_PAUSE = 4  # hundredths of a second in a GIF: many players take shorter ones for a tenth of a second
# Constant quality; at these rates faces show no blocks.
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "mp4": ("libx264", {"crf": "16", "preset": "medium"}),
    "webm": ("libvpx-vp9", {"crf": "24", "b:v": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}),
}


def film(frames: Iterable[RGB], frames_per_second: int, file_format: FilmFormat) -> bytes:
    """The file of frames [H, W, 3] of one even size.

    Raises ValueError where there are none, Problem no_video without PyAV.
    """
    if file_format == "gif":
        return _gif(frames, frames_per_second)
    return _video(frames, frames_per_second, *_ENCODERS[file_format], container=file_format)


def _video(frames: Iterable[RGB], rate: int, encoder: str, options: dict[str, str], container: str) -> bytes:
    try:
        import av  # an extra: it brings all of FFmpeg
        from av.video.stream import VideoStream
    except ImportError as error:
        hint = "Install it: pip install 'latentloom[video]'. GIF works without."
        raise Problem("no_video", "This server cannot write video: PyAV is not installed.", hint) from error
    file = io.BytesIO()
    count = 0
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(encoder, rate=Fraction(rate))
        assert isinstance(stream, VideoStream)
        stream.options = {**options}
        stream.pix_fmt = "yuv420p"  # what every browser plays
        for frame in frames:
            if count == 0:
                stream.height, stream.width = frame.shape[:2]
            count += 1
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        if count == 0:
            raise ValueError("a film needs a frame")
        out.mux(stream.encode(None))
    return file.getvalue()


def _gif(frames: Iterable[RGB], rate: int) -> bytes:
    """GIF counts in hundredths of a second: of the frames, the first in each pause is taken."""
    pause = max(round(100 / rate), SHORTEST_PAUSE)
    taken: dict[int, Image.Image] = {}
    for index, frame in enumerate(frames):
        taken.setdefault(index * 100 // (rate * pause), Image.fromarray(frame))
    if not taken:
        raise ValueError("a film needs a frame")
    first, *others = taken.values()
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=10 * pause, loop=0)
    return file.getvalue()

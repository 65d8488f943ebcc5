"""Films: what is written is what a player shows."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from server.engine.film import FilmFormat, film_formats, film_writer
from server.engine.interface import RGB
from server.problems import Problem

RATE = 30


def frames(count: int = 12) -> list[RGB]:
    """Grey that becomes lighter."""
    return [np.full((64, 64, 3), 40 + 15 * index, np.uint8) for index in range(count)]


def filmed(pictures: list[RGB], file_format: FilmFormat) -> bytes:
    writer = film_writer(file_format, RATE)
    for picture in pictures:
        writer.add(picture)
    return writer.finish()


def shown(data: bytes, file_format: FilmFormat) -> tuple[list[float], float]:
    """Brightness of each frame, and seconds in all, as a player reads them."""
    if file_format in ("gif", "webp"):
        with Image.open(io.BytesIO(data)) as image:
            levels, seconds = [], 0.0
            for index in range(getattr(image, "n_frames", 1)):
                image.seek(index)
                image.load()
                levels.append(float(np.asarray(image.convert("RGB")).mean()))
                seconds += image.info["duration"] / 1000
            return levels, seconds
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(data)) as container:
        decoded = list(container.decode(video=0))
        return [float(frame.to_ndarray(format="rgb24").mean()) for frame in decoded], len(decoded) / float(
            container.streams.video[0].average_rate
        )


@pytest.mark.parametrize("file_format", ["mp4", "webm", "gif", "webp"])
def test_frames_come_back_in_their_order_and_time(file_format: FilmFormat) -> None:
    levels, seconds = shown(filmed(frames(), file_format), file_format)
    assert seconds == pytest.approx(12 / RATE, abs=0.02)
    assert all(later > earlier for earlier, later in pairwise(levels))
    assert levels[0] == pytest.approx(40, abs=3)
    assert len(levels) == (10 if file_format == "gif" else 12)


@pytest.mark.parametrize("file_format", ["mp4", "webm", "gif", "webp"])
def test_no_frames_are_no_film(file_format: FilmFormat) -> None:
    with pytest.raises(ValueError, match="needs a frame"):
        filmed([], file_format)


def test_without_pyav_there_are_animations_and_no_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.film.find_spec", lambda _: None)
    assert film_formats() == ("gif", "webp")
    with pytest.raises(Problem, match="PyAV is not installed"):
        film_writer("mp4", RATE)

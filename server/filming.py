"""Films as tasks: frames from the engine, scaled and written one by one while others go on working."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from server.engine.editing_interface import Report
from server.engine.exporting_interface import MovingEdit
from server.engine.film import FilmFormat, film_writer
from server.engine.interface import RGB, Engine
from server.engine.picture_files import resized
from server.export_messages import MAX_FRAMES, MAX_PIXELS, EditMotion, Motion, NewFilm
from server.problems import Problem


def seconds_of(motion: Motion) -> float:
    """How long it lasts."""
    if motion.kind == "walk":
        return sum(motion.walk.durations)
    return motion.seconds * (2 if motion.back else 1)


def frame_count(film: NewFilm) -> int:
    """First and last frame included; see models.editing.walks.frame_times."""
    return max(round(seconds_of(film.motion) * film.frames_per_second), 1) + 1


def size_of(film: NewFilm, model_side: int) -> int:
    """Pixels of a side, even."""
    return film.size or model_side


def check_length(film: NewFilm, model_side: int) -> None:
    """Raises Problem film_too_long."""
    count, side = frame_count(film), size_of(film, model_side)
    most = min(MAX_FRAMES, MAX_PIXELS[film.format] // side**2)
    if count > most:
        raise Problem(
            "film_too_long",
            f"The film would have {count} frames; "
            f"as {_shown(film.format)} of {side} x {side} pixels it may have {most}.",
            "Make it shorter, smaller, or with fewer frames a second.",
        )


def frames_of(engine: Engine, film: NewFilm) -> AsyncGenerator[RGB, None]:
    """Its pictures at the model's own size."""
    motion = film.motion
    if motion.kind == "walk":
        return engine.walks.frames(motion.walk, film.frames_per_second)
    return engine.exporting.frames(
        MovingEdit(motion.start, motion.end, edit_shares(motion, frame_count(film)))
    )


def edit_shares(motion: EditMotion, count: int) -> tuple[float, ...]:
    """How far the edit has gone at each frame, 0..1."""
    times = [index / (count - 1) for index in range(count)]
    if motion.back:
        times = [1 - abs(2 * time - 1) for time in times]
    if motion.easing == "gentle":
        times = [time**2 * (3 - 2 * time) for time in times]
    return tuple(times)


async def filmed(frames: AsyncGenerator[RGB, None], film: NewFilm, report: Report) -> bytes:
    """The file of the frames. Ends its engine's work when it is cancelled."""
    count = frame_count(film)
    writer = film_writer(film.format, film.frames_per_second)
    try:
        done = 0
        report("rendering frames", 0, count)
        async for frame in frames:
            scaled = await asyncio.to_thread(resized, frame, film.size)
            await asyncio.to_thread(writer.add, scaled)
            done += 1
            report("rendering frames", done, count)
        report("writing the file", count, count)
        return await asyncio.to_thread(writer.finish)
    finally:
        await frames.aclose()


def _shown(file_format: FilmFormat) -> str:
    return {"mp4": "MP4", "webm": "WebM", "gif": "GIF", "webp": "WebP"}[file_format]

"""Walks between faces: the picture at any moment of one, and all pictures of a film."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from models.editing.walks import (
    closed_walk,
    crossed_noise,
    frame_times,
    gentle_times,
    section_at,
    smooth_walk,
    straight_walk,
)
from models.stylegan2.generator import Generator
from server.documents import Document
from server.engine.cache import StageCache
from server.engine.compute import Computes, Priority
from server.engine.drawing import FinishedFace
from server.engine.fit import check_fit, check_resolution
from server.engine.frames import encode_jpeg
from server.engine.interface import RGB
from server.engine.residence import ResidentModel
from server.problems import Problem
from server.walks import Walk

PREVIEW_SIDE = 256
REMEMBERED_WALKS = 16
TIMES_TOGETHER = 32  # of a film: ws of so many frames are computed at once

Using = Callable[[str], AbstractAsyncContextManager[ResidentModel]]
Noise = Sequence[Tensor | None] | None
Prepare = Callable[[Document, ResidentModel], Awaitable[None]]


@dataclass(frozen=True)
class WalkPath:
    """A walk whose faces are known. Used on the compute thread.

    One generator draws all of it: where not all faces have the same tuning, the untuned one.
    """

    walk: Walk
    faces: tuple[FinishedFace, ...]
    generator: Generator

    @classmethod
    def of(cls, walk: Walk, faces: Sequence[FinishedFace], untuned: Generator) -> WalkPath:
        """faces: those of the walk's keys in their order."""
        first = faces[0].generator
        same = all(face.generator is first for face in faces)
        return cls(walk, tuple(faces), first if same else untuned)

    def at(self, times: Sequence[float]) -> list[FinishedFace]:
        """The faces after so many seconds."""
        durations = self.walk.durations
        if self.walk.easing == "gentle":
            times = gentle_times(durations, times).tolist()
        rows = self._ws(durations, times)
        noises = [self._noise(*section_at(durations, time)) for time in times]
        return [
            FinishedFace(row[None], noise, self.generator) for row, noise in zip(rows, noises, strict=True)
        ]

    def _ws(self, durations: Sequence[float], times: Sequence[float]) -> Tensor:
        keys = torch.cat([face.ws for face in self.faces])
        if self.walk.path == "smooth":
            return (closed_walk if self.walk.closed else smooth_walk)(keys, durations, times)
        around = torch.cat([keys, keys[:1]]) if self.walk.closed else keys
        return straight_walk(around, durations, times)

    def _noise(self, section: int, share: float) -> Noise:
        """The noise of the faces beside it, one fading into the other where they differ."""
        first, second = self.faces[section].noise, self.faces[(section + 1) % len(self.faces)].noise
        if first is second:
            return first
        stored = [map_[None, None] for map_ in self.generator.synthesis.noise_maps()]
        before, after = (_with_stored(maps, stored) for maps in (first, second))
        return [
            a if torch.equal(a, b) else crossed_noise(a, b, share) for a, b in zip(before, after, strict=True)
        ]


def _with_stored(maps: Noise, stored: Sequence[Tensor]) -> list[Tensor]:
    """The maps, and the stored ones where none are given."""
    given = maps or [None] * len(stored)
    return [own if map_ is None else map_ for map_, own in zip(given, stored, strict=True)]


class LocalWalks:
    """See exploring_interface.Walks. A face that is not known yet has a turn of its own."""

    def __init__(self, using: Using, run: Computes, prepare: Prepare) -> None:
        self._using, self._run, self._prepare = using, run, prepare
        self._ready: StageCache[bool] = StageCache(REMEMBERED_WALKS)

    async def picture(self, walk: Walk, at: float, resolution: int | None) -> bytes:
        """With the priority of a live picture, but for faces that are computed first."""
        check_walkable(walk)
        async with self._using(walk.keys[0].document.model) as model:
            await self._ready_for(walk, model, resolution)
            side = resolution or min(PREVIEW_SIDE, model.description.img_resolution)

            def draw() -> bytes:
                (face,) = _path(walk, model).at([at])
                return encode_jpeg(model.worker.drawn(face, side), "preview")

            return await self._run(Priority.LIVE, draw)

    async def frames(
        self, walk: Walk, frames_per_second: float, resolution: int | None = None
    ) -> AsyncGenerator[RGB, None]:
        """One hop to the compute thread a picture, so that others are rendered in between."""
        check_walkable(walk)
        async with self._using(walk.keys[0].document.model) as model:
            await self._ready_for(walk, model, resolution)
            side = resolution or model.description.img_resolution
            times = frame_times(walk.durations, frames_per_second).tolist()
            path = await self._run(Priority.PROJECTION, partial(_path, walk, model))
            for first in range(0, len(times), TIMES_TOGETHER):
                part = times[first : first + TIMES_TOGETHER]
                faces = await self._run(Priority.PROJECTION, partial(path.at, part))
                for face in faces:
                    yield await self._run(Priority.PROJECTION, partial(model.worker.drawn, face, side))

    async def _ready_for(self, walk: Walk, model: ResidentModel, resolution: int | None) -> None:
        """Check that the model can do it, and compute every face once, each in its own turn."""
        check_resolution(resolution, model.description)
        for key in walk.keys:
            check_fit(key.document, model.description)
        name = f"{model.worker.weights}{[key.document.model_dump_json() for key in walk.keys]}"
        if self._ready.get(name):
            return
        for key in walk.keys:
            await self._prepare(key.document, model)
            await self._run(Priority.FINAL, partial(model.worker.finished, key.document))
            await asyncio.sleep(0)
        self._ready.put(name, True)


def check_walkable(walk: Walk) -> None:
    """Raises Problem walk_needs_faces."""
    if len(walk.keys) < 2:
        raise Problem("walk_needs_faces", "A walk needs two faces at least.", "Add another face to it.")


def _path(walk: Walk, model: ResidentModel) -> WalkPath:
    """From the worker's memory, where the faces are unless others have pushed them out."""
    faces = [model.worker.finished(key.document) for key in walk.keys]
    return WalkPath.of(walk, faces, model.worker.generator)

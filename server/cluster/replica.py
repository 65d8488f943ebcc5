"""One replica of the engine: a LocalEngine whose methods are called by name, from other processes.

Nothing of Ray is needed here. Refusals are values: an exception that crosses processes is logged with its
traceback at each of them, and a refused edit is nothing that operators should read about.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from server.engine.interface import ListedModel
from server.engine.local import LocalEngine
from server.engine.local_options import engine_options
from server.engine.projecting_interface import ProjectionSpec
from server.problems import Problem
from server.settings import Settings
from server.storage import directions as stored_directions
from server.storage import latents
from server.storage.blob_places import open_blobs
from server.storage.database import Database

PARTS = ("", "editing", "exporting", "inspection", "walks", "maps")  # "": the engine itself


@dataclass(frozen=True)
class Returned:
    """What a method returned, or the next value of a generator."""

    value: Any


@dataclass(frozen=True)
class Told:
    """Progress: stage, done, total."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Facts:
    """What the page asks of an engine without waiting for it."""

    device: str
    synthesis: str
    listing: tuple[ListedModel, ...]


class StopSignal(Protocol):
    """Ends when a projection is to stop, with an exception where nobody is left who could say so."""

    async def __call__(self) -> None:
        """Wait for it."""
        ...


class EngineReplica:
    """Reads latents and directions itself, from the database and the blobs that all processes share."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: LocalEngine | None = None
        self._starting = asyncio.Lock()

    async def facts(self) -> Facts:
        """Of its device and models."""
        engine = await self._started()
        await engine.rescan()
        return Facts(engine.device, engine.synthesis, engine.listing())

    async def call(self, part: str, method: str, values: Mapping[str, Any]) -> Returned | Problem:
        """The result of a method of the engine, or of one of its parts."""
        try:
            return Returned(await (await self._method(part, method))(**values))
        except Problem as problem:
            return problem

    async def call_with_reports(
        self, part: str, method: str, values: Mapping[str, Any]
    ) -> AsyncIterator[Told | Returned | Problem]:
        """Reports of progress, and at last the result."""
        told: asyncio.Queue[Told | None] = asyncio.Queue()
        work = asyncio.create_task((await self._method(part, method))(**values, report=_into(told)))
        work.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (news := await told.get()) is not None:
                yield news
            yield Returned(work.result())
        except Problem as problem:
            yield problem
        finally:
            work.cancel()

    async def stream(
        self, part: str, method: str, values: Mapping[str, Any]
    ) -> AsyncIterator[Returned | Problem]:
        """The values of a generator method, one by one."""
        try:
            async with aclosing((await self._method(part, method))(**values)) as found:
                async for value in found:
                    yield Returned(value)
        except Problem as problem:
            yield problem

    async def project(self, spec: ProjectionSpec, stopped: StopSignal) -> AsyncIterator[Returned | Problem]:
        """See Engine.project. The step after the signal is the last one."""
        engine, stop = await self._started(), asyncio.Event()
        waiting = asyncio.create_task(_set_when(stop, stopped))
        try:
            async with aclosing(engine.project(spec, stop)) as events:
                async for event in events:
                    yield Returned(event)
        except Problem as problem:
            yield problem
        finally:
            waiting.cancel()

    async def _method(self, part: str, method: str) -> Callable[..., Any]:
        if part not in PARTS or method.startswith("_"):
            raise ValueError(f"the engine has nothing called {part}.{method} for others")
        engine = await self._started()
        found: Callable[..., Any] = getattr(getattr(engine, part) if part else engine, method)
        return found

    async def _started(self) -> LocalEngine:
        async with self._starting:
            if self._engine is None:
                self._engine = await asyncio.to_thread(self._made)
                await self._engine.start()
            return self._engine

    def _made(self) -> LocalEngine:
        settings = self._settings
        database = Database(settings.database)
        blobs = open_blobs(settings.blobs_url, settings.data_dir / "blobs")
        return LocalEngine(
            engine_options(settings),
            lambda latent_id: latents.read(database, blobs, latent_id),
            lambda direction_id: stored_directions.read(database, blobs, direction_id),
        )


def _into(told: asyncio.Queue[Told | None]) -> Callable[[str, int, int], None]:
    """A report that any thread may call."""
    loop = asyncio.get_running_loop()

    def report(stage: str, done: int, total: int) -> None:
        loop.call_soon_threadsafe(told.put_nowait, Told(stage, done, total))

    return report


async def _set_when(stop: asyncio.Event, stopped: StopSignal) -> None:
    with suppress(Exception):  # whoever could have stopped it is gone: nobody reads the events either
        await stopped()
    stop.set()

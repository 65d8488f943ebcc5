"""The models that can be asked for: seen in the checkpoints folder, loaded on demand, let go when not needed.

All methods run on the event loop's thread. What takes time runs beside it: looking at the folder, converting
and loading on threads of their own, so that the compute thread goes on rendering.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from models.bundle import Bundle
from models.shared import SharedNetworks
from models.weights import CheckpointError
from server.engine.catalogue import UNEXPECTED, Entry, Place, scan
from server.engine.conversion import clear_unfinished, converted, forget_converted
from server.engine.interface import ListedModel, ModelDescription
from server.engine.loading import LoadedBundle, load_entry, place_to_load
from server.engine.passing import on_passing_thread
from server.engine.refusals import no_such_model, unavailable, unusable
from server.engine.residence import ResidentModel, ResidentModels
from server.engine.worker import ModelWorker
from server.problems import Problem

log = logging.getLogger(__name__)

NO_ROOM = "There is not enough memory to load it."
ORDER = {"ready": 0, "loading": 0, "preparing": 1, "refused": 2}


@dataclass(frozen=True)
class LibraryOptions:
    """Where checkpoints are, where converted ones go, what computes, and how many bytes of weights stay."""

    checkpoints_dir: Path
    converted_dir: Path
    device: str
    budget_bytes: int


@dataclass(frozen=True)
class Failure:
    """Why what was at a place could not be loaded."""

    place: Place
    reason: str


class ModelLibrary:
    """One of each server. Raises Problem no_model, unknown_model, model_preparing, model_unavailable."""

    def __init__(self, options: LibraryOptions, make_worker: Callable[[Bundle], ModelWorker]) -> None:
        self._options, self._make_worker = options, make_worker
        self._entries: tuple[Entry, ...] = ()
        self._failures: dict[Entry, Failure] = {}
        self._resident = ResidentModels(options.budget_bytes)
        self._networks = SharedNetworks()
        self._loads: dict[str, asyncio.Task[ResidentModel]] = {}
        self._conversions: asyncio.Task[None] | None = None
        self._changing_entries, self._one_load = asyncio.Lock(), asyncio.Lock()

    async def start(self) -> None:
        """Load the first model that can be loaded, so that the first visitor does not wait for it."""
        await asyncio.to_thread(clear_unfinished, self._options.converted_dir)
        await self.rescan()
        for description in self.descriptions():
            with suppress(Problem):
                async with self.using(description.name):
                    return

    async def stop(self) -> None:
        """Nothing is waited for: what is being read or converted is of no use any more."""
        tasks = [*self._loads.values(), *([self._conversions] if self._conversions else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def resident(self) -> ResidentModels:
        """The models in memory."""
        return self._resident

    def listing(self) -> tuple[ListedModel, ...]:
        """See Engine.listing."""
        return tuple(sorted(map(self._listed, self._entries), key=lambda model: ORDER[model.state]))

    def descriptions(self) -> tuple[ModelDescription, ...]:
        """Of the usable models."""
        return tuple(model.description for model in self.listing() if model.description)

    def default(self) -> ModelDescription:
        """The first of them."""
        for description in self.descriptions():
            return description
        raise no_such_model(self.listing())

    def description(self, name: str) -> ModelDescription:
        """Of the usable model of that name."""
        listing = self.listing()
        for model in listing:
            if model.name == name and model.description:
                return model.description
            if model.name == name:
                raise unusable(model)
        raise no_such_model(listing)

    @asynccontextmanager
    async def using(self, name: str) -> AsyncIterator[ResidentModel]:
        """The model, loaded first if need be; while it is in use it does not leave."""
        model = self._resident.use(name) or await self._loaded(name)
        model.users += 1
        try:
            yield model
        finally:
            model.users -= 1
            self._resident.make_room()

    async def rescan(self) -> None:
        """See Engine.rescan."""
        async with self._changing_entries:
            await self._look(self._entries)

    async def refresh(self) -> None:
        """See Engine.refresh."""
        async with self._changing_entries:
            for entry in self._failures:
                forget_converted(entry)
            self._failures.clear()
            await self._look([_forgotten(entry) if entry.reason else entry for entry in self._entries])
            places = {entry.place for entry in self._entries}
            for model in self._resident:
                if model.place not in places:
                    self._resident.drop(model.description.name)

    async def _look(self, known: Sequence[Entry]) -> None:
        self._entries = await asyncio.to_thread(scan, self._options.checkpoints_dir, known)
        paths = {entry.name: entry.place.path for entry in self._entries}
        for model in self._resident:
            if paths.get(model.description.name) != model.place.path:
                self._resident.drop(model.description.name)
        self._failures = _still_true(self._failures, self._entries)
        if self._conversions is None or self._conversions.done():
            self._conversions = asyncio.create_task(self._convert_waiting(), name="conversions")

    async def _convert_waiting(self) -> None:
        while (waiting := next((entry for entry in self._entries if entry.is_waiting), None)) is not None:
            done = await on_passing_thread(partial(converted, waiting, self._options.converted_dir))
            async with self._changing_entries:
                self._entries = tuple(done if entry is waiting else entry for entry in self._entries)

    async def _loaded(self, name: str) -> ResidentModel:
        """Whoever asks for a model that is being loaded waits for that load. It goes on without them."""
        load = self._loads.get(name)
        if load is None:
            self.description(name)
            entry = next(entry for entry in self._entries if entry.name == name)
            load = self._loads[name] = asyncio.create_task(self._load(entry), name=f"loading {name}")
            load.add_done_callback(lambda done: self._end_load(name, done))
        return await asyncio.shield(load)

    def _end_load(self, name: str, load: asyncio.Task[ResidentModel]) -> None:
        del self._loads[name]
        if not load.cancelled():
            load.exception()  # whoever waits is told; nobody may be left who does

    async def _load(self, entry: Entry) -> ResidentModel:
        async with self._one_load:
            place = place_to_load(entry)
            load = partial(load_entry, entry, place, self._options.device, self._networks)
            try:
                loaded = await on_passing_thread(load)
            except Exception as error:
                reason = _reason(error)
                log.warning("the model %s could not be loaded: %s", entry.name, reason)
                self._failures[entry] = Failure(place, reason)
                raise unavailable(entry.name, reason) from error
        return self._moved_in(loaded, place)

    def _moved_in(self, loaded: LoadedBundle, place: Place) -> ResidentModel:
        model = ResidentModel(loaded.description, place, self._make_worker(loaded.bundle))
        if any(entry.name == loaded.description.name for entry in self._entries):  # else deleted meanwhile
            self._resident.add(model)
        return model

    def _listed(self, entry: Entry) -> ListedModel:
        resident = self._resident.find(entry.name)
        changed = resident is not None and resident.place != entry.place
        failure = self._failures.get(entry)
        reason = entry.reason or (failure.reason if failure else "")
        listed = ListedModel(
            name=entry.name,
            source=entry.place.path.name,
            size_bytes=entry.place.size_bytes,
            state="ready",
            reason=reason,
            loaded=resident is not None,
            changed=changed,
            description=resident.description if resident else entry.description,
        )
        if resident is not None:
            return listed
        if reason:
            return replace(listed, state="refused", description=None)
        if entry.is_waiting:
            return replace(listed, state="preparing")
        return replace(listed, state="loading") if entry.name in self._loads else listed


def _still_true(failures: dict[Entry, Failure], entries: Sequence[Entry]) -> dict[Entry, Failure]:
    """Of entries that are the same, or whose place is now noticed to be what could not be loaded."""
    by_place = {failure.place: failure for failure in failures.values()}
    found = ((entry, failures.get(entry) or by_place.get(entry.place)) for entry in entries)
    return {entry: failure for entry, failure in found if failure is not None}


def _reason(error: Exception) -> str:
    """Why it could not be loaded, in a sentence for the user; the log has the rest."""
    if isinstance(error, CheckpointError):
        return str(error)
    no_room = isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
    if no_room:
        return NO_ROOM
    log.error("a model could not be loaded", exc_info=error)
    return UNEXPECTED


def _forgotten(entry: Entry) -> Entry:
    """The same, but read again at the next look."""
    return replace(entry, place=replace(entry.place, signature=()))

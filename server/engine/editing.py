"""See editing_interface.Editing: long work in steps on the compute thread, or on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from uuid import UUID

from torch import Tensor

from models.editing.errors import EditError
from models.editing.layer_rules import layer_rules
from models.projection.perceptual import PerceptualDistance
from server.documents import Document
from server.engine.cache import FrameCache
from server.engine.compute import Computes, Priority
from server.engine.direction_search import adjusted_direction, search_directions, uploaded_direction
from server.engine.edit_refusals import edit_problem
from server.engine.editing_interface import (
    AttributeReading,
    DirectionQuery,
    DirectionUpload,
    EditableModel,
    FoundDirection,
    LikenessReading,
    Report,
    SampledFace,
    SampleRequest,
)
from server.engine.estimating import Estimates
from server.engine.fit import check_editable, check_fit, check_measurable, check_resolution
from server.engine.known_directions import KnownDirections
from server.engine.likeness import LikenessJudge
from server.engine.passing import on_passing_thread
from server.engine.readying import Readying
from server.engine.residence import ResidentModel
from server.engine.sampling import POPULATION, PopulationReading, Sampling
from server.engine.strips import STRIP_SIDE, strip_jpeg, strip_picture
from server.engine.worker import ModelWorker
from server.problems import Problem

Weights = tuple[str | None, ...]
Using = Callable[[str], AbstractAsyncContextManager[ResidentModel]]


class LocalEditing:
    """The part of LocalEngine that edits."""

    def __init__(
        self,
        using: Using,
        run: Computes,
        perceptual: Callable[[], Awaitable[PerceptualDistance]],
        directions: KnownDirections,
        frames: FrameCache,
    ) -> None:
        self._using, self._run, self._perceptual = using, run, perceptual
        self._directions, self._frames = directions, frames
        self._estimates, self._readying = Estimates(run), Readying(run)
        self._judge: LikenessJudge | None = None
        self._populations: dict[Weights, Tensor] = {}  # attributes of faces, by all that they depend on

    def stop(self) -> None:
        """Nothing that is under way is waited for."""
        self._estimates.stop()
        self._readying.stop()

    def begin(self, worker: ModelWorker) -> None:
        """A model was loaded."""
        self._readying.begin_model(worker)

    async def prepare(self, document: Document, model: ResidentModel) -> None:
        """Wait for what a render of this document needs and the compute thread must not compute."""
        if document.edits_attributes:
            await self._readying.wait(model.worker)
            await self._estimates.wait(model.worker, document)

    async def knows_base(self, document: Document) -> bool:
        """Quick, once the model is loaded."""
        async with self._editable(document) as model:
            face = await self._estimates.unknown_face(model.worker, document)
            if face is not None:
                self._estimates.begin(model.worker, face)
            return face is None

    async def attributes(self, document: Document) -> AttributeReading:
        """With the priority of a final picture."""
        async with self._editable(document) as model:
            await self._estimates.wait(model.worker, document)
            reading = await self._run(Priority.FINAL, partial(model.worker.attributes, document))
            self._readying.begin_face(model.worker, document)
            return reading

    async def likeness(self, document: Document) -> LikenessReading:
        """The first one of a model looks at some strangers, between other work."""
        async with self._editable(document) as model:
            await self.prepare(document, model)
            try:
                judge = await self._likeness_judge()
            except Problem as problem:
                return LikenessReading(None, "none", problem.detail)
            while not judge.knows_strangers(model.worker):
                await self._run(Priority.PROJECTION, partial(judge.meet_stranger, model.worker))
            return await self._run(Priority.FINAL, partial(judge.judge, model.worker, document))

    async def editable(self, model: str) -> EditableModel:
        """From the loaded model, since only then its hash is that of what is used."""
        async with self._using(model) as resident:
            bundle = resident.worker.bundle
            rules = layer_rules(bundle.generator.num_ws, bundle.manifest.layers).named()
            return EditableModel(bundle.manifest.generator.sha256, bundle.generator.num_ws, rules)

    async def search(self, query: DirectionQuery, report: Report) -> tuple[FoundDirection, ...]:
        """Beside the compute thread; ends at its next report if this is cancelled."""
        stop = threading.Event()
        async with self._using(query.model) as model:
            work = partial(search_directions, model.worker.bundle, query, report, stop)
            try:
                return await on_passing_thread(work)
            except EditError as error:
                raise edit_problem(error) from error
            finally:
                stop.set()

    async def read_direction(self, upload: DirectionUpload, data: bytes) -> FoundDirection:
        """Beside the compute thread: its scale is measured on draws of w."""
        async with self._using(upload.model) as model:
            try:
                return await on_passing_thread(partial(uploaded_direction, model.worker.bundle, upload, data))
            except EditError as error:
                raise edit_problem(error) from error

    async def adjusted(
        self, model: str, data: bytes, name: str, layers: tuple[int, ...] | None
    ) -> FoundDirection:
        """Needs no network."""
        async with self._using(model) as resident:
            try:
                return adjusted_direction(resident.worker.bundle, data, name, layers)
            except EditError as error:
                raise edit_problem(error) from error

    async def strip(
        self,
        document: Document,
        direction: bytes,
        strengths: tuple[float, ...],
        layers: tuple[int, ...] | None,
        resolution: int | None,
    ) -> bytes:
        """One picture after the other, each with the priority of a final one."""
        async with self._using(document.model) as model:
            check_fit(document, model.description)
            check_resolution(resolution, model.description)
            await self.prepare(document, model)
            side = resolution or min(STRIP_SIDE, model.description.img_resolution)
            draw = partial(strip_picture, model.worker, document, direction, layers, side)
            pictures = [await self._run(Priority.FINAL, partial(draw, strength)) for strength in strengths]
            return await asyncio.to_thread(strip_jpeg, pictures)

    async def sample(self, request: SampleRequest, report: Report) -> tuple[SampledFace, ...]:
        """In steps on the compute thread. The first ones of a model read its population first."""
        async with self._using(request.model) as model:
            check_editable(model.description)
            check_measurable(model.description)
            bundle = model.worker.bundle
            population = await self._population(model, report)
            sampling = await self._run(Priority.PROJECTION, lambda: Sampling(bundle, request, population))
            faces = []
            for index in range(request.count):
                report("making faces", index, request.count)
                faces.append(await self._run(Priority.PROJECTION, partial(sampling.face, index)))
            report("making faces", request.count, request.count)
            return tuple(faces)

    async def forget_direction(self, direction: UUID) -> None:
        """On the compute thread, whose memories these are."""

        def forget() -> None:
            self._directions.forget(direction)
            self._frames.clear()

        await self._run(Priority.FINAL, forget)

    @asynccontextmanager
    async def _editable(self, document: Document) -> AsyncIterator[ResidentModel]:
        async with self._using(document.model) as model:
            check_fit(document, model.description)
            check_editable(model.description)
            yield model

    async def _likeness_judge(self) -> LikenessJudge:
        distance = await self._perceptual()
        if self._judge is None:
            self._judge = LikenessJudge(distance)
        return self._judge

    async def _population(self, model: ResidentModel, report: Report) -> Tensor:
        key = model.worker.weights
        if key not in self._populations:
            reading = await self._run(Priority.PROJECTION, lambda: PopulationReading(model.worker.bundle))
            while reading.done < POPULATION:
                report("reading faces of this model", reading.done, POPULATION)
                await self._run(Priority.PROJECTION, reading.step)
            self._populations[key] = reading.attributes()
        return self._populations[key]

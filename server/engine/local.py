"""The engine inside the server's own process: all torch work on one compute thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import TypeVar

import torch

from models.projection.anchors import Anchors
from models.stylegan2.native.entry import usual_method
from server.documents import Document
from server.engine.alignment import aligned_face, with_face
from server.engine.cache import FrameCache
from server.engine.compute import ComputeThread, Done, Priority, Together
from server.engine.drawing import MOST_TOGETHER
from server.engine.editing import LocalEditing
from server.engine.editing_interface import DirectionSource
from server.engine.exporting import LocalExporting
from server.engine.faces import FaceFinder
from server.engine.fit import check_fit, check_projectable, check_resolution
from server.engine.frames import encode_png
from server.engine.inspection import LocalInspection
from server.engine.interface import (
    RGB,
    FoundFace,
    LatentSource,
    ListedModel,
    ModelDescription,
    PerceptualDescription,
    Rendered,
    RenderRequest,
)
from server.engine.known_directions import KnownDirections, no_directions
from server.engine.latent_map import LocalMaps
from server.engine.library import LibraryOptions, ModelLibrary
from server.engine.local_options import LocalEngineOptions, torch_device
from server.engine.measures import EngineMeasures
from server.engine.model_problems import told_as_problems
from server.engine.perceptual_network import PerceptualNetwork
from server.engine.projecting import RunningProjection, StatisticsOfW
from server.engine.projecting_interface import ProjectionEvent, ProjectionSpec
from server.engine.residence import ResidentModel
from server.engine.walking import LocalWalks
from server.engine.worker import ModelWorker
from server.problems import Problem

T = TypeVar("T")

PREVIEW_RESOLUTION = 256


class LocalEngine:
    """See interface.Engine."""

    def __init__(
        self, options: LocalEngineOptions, latents: LatentSource, directions: DirectionSource = no_directions
    ) -> None:
        self._torch_device = torch_device(options.device)
        self._compute = ComputeThread()
        self._times = self._compute.times
        frames = self._frames = FrameCache(options.frame_cache_bytes)
        known = KnownDirections(directions)
        self._library = ModelLibrary(
            LibraryOptions(
                options.checkpoints_dir, options.converted_dir, self._torch_device, options.model_cache_bytes
            ),
            lambda bundle: self._ready(ModelWorker(bundle, latents, known, frames, self._times)),
        )
        self._finder = FaceFinder(options.checkpoints_dir, self._torch_device)
        self._statistics = StatisticsOfW()
        self._perceptual = PerceptualNetwork(options.perceptual, self._torch_device)
        self.editing = LocalEditing(self._library.using, self._run, self._perceptual, known, self._frames)
        self.exporting = LocalExporting(self._library.using, self._run, self.editing)
        self.walks = LocalWalks(self._library.using, self._run, self.editing.prepare)
        self.inspection = LocalInspection(self._library.using, self._run, self.editing.prepare)
        self.maps = LocalMaps(self._library.using, self._run, self.editing.prepare)

    @property
    def device(self) -> str:
        """ "cpu", or the GPU's name."""
        if self._torch_device.startswith("cuda"):
            return f"{self._torch_device} ({torch.cuda.get_device_name(self._torch_device)})"
        return self._torch_device

    @property
    def synthesis(self) -> str:
        """Vector kernels on most CPUs, CUDA graphs on a GPU."""
        if self._torch_device.startswith("cuda"):
            return "CUDA graphs (float16 in the high blocks)"
        used = usual_method()
        return f"{used.name} ({used.detail})"

    async def start(self) -> None:
        """With the first model loaded."""
        self._compute.start()
        await self._library.start()

    async def stop(self) -> None:
        """Finish the work item under way."""
        self.editing.stop()
        await self._library.stop()
        await self._compute.stop()

    def models(self) -> tuple[ModelDescription, ...]:
        """Usable models."""
        return self._library.descriptions()

    def default_model(self) -> ModelDescription:
        """The first of them."""
        return self._library.default()

    def model(self, name: str) -> ModelDescription:
        """One of them."""
        return self._library.description(name)

    def listing(self) -> tuple[ListedModel, ...]:
        """All models."""
        return self._library.listing()

    async def rescan(self) -> None:
        """Beside the compute thread."""
        await self._library.rescan()

    async def refresh(self) -> None:
        """Beside the compute thread."""
        await self._library.refresh()

    def measures(self) -> EngineMeasures:
        """Of the compute thread, the models and the finished pictures."""
        models = self._library.resident
        return EngineMeasures(
            times=self._times.distributions(),
            waiting=self._compute.waiting(),
            models=len(list(models)),
            model_bytes=models.bytes(),
            model_budget_bytes=models.budget_bytes,
            frame_bytes=self._frames.bytes,
            frame_hits=self._frames.hits,
            frame_misses=self._frames.misses,
        )

    async def perceptual(self) -> PerceptualDescription:
        """Raises Problem perceptual_missing."""
        loaded = await self._perceptual()
        return PerceptualDescription(loaded.name, loaded.is_lpips, loaded.note)

    async def render(self, request: RenderRequest) -> Rendered:
        """Previews before everything else."""
        async with self._library.using(request.document.model) as model:
            check_fit(request.document, model.description)
            check_resolution(request.resolution, model.description)
            await self.editing.prepare(request.document, model)
            return await self._render(request, model)

    async def _render(self, request: RenderRequest, model: ResidentModel) -> Rendered:
        document, worker, full = request.document, model.worker, model.description.img_resolution
        if request.quality == "preview":
            return await self._preview(document, request.resolution or min(PREVIEW_RESOLUTION, full), worker)
        side = request.resolution or full
        if request.format == "png":
            picture = await self._timed(Priority.FINAL, partial(worker.picture, document, side))
            with self._times.measured("encode", "png"):
                png = await asyncio.to_thread(encode_png, picture.value)
            return Rendered(png, "png", side, side, picture.ran_us, picture.queued_us)
        jpeg = await self._timed(Priority.FINAL, partial(worker.jpeg, document, side))
        return Rendered(jpeg.value, "jpeg", side, side, jpeg.ran_us, jpeg.queued_us)

    def _ready(self, worker: ModelWorker) -> ModelWorker:
        self.editing.begin(worker)
        return worker

    async def _preview(self, document: Document, side: int, worker: ModelWorker) -> Rendered:
        """With those that other hands wait for meanwhile."""
        batch = Together(("preview", id(worker), side), MOST_TOGETHER, partial(worker.previews, side=side))
        with told_as_problems():
            done = await self._compute.run_together(Priority.LIVE, document, batch)
        preview, corrected = done.value, not document.is_corrected
        shown = preview.side
        return Rendered(preview.jpeg, "jpeg", shown, shown, done.ran_us, done.queued_us, corrected)

    async def find_faces(self, rgb: RGB) -> tuple[FoundFace, ...]:
        """With the priority of a final picture."""
        return await self._run(Priority.FINAL, lambda: self._finder.find(rgb))

    async def crop(self, rgb: RGB, anchors: Anchors, size: int) -> RGB:
        """On another thread: it needs no torch, and a large photo takes a while."""
        return await asyncio.to_thread(aligned_face, rgb, anchors, size)

    async def put_back(self, document: Document, photo: RGB, anchors: Anchors) -> RGB:
        """Rendered with the priority of a final picture, put back on another thread."""
        async with self._library.using(document.model) as model:
            check_fit(document, model.description)
            await self.editing.prepare(document, model)
            side = model.description.img_resolution
            face = await self._run(Priority.FINAL, lambda: model.worker.picture(document, side))
        return await asyncio.to_thread(with_face, photo, face, anchors)

    async def project(
        self, spec: ProjectionSpec, stop: asyncio.Event
    ) -> AsyncGenerator[ProjectionEvent, None]:
        """One hop to the compute thread a step, so that pictures are rendered between steps."""
        async with self._library.using(spec.model) as model:
            check_projectable(model.description)
            perceptual = await self._perceptual()
            running = RunningProjection(model.worker.bundle, spec, perceptual, self._statistics)
            await self._run(Priority.PROJECTION, running.begin)
            try:
                while not running.is_complete and not stop.is_set():
                    yield await self._run(Priority.PROJECTION, running.step)
            except Problem as problem:
                if problem.code == "diverged" and running.has_result:
                    yield await self._run(Priority.FINAL, running.last_event)
                raise
            if running.has_result:
                yield await self._run(Priority.FINAL, running.last_event)

    async def _run(self, priority: Priority, work: Callable[[], T]) -> T:
        return (await self._timed(priority, work)).value

    async def _timed(self, priority: Priority, work: Callable[[], T]) -> Done[T]:
        with told_as_problems():
            return await self._compute.run(priority, work)

"""The engine inside the server's own process: all torch work on one compute thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from models.projection.perceptual import PerceptualDistance, load_perceptual
from models.projection.projector import ProjectionError
from models.projection.trunks import TrunkError
from models.styleflow.network import IntegrationError
from server.documents import Document
from server.engine.bundles import load_bundles
from server.engine.cache import FrameCache
from server.engine.compute import ComputeThread, Done, Priority
from server.engine.faces import FaceFinder, aligned_face
from server.engine.fit import check_fit, check_resolution, model_of
from server.engine.frames import encode_png
from server.engine.interface import (
    RGB,
    AttributeReading,
    FoundFace,
    LatentSource,
    ModelDescription,
    PerceptualDescription,
    ProjectionEvent,
    ProjectionSpec,
    RefusedModel,
    Rendered,
    RenderRequest,
)
from server.engine.projecting import RunningProjection, StatisticsOfW
from server.engine.worker import ModelWorker, describe
from server.problems import Problem

log = logging.getLogger(__name__)
T = TypeVar("T")

PREVIEW_RESOLUTION = 256


@dataclass(frozen=True)
class LocalEngineOptions:
    """Where the bundles are, what to compute on, which perceptual distance, and memory for frames."""

    checkpoints_dir: Path
    device: str = "auto"
    perceptual: str = "auto"
    frame_cache_bytes: int = 64 * 2**20


class LocalEngine:
    """See interface.Engine."""

    def __init__(self, options: LocalEngineOptions, latents: LatentSource) -> None:
        self._options, self._latents = options, latents
        self._torch_device = _torch_device(options.device)
        self._compute = ComputeThread()
        self._workers: dict[str, ModelWorker] = {}
        self._descriptions: tuple[ModelDescription, ...] = ()
        self._refused: tuple[RefusedModel, ...] = ()
        self._finder = FaceFinder(options.checkpoints_dir, self._torch_device)
        self._statistics = StatisticsOfW()
        self._perceptual: PerceptualDistance | None = None
        self._perceptual_lock = asyncio.Lock()

    @property
    def device(self) -> str:
        """ "cpu", or the GPU's name."""
        if self._torch_device.startswith("cuda"):
            return f"{self._torch_device} ({torch.cuda.get_device_name(self._torch_device)})"
        return self._torch_device

    async def start(self) -> None:
        """Load the bundles."""
        self._compute.start()
        load = partial(load_bundles, self._options.checkpoints_dir, self._torch_device)
        loaded = await self._run(Priority.FINAL, load)
        frames = FrameCache(self._options.frame_cache_bytes)
        self._workers = {
            name: ModelWorker(bundle, self._latents, frames) for name, bundle in loaded.usable.items()
        }
        self._descriptions = tuple(describe(bundle) for bundle in loaded.usable.values())
        self._refused = loaded.refused

    async def stop(self) -> None:
        """Finish the work item under way."""
        await self._compute.stop()

    def models(self) -> tuple[ModelDescription, ...]:
        """Usable models."""
        return self._descriptions

    def refused(self) -> tuple[RefusedModel, ...]:
        """Bundles that could not be loaded."""
        return self._refused

    async def perceptual(self) -> PerceptualDescription:
        """Raises Problem perceptual_missing."""
        loaded = await self._loaded_perceptual()
        return PerceptualDescription(loaded.name, loaded.is_lpips, loaded.note)

    async def render(self, request: RenderRequest) -> Rendered:
        """Previews before everything else."""
        model, worker = self._for(request.document)
        check_resolution(request.resolution, model)
        document = request.document
        largest = PREVIEW_RESOLUTION if request.quality == "preview" else model.img_resolution
        side = request.resolution or min(largest, model.img_resolution)
        priority = Priority.LIVE if request.quality == "preview" else Priority.FINAL
        if request.format == "png":
            picture = await self._timed(priority, lambda: worker.picture(document, side))
            png = await asyncio.to_thread(encode_png, picture.value)
            return Rendered(png, "png", side, side, picture.ran_us, picture.queued_us)
        jpeg = await self._timed(priority, lambda: worker.jpeg(document, side, request.quality))
        return Rendered(jpeg.value, "jpeg", side, side, jpeg.ran_us, jpeg.queued_us)

    async def attributes(self, document: Document) -> AttributeReading:
        """With the priority of a final picture."""
        model, worker = self._for(document)
        if not model.attributes:
            raise Problem("not_editable", f"The model {model.name} comes without an attribute estimator.")
        return await self._run(Priority.FINAL, lambda: worker.attributes(document))

    async def find_faces(self, rgb: RGB) -> tuple[FoundFace, ...]:
        """With the priority of a final picture."""
        return await self._run(Priority.FINAL, lambda: self._finder.find(rgb))

    async def crop(self, rgb: RGB, landmarks: list[list[float]], size: int) -> RGB:
        """On another thread: it needs no torch, and a large photo takes a while."""
        return await asyncio.to_thread(aligned_face, rgb, landmarks, size)

    async def project(
        self, spec: ProjectionSpec, stop: asyncio.Event
    ) -> AsyncGenerator[ProjectionEvent, None]:
        """One hop to the compute thread a step, so that pictures are rendered between steps."""
        bundle = self._worker(spec.model).bundle
        running = RunningProjection(bundle, spec, await self._loaded_perceptual(), self._statistics)
        await self._run(Priority.PROJECTION, running.begin)
        complete = True  # whether the last event had its latent
        for _ in range(spec.steps):
            if stop.is_set():
                break
            event = await self._run(Priority.PROJECTION, running.step)
            complete = event.latent is not None
            yield event
        if not complete:
            yield await self._run(Priority.FINAL, running.last_event)

    def _for(self, document: Document) -> tuple[ModelDescription, ModelWorker]:
        model = model_of(self._descriptions, document.model)
        check_fit(document, model)
        return model, self._worker(model.name)

    def _worker(self, name: str) -> ModelWorker:
        return self._workers[model_of(self._descriptions, name).name]

    async def _run(self, priority: Priority, work: Callable[[], T]) -> T:
        return (await self._timed(priority, work)).value

    async def _timed(self, priority: Priority, work: Callable[[], T]) -> Done[T]:
        try:
            return await self._compute.run(priority, work)
        except IntegrationError as error:
            hint = "Move the sliders back towards the middle."
            raise Problem("not_finite", "These attribute values lead to no picture.", hint) from error
        except ProjectionError as error:
            raise Problem("diverged", str(error)) from error
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise Problem(
                "gpu_out_of_memory", "The GPU has no memory left for this; try a smaller size."
            ) from error

    async def _loaded_perceptual(self) -> PerceptualDistance:
        # Beside the compute thread, because it may have to download a network first; and on a thread that
        # ends: PyTorch gives each thread that computes a team of OpenMP workers, and where two teams have
        # more workers than there are cores, both wait by sleeping. Every step would take twice as long.
        async with self._perceptual_lock:
            if self._perceptual is None:
                load = partial(load_perceptual, self._options.perceptual, self._torch_device)
                with ThreadPoolExecutor(max_workers=1) as passing:
                    try:
                        self._perceptual = await asyncio.get_running_loop().run_in_executor(passing, load)
                    except TrunkError as error:
                        raise Problem("perceptual_missing", f"{error}") from error
            return self._perceptual


def _torch_device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return str(torch.device(name))

"""Maps of latents: the principal plane of a model's w, and where faces lie on it.

The axes are GANSpace's (models.editing.ganspace): strength 1 along one is a deviation of w there. They are
kept as directions, so that a place on the map is an edit like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from models.editing.directions import Direction
from models.editing.ganspace import w_components
from server.documents import Document
from server.engine.cache import StageCache
from server.engine.compute import Computes, Priority
from server.engine.direction_search import described
from server.engine.editing_interface import FoundDirection
from server.engine.exploring_interface import Place
from server.engine.fit import check_fit
from server.engine.known_directions import of_generator, read_file
from server.engine.passing import on_passing_thread
from server.engine.residence import ResidentModel
from server.engine.walking import Prepare
from server.problems import Problem

AXES = 8  # principal axes that a map can be drawn along
REMEMBERED_MODELS = 16

Using = Callable[[str], AbstractAsyncContextManager[ResidentModel]]


class LocalMaps:
    """See exploring_interface.Maps."""

    def __init__(self, using: Using, run: Computes, prepare: Prepare) -> None:
        self._using, self._run, self._prepare = using, run, prepare
        self._axes: StageCache[tuple[FoundDirection, ...]] = StageCache(REMEMBERED_MODELS)  # by generator

    async def axes(self, model: str) -> tuple[FoundDirection, ...]:
        """Beside the compute thread: thousands of draws of w take a moment."""
        async with self._using(model) as resident:
            generator = resident.worker.bundle.manifest.generator.sha256
            known = self._axes.get(generator)
            if known is None:
                known = await on_passing_thread(partial(_axes, resident))
                self._axes.put(generator, known)
            return known

    async def places(
        self, model: str, documents: Sequence[Document], across: bytes, up: bytes
    ) -> tuple[Place, ...]:
        """Each face is edited on the compute thread, between pictures."""
        async with self._using(model) as resident:
            sha256 = resident.worker.bundle.manifest.generator.sha256
            axes = [of_generator(read_file(data), sha256) for data in (across, up)]
            found = []
            for document in documents:
                if document.model != model:
                    raise Problem("document_does_not_fit", "A face on the map is of another model.")
                check_fit(document, resident.description)
                await self._prepare(document, resident)
                found.append(await self._run(Priority.FINAL, partial(_place, resident, document, axes)))
            return tuple(found)


def _axes(model: ResidentModel) -> tuple[FoundDirection, ...]:
    bundle = model.worker.bundle
    count = min(AXES, bundle.generator.w_dim)
    found = w_components(bundle.generator, count)
    named = (replace(axis, name=f"Map axis {number}") for number, axis in enumerate(found, 1))
    return tuple(described(axis, bundle.manifest.generator.sha256) for axis in named)


def _place(model: ResidentModel, document: Document, axes: Sequence[Direction]) -> Place:
    worker = model.worker
    mean: Tensor = worker.finished(document).ws[0].mean(dim=0) - worker.generator.w_avg
    across, up = (float(torch.dot(mean, axis.vector.to(mean))) / axis.scale for axis in axes)
    return across, up

"""Attributes of faces whose model has no attribute network: found by the flow's likelihood.

It takes seconds a face (models.styleflow.likelihood), so each is computed once, whoever asks, on a thread of
its own.
"""

from __future__ import annotations

import asyncio
from functools import partial

from models.styleflow.likelihood import estimate_attributes
from models.styleflow.network import IntegrationError
from server.documents import Document
from server.engine.compute import Computes, Priority
from server.engine.edit_refusals import edit_problem
from server.engine.mixed_face import MixedFace
from server.engine.passing import on_passing_thread
from server.engine.worker import ModelWorker


class Estimates:
    """Those under way. Used on the event loop's thread."""

    def __init__(self, run: Computes) -> None:
        self._run = run
        self._running: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def wait(self, worker: ModelWorker, document: Document) -> None:
        """Until the attributes at the document's base are known. Raises Problem not_finite."""
        face = await self.unknown_face(worker, document)
        if face is not None:
            await asyncio.shield(self.begin(worker, face))

    async def unknown_face(self, worker: ModelWorker, document: Document) -> MixedFace | None:
        """The document's face before its edits, if its attributes must be estimated first."""
        if worker.bundle.estimator is not None:
            return None
        face = await self._run(Priority.FINAL, partial(worker.face, document))
        known = await self._run(Priority.FINAL, partial(worker.edits.attributes.knows, face))
        return None if known else face

    def begin(self, worker: ModelWorker, face: MixedFace) -> asyncio.Task[None]:
        """The estimate of this face; one that is under way already is taken.

        It goes on if nobody waits for it any more: whoever looks at a face is about to edit it.
        """
        key = (id(worker), face.key)
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._estimate(worker, face), name="estimating")
            task.add_done_callback(lambda done: self._end(key, done))
        return task

    def stop(self) -> None:
        """Wait for none of them."""
        for task in self._running.values():
            task.cancel()

    async def _estimate(self, worker: ModelWorker, face: MixedFace) -> None:
        assert worker.bundle.flow is not None
        async with self._one_at_a_time:
            try:
                found = await on_passing_thread(partial(estimate_attributes, worker.bundle.flow, face.ws))
            except IntegrationError as error:
                raise edit_problem(error) from error
        await self._run(Priority.LIVE, partial(worker.edits.attributes.keep_estimate, face, found.attributes))

    def _end(self, key: tuple[int, str], task: asyncio.Task[None]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # whoever waits is told; nobody may be left who does

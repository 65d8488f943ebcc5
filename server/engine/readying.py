"""What the first edit would have to wait for, done before anybody asks: how many steps a flow needs, once its
model is loaded, and where the edits of a face start, once the face is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from models.styleflow.fixed_steps import fixed_step_flow
from models.styleflow.network import IntegrationError
from server.documents import Document
from server.engine.compute import Computes, Priority
from server.engine.passing import on_passing_thread
from server.engine.worker import ModelWorker
from server.problems import Problem


class Readying:
    """Used on the event loop's thread. What cannot be done is left to the edit, which then says why."""

    def __init__(self, run: Computes) -> None:
        self._run = run
        self._models: dict[int, asyncio.Task[None]] = {}  # by the worker's id, while they get ready
        self._faces: set[asyncio.Task[None]] = set()

    def begin_model(self, worker: ModelWorker) -> None:
        """Its flow, beside the compute thread."""
        key = id(worker)
        task = self._models[key] = asyncio.create_task(self._find_steps(worker), name="readying a flow")
        task.add_done_callback(lambda _: self._models.pop(key))

    async def wait(self, worker: ModelWorker) -> None:
        """Until its flow is ready."""
        task = self._models.get(id(worker))
        if task is not None:
            await asyncio.shield(task)

    def begin_face(self, worker: ModelWorker, document: Document) -> None:
        """Its edits, when there is nothing more urgent to compute."""
        work = self._run(Priority.PROJECTION, partial(worker.begin_edits, document))
        task = asyncio.create_task(self._quietly(work), name="readying a face")
        self._faces.add(task)
        task.add_done_callback(self._faces.discard)

    def stop(self) -> None:
        """Wait for none of them."""
        for task in (*self._models.values(), *self._faces):
            task.cancel()

    async def _find_steps(self, worker: ModelWorker) -> None:
        if worker.bundle.flow is not None:
            with suppress(IntegrationError):
                await on_passing_thread(partial(fixed_step_flow, worker.bundle.flow))

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        with suppress(Problem):
            await work

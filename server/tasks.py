"""Work that takes a while and is kept in memory only: with progress, to be cancelled, films one after the
other, and all else one after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from server.engine.editing_interface import FoundDirection, Report
from server.engine.film import FilmFormat
from server.errors import internal_problem
from server.problems import Problem
from server.storage.tables import now

log = logging.getLogger(__name__)

MAX_WAITING = 4
KEPT = 16

Kind = Literal["directions", "samples", "films"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class KeptSample:
    """A face that a task has stored."""

    latent: UUID
    asked: dict[str, float]
    reached: dict[str, float]


@dataclass(frozen=True)
class KeptFilm:
    """A film that a task has stored: frames of size x size."""

    id: UUID
    format: FilmFormat
    bytes: int
    frames: int
    seconds: float
    size: int


Result = tuple[FoundDirection, ...] | tuple[KeptSample, ...] | tuple[KeptFilm, ...]
Work = Callable[[Report], Awaitable[Result]]


@dataclass(eq=False)
class RunningTask:
    """One of them. step, total and note are written by whatever thread does the work."""

    kind: Kind
    model: str
    owner: str
    id: UUID = field(default_factory=uuid4)
    state: State = "queued"
    step: int = 0
    total: int = 0
    note: str = ""
    problem: Problem | None = None
    result: Result = ()
    created_at: datetime = field(default_factory=now)

    @property
    def is_finished(self) -> bool:
        return self.state not in ("queued", "running")

    def report(self, note: str, step: int, total: int) -> None:
        """See editing_interface.Report."""
        self.note, self.step, self.total = note, step, total


class TaskRunner:
    """Used on the event loop's thread."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[UUID, RunningTask] = OrderedDict()
        self._asyncio_tasks: dict[UUID, asyncio.Task[None]] = {}
        self._films, self._others = asyncio.Lock(), asyncio.Lock()

    def begin(self, task: RunningTask, work: Work) -> RunningTask:
        """Run it as soon as no other one like it runs. Raises Problem too_many_tasks."""
        if sum(not other.is_finished for other in self._tasks.values()) > MAX_WAITING:
            detail = f"{MAX_WAITING} tasks are waiting already, which is the limit."
            raise Problem("too_many_tasks", detail, "Wait for one to finish, or cancel one.", retry_after_s=5)
        self._tasks[task.id] = task
        self._forget_old()
        running = asyncio.create_task(self._run(task, work), name=f"task {task.kind}")
        self._asyncio_tasks[task.id] = running
        running.add_done_callback(lambda _: self._asyncio_tasks.pop(task.id, None))
        return task

    def get(self, task_id: UUID, owner: str) -> RunningTask:
        """Raises Problem unknown_task, also for somebody else's."""
        task = self._tasks.get(task_id)
        if task is None or task.owner != owner:
            raise Problem("unknown_task", "There is no such task: it is old, or the server was restarted.")
        return task

    def cancel(self, task: RunningTask) -> None:
        """End it; one that has finished stays as it is."""
        running = self._asyncio_tasks.get(task.id)
        if running is not None and not task.is_finished:
            task.state = "cancelled"
            running.cancel()

    async def stop(self) -> None:
        """End all of them."""
        running = list(self._asyncio_tasks.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, task: RunningTask, work: Work) -> None:
        try:
            async with self._films if task.kind == "films" else self._others:
                task.state = "running"
                task.result = await work(task.report)
            task.state = "succeeded"
        except asyncio.CancelledError:
            task.state = "cancelled"
            raise
        except Problem as problem:
            task.state, task.problem = "failed", problem
        except Exception:
            log.exception("a task failed")
            task.state, task.problem = "failed", internal_problem()

    def _forget_old(self) -> None:
        finished = [task.id for task in self._tasks.values() if task.is_finished]
        for task_id in finished[: max(0, len(self._tasks) - KEPT)]:
            del self._tasks[task_id]

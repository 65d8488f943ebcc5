"""The one thread on which a device computes: live renders first, then finals, then projections step by step.

Each kind may be overtaken by more urgent ones for a while only, so that nothing waits for ever. After a live
picture the next edit of the same hand is on its way: a projection's step, which takes longer than a picture,
waits for it, but not longer than LONGEST_HOLD_MS in all.

Pictures that wait for the same kind of work are computed together, which costs less than one after the other.
None waits for company: a batch is what piled up while the thread was busy.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar

from server.engine.measures import StageTimes

T = TypeVar("T")
Item = TypeVar("Item")

HOLD_MS = 30  # after a live picture
LONGEST_HOLD_MS = 250


class Priority(IntEnum):
    """For how many milliseconds later work that is more urgent may still go first."""

    LIVE = 0
    FINAL = 250
    PROJECTION = 1000


@dataclass(frozen=True)
class Done(Generic[T]):
    """A result, and how long it waited and took in microseconds."""

    value: T
    queued_us: int
    ran_us: int


@dataclass(frozen=True)
class Together(Generic[Item, T]):
    """Work that takes several items at once, at most `limit`, and gives a result or an exception for each.

    Only items of an equal key are taken together, by the first one's work.
    """

    key: Hashable
    limit: int
    work: Callable[[Sequence[Item]], Sequence[T | Exception]]


def outcome(work: Callable[[], T]) -> T | Exception:
    """What work returns or raises: one item of several must not take the others with it."""
    try:
        return work()
    except Exception as error:
        return error


@dataclass(order=True)
class _Waiting:
    due: int
    order: int
    priority: Priority = field(compare=False)
    future: Future[Any] = field(compare=False)
    item: Any = field(compare=False)
    together: Together[Any, Any] = field(compare=False)


class Computes(Protocol):
    """Gives the result of work that it has run on the compute thread."""

    async def __call__(self, priority: Priority, work: Callable[[], T]) -> T:
        """Raises Problem for what models say that a user must know."""
        ...


class ComputeThread:
    """Runs work items one at a time. Waiting items that nobody awaits any more are skipped."""

    def __init__(self, hold_ms: int = HOLD_MS, longest_hold_ms: int = LONGEST_HOLD_MS) -> None:
        self.times = StageTimes()
        self._hold_ns, self._longest_hold_ns = hold_ms * 1_000_000, longest_hold_ms * 1_000_000
        self._hold_until = 0
        self._queue: list[_Waiting] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="compute", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    async def run(self, priority: Priority, work: Callable[[], T]) -> Done[T]:
        """The result of work, computed on the thread; its exceptions come out here."""
        alone: Together[None, T] = Together(object(), 1, lambda _: [work()])
        return await self.run_together(priority, None, alone)

    async def run_together(self, priority: Priority, item: Item, together: Together[Item, T]) -> Done[T]:
        """The result for one item, computed on the thread with others that wait for the same."""
        submitted = time.perf_counter_ns()
        future: Future[Done[T]] = Future()
        with self._changed:
            if self._stopping:
                raise RuntimeError("the compute thread has stopped")
            due = submitted + priority * 1_000_000
            waiting = _Waiting(due, next(self._order), priority, future, item, together)
            heapq.heappush(self._queue, waiting)
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def waiting(self) -> dict[str, int]:
        """How many items wait, by kind."""
        with self._changed:
            kinds = Counter(waiting.priority.name.lower() for waiting in self._queue)
        return {priority.name.lower(): kinds[priority.name.lower()] for priority in Priority}

    async def stop(self) -> None:
        """Finish the item under way and drop the others."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (pause := self._pause_s()) != 0:
                    self._changed.wait(pause)
                if self._stopping:
                    for waiting in self._queue:
                        waiting.future.cancel()
                    return
                batch = self._next_batch()
            self._run(batch)
            del batch

    def _next_batch(self) -> list[_Waiting]:
        """The first item, and the next ones that can be computed with it."""
        first = heapq.heappop(self._queue)
        same = [waiting for waiting in self._queue if waiting.together.key == first.together.key]
        company = heapq.nsmallest(first.together.limit - 1, same)
        if company:
            taken = {waiting.order for waiting in company}
            self._queue = [waiting for waiting in self._queue if waiting.order not in taken]
            heapq.heapify(self._queue)
        return [waiting for waiting in (first, *company) if waiting.future.set_running_or_notify_cancel()]

    def _run(self, batch: Sequence[_Waiting]) -> None:
        if not batch:
            return
        begun = time.perf_counter_ns()
        results: Sequence[Any]
        try:
            results = batch[0].together.work([waiting.item for waiting in batch])
        except Exception as error:
            results = [error] * len(batch)
        ended = time.perf_counter_ns()
        kind = batch[0].priority.name.lower()
        self.times.add("run", kind, (ended - begun) / 1e9)
        for waiting, result in zip(batch, results, strict=True):
            queued_ns = begun - (waiting.due - waiting.priority * 1_000_000)
            self.times.add("queued", kind, queued_ns / 1e9)
            if isinstance(result, Exception):
                waiting.future.set_exception(result)
            else:
                waiting.future.set_result(Done(result, queued_ns // 1000, (ended - begun) // 1000))
        if batch[0].priority is Priority.LIVE:
            self._hold_until = time.perf_counter_ns() + self._hold_ns

    def _pause_s(self) -> float | None:
        """How long to wait before doing the first item: 0 not at all, None until there is one."""
        if not self._queue:
            return None
        first = self._queue[0]
        if first.priority is not Priority.PROJECTION:
            return 0
        at_latest = first.due - Priority.PROJECTION * 1_000_000 + self._longest_hold_ns
        return max(0, min(self._hold_until, at_latest) - time.perf_counter_ns()) / 1e9

"""The one thread on which a device computes: live renders first, then finals, then projections step by step.

Each kind may be overtaken by more urgent ones for a while only, so that nothing waits for ever. After a live
picture the next edit of the same hand is on its way: a projection's step, which takes longer than a picture,
waits for it, but not longer than LONGEST_HOLD_MS in all.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar

from server.engine.measures import StageTimes

T = TypeVar("T")


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
        # By due time, then order.
        self._queue: list[tuple[int, int, Priority, Future[Any], Callable[[], Any]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="compute", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    async def run(self, priority: Priority, work: Callable[[], T]) -> Done[T]:
        """The result of work, computed on the thread; its exceptions come out here."""
        submitted = time.perf_counter_ns()

        def timed() -> Done[T]:
            begun = time.perf_counter_ns()
            value = work()
            ended = time.perf_counter_ns()
            self.times.add("queued", priority.name.lower(), (begun - submitted) / 1e9)
            self.times.add("run", priority.name.lower(), (ended - begun) / 1e9)
            return Done(value, (begun - submitted) // 1000, (ended - begun) // 1000)

        future: Future[Done[T]] = Future()
        with self._changed:
            if self._stopping:
                raise RuntimeError("the compute thread has stopped")
            due = submitted + priority * 1_000_000
            heapq.heappush(self._queue, (due, next(self._order), priority, future, timed))
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def waiting(self) -> dict[str, int]:
        """How many items wait, by kind."""
        with self._changed:
            kinds = Counter(priority.name.lower() for _, _, priority, _, _ in self._queue)
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
                    for *_, waiting, _ in self._queue:
                        waiting.cancel()
                    return
                _, _, priority, future, work = heapq.heappop(self._queue)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            if priority is Priority.LIVE:
                self._hold_until = time.perf_counter_ns() + self._hold_ns
            del future, work

    def _pause_s(self) -> float | None:
        """How long to wait before doing the first item: 0 not at all, None until there is one."""
        if not self._queue:
            return None
        due, _, priority, *_ = self._queue[0]
        if priority is not Priority.PROJECTION:
            return 0
        at_latest = due - Priority.PROJECTION * 1_000_000 + self._longest_hold_ns
        return max(0, min(self._hold_until, at_latest) - time.perf_counter_ns()) / 1e9

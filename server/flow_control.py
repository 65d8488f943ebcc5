"""What keeps a live socket from piling up work: a one-slot mailbox, frame credits, and rate limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_UNACKNOWLEDGED = 2


class Mailbox(Generic[T]):
    """Room for one: what was put last is what is taken. Nothing is lost, since an edit holds everything."""

    def __init__(self) -> None:
        self._content: list[T] = []
        self._filled = asyncio.Event()

    def put(self, item: T) -> None:
        """Replace what is inside."""
        self._content = [item]
        self._filled.set()

    async def filled(self) -> None:
        """Wait for something, and leave it inside."""
        await self._filled.wait()

    async def take(self) -> T:
        """Wait for something and take it out."""
        await self._filled.wait()
        self._filled.clear()
        return self._content.pop()


class FrameCredits:
    """At most two frames on their way: a client that is slow gets fewer pictures, not older ones."""

    def __init__(self) -> None:
        self._sent: list[int] = []  # sequence numbers that wait for their ack, oldest first
        self._free = asyncio.Event()
        self._free.set()

    async def available(self) -> None:
        """Wait until one more frame may be sent."""
        await self._free.wait()

    def spend(self, seq: int) -> None:
        """A frame with this number is about to be sent."""
        self._sent.append(seq)
        if len(self._sent) >= MAX_UNACKNOWLEDGED:
            self._free.clear()

    def acknowledge(self, seq: int) -> None:
        """The client has this frame, and so all before it. An unknown number changes nothing."""
        if seq in self._sent:
            self._sent = self._sent[self._sent.index(seq) + 1 :]
            self._free.set()


class RateLimit:
    """A token bucket: so many at once, refilled at so many per second."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._filled_at = burst, clock()

    def allows(self) -> bool:
        """Take a token; false where there is none."""
        moment = self._clock()
        self._tokens = min(self._burst, self._tokens + (moment - self._filled_at) * self._per_second)
        self._filled_at = moment
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

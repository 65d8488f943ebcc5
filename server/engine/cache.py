"""Bounded memories: of stage results by number, of encoded frames by bytes.

What was not used for longest goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class StageCache(Generic[T]):
    """Results of one pure stage by the key of its input. Used by one thread only."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._entries: OrderedDict[str, T] = OrderedDict()

    def get_or_compute(self, key: str, compute: Callable[[], T]) -> T:
        """The remembered result for key, or compute's, which is remembered. An exception is not."""
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        value = compute()
        self.put(key, value)
        return value

    def get(self, key: str) -> T | None:
        """The remembered result for key."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: str, value: T) -> None:
        """Remember a result that was computed elsewhere."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget one result."""
        self._entries.pop(key, None)


class FrameCache:
    """Encoded pictures of all models, together at most max_bytes. Used by one thread only."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits, self.misses = 0, 0
        self._frames: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The frame of that key, if it is still there."""
        frame = self._frames.get(key)
        if frame is not None:
            self._frames.move_to_end(key)
            self.hits += 1
        else:
            self.misses += 1
        return frame

    def clear(self) -> None:
        """Forget all of them."""
        self._frames.clear()
        self.bytes = 0

    def put(self, key: str, frame: bytes) -> None:
        """Remember a frame; one that is larger than everything allowed is not kept."""
        if len(frame) > self.max_bytes or key in self._frames:
            return
        self._frames[key] = frame
        self.bytes += len(frame)
        while self.bytes > self.max_bytes:
            _, dropped = self._frames.popitem(last=False)
            self.bytes -= len(dropped)

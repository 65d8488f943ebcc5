"""Memory that outlives a picture: fresh memory costs a page fault every 4 KB, a tenth of a picture's time."""

from __future__ import annotations

import threading
from functools import cache

import torch
from torch import Tensor

FLOAT = 4  # bytes


class Workspace:
    """Named buffers that grow to the largest size asked for. Who uses them holds the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._buffers: dict[str, Tensor] = {}

    def floats(self, name: str, count: int) -> Tensor:
        """The buffer of that name, [count] float32 that hold anything."""
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < count:
            self._buffers.pop(name, None)
            buffer = self._buffers[name] = torch.empty(count)
        return buffer[:count]

    @property
    def size(self) -> int:
        """Bytes of all buffers."""
        return sum(buffer.numel() for buffer in self._buffers.values()) * FLOAT


@cache
def workspace() -> Workspace:
    """The process's one: pictures use all cores, so two at a time would gain nothing."""
    return Workspace()

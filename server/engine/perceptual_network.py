"""The network of the perceptual distance, loaded once, for whoever asks first."""

from __future__ import annotations

import asyncio
from functools import partial

from models.projection.perceptual import PerceptualDistance, load_perceptual
from models.projection.trunks import TrunkError
from server.engine.passing import on_passing_thread
from server.problems import Problem


class PerceptualNetwork:
    """Loads the one of this name beside the compute thread, since it may have to be downloaded first."""

    def __init__(self, name: str, device: str) -> None:
        self._name, self._device = name, device
        self._loaded: PerceptualDistance | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> PerceptualDistance:
        """Raises Problem perceptual_missing."""
        async with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = await on_passing_thread(partial(load_perceptual, self._name, self._device))
                except TrunkError as error:
                    raise Problem("perceptual_missing", f"{error}") from error
            return self._loaded

"""The server tidies up after itself: from time to time it collects what nothing names any more."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta

from starlette.concurrency import run_in_threadpool

from server.problems import Problem
from server.storage import garbage
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import now

log = logging.getLogger(__name__)

# Discarded files, the older states of projections above all, are large and many: these go often.
EMPTY_INTERVAL_S = 300.0
COLLECT_INTERVAL_S = 6 * 3600.0


class Housekeeping:
    """There is one of it in each server; several may be at it at once."""

    def __init__(self, database: Database, blobs: BlobStore, keep: timedelta) -> None:
        """keep: how long latents and files stay that nothing names; 0: for ever."""
        self._database, self._blobs, self._keep = database, blobs, keep
        self._task: asyncio.Task[None] | None = None
        self._next_collection = time.monotonic() + COLLECT_INTERVAL_S

    def start(self) -> None:
        """Begin in a while: a start has enough to do."""
        self._task = asyncio.create_task(self._run_for_ever(), name="housekeeping")

    async def stop(self) -> None:
        """What is under way in a thread comes to its end by itself."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run_for_ever(self) -> None:
        while True:
            await asyncio.sleep(EMPTY_INTERVAL_S)
            try:
                await run_in_threadpool(self.tidy)
            except Problem as problem:
                log.warning("tidying up has to wait: %s", problem)
            except Exception:
                log.exception("tidying up failed; it is tried again")

    def tidy(self) -> None:
        """Erase what was discarded, and now and then look for more."""
        if self._keep and time.monotonic() >= self._next_collection:
            self._next_collection = time.monotonic() + COLLECT_INTERVAL_S
            done = garbage.collect(self._database, self._blobs, self._keep)
            log.info("collected %d latents and %d files that nothing named", done.latents, done.discarded)
        garbage.empty(self._database, self._blobs, now() - garbage.ERASED_AFTER)

"""The server tidies up after itself: it collects what nothing names any more, and forgets old sessions."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from starlette.concurrency import run_in_threadpool

from server.problems import Problem
from server.storage import expiry, gallery, garbage
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import now

log = logging.getLogger(__name__)

# Discarded files, the older states of projections above all, are large and many: these go often.
EMPTY_INTERVAL_S = 300.0
COLLECT_INTERVAL_S = 6 * 3600.0


@dataclass(frozen=True)
class Kept:
    """How long latents and files stay that nothing names, and sessions that nobody uses; 0: for ever."""

    unnamed: timedelta
    unused: timedelta


class Housekeeping:
    """There is one of it in each server; several may be at it at once."""

    def __init__(self, database: Database, blobs: BlobStore, kept: Kept) -> None:
        self._database, self._blobs, self._kept = database, blobs, kept
        self._task: asyncio.Task[None] | None = None
        # Soon: a server that runs for some hours a day would never come to it.
        self._next_collection = time.monotonic()

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
        if time.monotonic() >= self._next_collection:
            self._next_collection = time.monotonic() + COLLECT_INTERVAL_S
            self._collect()
        garbage.empty(self._database, self._blobs, now() - garbage.ERASED_AFTER)

    def _collect(self) -> None:
        gallery.forget_deleted(self._database)
        if self._kept.unused:
            gone = expiry.expire(self._database, self._blobs, now() - self._kept.unused)
            log.info("removed %d sessions that nobody had used for %s", gone, self._kept.unused)
        if self._kept.unnamed:
            done = garbage.collect(self._database, self._blobs, self._kept.unnamed)
            log.info("collected %d latents and %d files that nothing named", done.latents, done.discarded)

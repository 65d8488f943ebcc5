"""Runs projections: a few at once, sessions in turn, and what users wish of them.

Jobs survive their server. A lease says which server runs one; where it runs out, another goes on with it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

from starlette.concurrency import run_in_threadpool

from server.engine.interface import Engine
from server.photo_pixels import PhotoPixels
from server.progress import ProgressHub
from server.projection_messages import job_answer
from server.running_job import RunningJob, Workplace
from server.storage import job_states, queue
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import JobRow

log = logging.getLogger(__name__)

LOOK_INTERVAL_S = 1.0  # how often leases are renewed, and lost jobs looked for
LEASE = timedelta(seconds=5)
STOP_TIMEOUT_S = 10.0


class JobRunner:
    """There is one of it in each server."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        pixels: PhotoPixels,
        engine: Engine,
        hub: ProgressHub,
        at_once: int,
    ) -> None:
        """at_once: projections that the engine's device computes in turns; guesses come on top of that."""
        self._place = Workplace(database, blobs, pixels, engine, hub, owner=str(uuid4()))
        self._at_once = at_once
        self._wake = asyncio.Event()
        self._stopping = False
        self._device_is_lost = False
        self._running: dict[UUID, RunningJob] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._positions: dict[UUID, int] = {}

    async def start(self) -> None:
        """Begin with what waits; what a killed server left behind follows when its lease has run out."""
        self._loop = asyncio.create_task(self._run_for_ever(), name="projections")

    async def stop(self) -> None:
        """End the jobs under way after their steps; they wait, and go on when a server starts again."""
        self._stopping = True
        self._wake.set()
        if self._loop is not None:  # it may just be beginning one
            await asyncio.wait({self._loop}, timeout=STOP_TIMEOUT_S)
        for running in self._running.values():
            running.stop.set()
        tasks = {*self._tasks}
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
        for task in tasks:
            task.cancel()

    def wake(self) -> None:
        """There is a new job in the table, or another order."""
        self._wake.set()

    async def cancel(self, job_id: UUID) -> JobRow:
        """Stop a job; what it found so far is kept. Raises Problem unknown_job, already_finished."""
        return await self._wish(job_id, "cancelled")

    async def pause(self, job_id: UUID) -> JobRow:
        """Stop a job until somebody resumes it. Raises Problem unknown_job, already_finished."""
        return await self._wish(job_id, "paused")

    async def resume(self, job_id: UUID) -> JobRow:
        """Let a paused job wait for its turn. Raises Problem unknown_job, already_finished."""
        job = await run_in_threadpool(job_states.resume, self._place.database, job_id)
        running = self._running.get(job_id)
        if running is not None and running.wish == "paused":
            running.wish = None
        self._place.hub.publish(job_answer(job))
        self.wake()
        return job

    def running(self, job_id: UUID) -> RunningJob | None:
        """The job, if it is under way here."""
        return self._running.get(job_id)

    async def _wish(self, job_id: UUID, state: str) -> JobRow:
        changed = await run_in_threadpool(job_states.wish, self._place.database, job_id, state)
        job = changed.row
        assert job is not None
        running = self._running.get(job_id)
        if running is not None and job.state == "running":
            running.end_as(state)
        for unused in changed.unused:
            await run_in_threadpool(self._place.blobs.discard, unused)
        self._place.hub.publish(job_answer(job))
        self.wake()
        return job

    async def _run_for_ever(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                await self._look_after_leases()
                await self._begin_waiting()
                await self._publish_positions()
            except Exception:
                log.exception("the queue of projections could not be looked at; it is tried again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_INTERVAL_S)

    async def _look_after_leases(self) -> None:
        database, owner, mine = self._place.database, self._place.owner, tuple(self._running)
        if mine:
            for job in await run_in_threadpool(job_states.renew, database, owner, LEASE, mine):
                running = self._running.get(job.id)
                if running is not None and job.wish is not None and running.wish is None:
                    running.end_as(job.wish)  # another server was asked
        for job in await run_in_threadpool(job_states.requeue_lost, database, mine):
            log.warning("the projection %s was cut off at step %d; it goes on", job.id, job.step)

    async def _begin_waiting(self) -> None:
        while not (self._stopping or self._device_is_lost):
            searches = sum(not queue.is_guess(running.job) for running in self._running.values())
            job = await run_in_threadpool(self._claim, searches >= self._at_once)
            if job is None:
                return
            running = self._running[job.id] = RunningJob(job, self._place)
            task = asyncio.create_task(self._run(running), name=f"projection {job.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _claim(self, guesses_only: bool) -> JobRow | None:
        place = self._place
        return queue.claim_next(place.database, place.owner, LEASE, guesses_only=guesses_only)

    async def _run(self, running: RunningJob) -> None:
        try:
            problem = await running.run()
            if problem is not None and problem.code == "worker_lost":
                self._device_is_lost = True
        except Exception:
            log.exception("the end of job %s could not be recorded", running.job.id)
        finally:
            del self._running[running.job.id]
            self.wake()

    async def _publish_positions(self) -> None:
        """Of the queued jobs whose position is another one than before."""
        rows = await run_in_threadpool(queue.waiting_jobs, self._place.database)
        before, self._positions = self._positions, {row.id: i for i, row in enumerate(rows, start=1)}
        for row in rows:
            position = self._positions[row.id]
            if before.get(row.id) != position:
                self._place.hub.publish(job_answer(row, position))

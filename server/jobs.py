"""Runs projections one at a time, sessions in turn, and tells the watchers how they go."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from server.engine.interface import Engine, ProjectionEvent, ProjectionSpec
from server.errors import internal_problem
from server.messages import job_answer
from server.problems import Problem
from server.progress import Picture, ProgressHub
from server.storage import jobs, photos
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import JobRow
from server.uploads import decode_own

log = logging.getLogger(__name__)

REPORT_INTERVAL_S = 0.2
KEEP_INTERVAL_S = 10.0
STOP_TIMEOUT_S = 10.0


@dataclass
class Running:
    """The job under way. event is its newest one, pictured the newest one with a latent and a picture."""

    job: JobRow
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    event: ProjectionEvent | None = None
    pictured: ProjectionEvent | None = None
    next_report: float = 0.0
    next_keep: float = 0.0
    published_step: int = 0  # of the newest picture that watchers were given


class JobRunner:
    """Takes queued jobs from the table. There is one of it per database."""

    def __init__(self, database: Database, blobs: BlobStore, engine: Engine, hub: ProgressHub) -> None:
        self._database, self._blobs, self._engine, self._hub = database, blobs, engine, hub
        self._wake = asyncio.Event()
        self._stopping = False
        self._cancelled: set[UUID] = set()  # running jobs whose users want them to end
        self._running: Running | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Jobs that an earlier run of the server left behind have failed; begin with what comes now."""
        left = await run_in_threadpool(jobs.fail_unfinished, self._database, _restarted())
        if left:
            log.warning("%d projections were cut off by the last stop of the server", left)
        self._task = asyncio.create_task(self._run_for_ever(), name="projections")

    async def stop(self) -> None:
        """End the job under way after its step, and keep what it has."""
        self._stopping = True
        if self._task is None:
            return
        if self._running is not None:
            self._running.stop.set()
        self._wake.set()
        await asyncio.wait({self._task}, timeout=STOP_TIMEOUT_S)
        self._task.cancel()

    def wake(self) -> None:
        """There is a new job in the table."""
        self._wake.set()

    async def cancel(self, job_id: UUID) -> JobRow:
        """Stop a job; what it found so far is kept. Raises Problem unknown_job, already_finished."""
        if await run_in_threadpool(jobs.cancel_queued, self._database, job_id):
            job = await run_in_threadpool(jobs.get, self._database, job_id)
            self._hub.publish(job_answer(job))
            return job
        job = await run_in_threadpool(jobs.get, self._database, job_id)
        if job.state in ("succeeded", "failed"):
            raise Problem("already_finished", "The projection has finished: there is nothing to cancel.")
        if job.state == "running":
            self._cancelled.add(job_id)
            if self._running is not None and self._running.job.id == job_id:
                self._running.stop.set()
        return job

    def preview(self, job_id: UUID) -> bytes | None:
        """The newest picture of the job under way."""
        running = self._running
        if running is None or running.job.id != job_id or running.pictured is None:
            return None
        return running.pictured.preview

    async def _run_for_ever(self) -> None:
        while not self._stopping:
            self._wake.clear()
            job = await run_in_threadpool(jobs.claim_next, self._database)
            if job is None:
                await self._wake.wait()
                continue
            self._running = Running(job)
            if job.id in self._cancelled or self._stopping:
                self._running.stop.set()
            try:
                await self._run(self._running)
            except Exception:
                log.exception("the end of job %s could not be recorded", job.id)
            self._running = None
            self._cancelled.discard(job.id)

    async def _run(self, running: Running) -> None:
        self._hub.publish(job_answer(running.job))
        running.next_keep = time.monotonic() + KEEP_INTERVAL_S
        problem = await _problem_of(self._follow(running))
        problem = await _problem_of(self._keep(running)) or problem
        if running.event is not None:
            await self._record(running, running.event)
        state, problem = self._outcome(running, problem)
        job = await run_in_threadpool(jobs.finish, self._database, running.job.id, state, problem)
        self._hub.publish(job_answer(job), self._new_picture(running))

    def _outcome(self, running: Running, problem: Problem | None) -> tuple[str, Problem | None]:
        if problem is not None:
            return "failed", problem
        event = running.event
        if event is not None and event.step == event.total:
            return "succeeded", None
        if running.job.id in self._cancelled:
            return "cancelled", None
        return "failed", _restarted()

    async def _follow(self, running: Running) -> None:
        spec = await self._spec(running.job)
        async with aclosing(self._engine.project(spec, running.stop)) as events:
            async for event in events:
                if not math.isfinite(event.distance):
                    raise Problem("diverged", f"The projection diverged at step {event.step}.")
                running.event = event
                if event.latent is not None:
                    running.pictured = event
                await self._report(running, event)

    async def _spec(self, job: JobRow) -> ProjectionSpec:
        model = self._engine.model(job.model)
        photo = await run_in_threadpool(photos.get, self._database, job.photo_id)
        landmarks = photos.landmarks_of(photo, job.face)
        rgb = await run_in_threadpool(lambda: decode_own(self._blobs.read(photo.blob)))
        crop = await self._engine.crop(rgb, landmarks, model.img_resolution)
        return ProjectionSpec(job.model, crop, job.total)

    async def _report(self, running: Running, event: ProjectionEvent) -> None:
        moment = time.monotonic()
        if moment < running.next_report:
            return
        running.next_report = moment + REPORT_INTERVAL_S
        if running.pictured is not None and moment >= running.next_keep:
            running.next_keep = moment + KEEP_INTERVAL_S
            await self._keep(running)
        job = await self._record(running, event)
        if job is not None:
            self._hub.publish(job_answer(job), self._new_picture(running))

    async def _record(self, running: Running, event: ProjectionEvent) -> JobRow | None:
        return await run_in_threadpool(
            lambda: jobs.record_progress(
                self._database, running.job.id, step=event.step, loss=event.loss, distance=event.distance
            )
        )

    async def _keep(self, running: Running) -> None:
        """Store the newest latent and its picture."""
        pictured = running.pictured
        if pictured is None or pictured.latent is None or pictured.preview is None:
            return
        latent, preview = pictured.latent, pictured.preview

        def store() -> None:
            latent_key, preview_key = self._blobs.put(latent), self._blobs.put(preview)
            for unused in jobs.keep_latent(self._database, running.job.id, latent_key, preview_key):
                self._blobs.delete(unused)

        await run_in_threadpool(store)

    def _new_picture(self, running: Running) -> Picture | None:
        event = running.pictured
        if event is None or event.preview is None or event.step == running.published_step:
            return None
        running.published_step = event.step
        return Picture(running.job.id, event.step, event.width, event.height, event.preview)


async def _problem_of(work: Awaitable[None]) -> Problem | None:
    """What went wrong in work, in words for the user; the log has the rest."""
    try:
        await work
    except Problem as problem:
        return problem
    except Exception:
        log.exception("a projection failed")
        return internal_problem()
    return None


def _restarted() -> Problem:
    return Problem("server_restarted", "The server was stopped before the projection had finished.")

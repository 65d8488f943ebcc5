"""One projection under way: its events into the table and to whoever watches, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from models.projection.anchors import Anchors
from server.engine.interface import Engine
from server.engine.projecting_interface import (
    ProjectionEvent,
    ProjectionPicture,
    ProjectionRequest,
    ProjectionSpec,
)
from server.errors import internal_problem
from server.job_history import JobHistory
from server.photo_pixels import PhotoPixels
from server.problems import Problem
from server.progress import Picture, ProgressHub
from server.projection_messages import job_answer
from server.storage import job_states, jobs, latents, photos
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import JobRow

log = logging.getLogger(__name__)
T = TypeVar("T")

REPORT_INTERVAL_S = 0.2
STORE_ATTEMPTS = 12
# How long a storage that did not answer is left alone. A busy one was waited for already.
STORE_PAUSES_S = {"database_busy": 0.0, "storage_unavailable": 5.0}
# How often a projection begins again where it was, by what went wrong and may go better the next time.
RETRIES = {"gpu_out_of_memory": 1, "worker_lost": 1, "replica_lost": 5}


@dataclass(frozen=True)
class Workplace:
    """What jobs are run with. owner: this server, as leases name it."""

    database: Database
    blobs: BlobStore
    pixels: PhotoPixels
    engine: Engine
    hub: ProgressHub
    owner: str


class RunningJob:
    """wish: what it is to become when stop is set; None: to wait again. Used by the event loop's thread."""

    def __init__(self, job: JobRow, place: Workplace) -> None:
        self.job, self._place = job, place
        self.stop, self.wish = asyncio.Event(), job.wish
        if job.wish is not None:
            self.stop.set()
        self.history = JobHistory([], [])
        self.picture: ProjectionPicture | None = None
        self.event: ProjectionEvent | None = None
        self._begun = time.monotonic()
        self._next_report = 0.0
        self._picture_is_new = False
        self._can_go_on = job.state_blob is not None

    def end_as(self, wish: str) -> None:
        """Stop after the step under way, and become that."""
        self.wish = wish
        self.stop.set()

    async def run(self) -> Problem | None:
        """To its end, and into the table. Returns what went wrong."""
        points, moments = await _stored(partial(jobs.history, self._place.database, self.job.id))
        self.history = JobHistory(points, moments)
        self._place.hub.publish(job_answer(self.job))
        problem = await _problem_of(self._follow())
        ended = await self._ended(problem)
        if ended is not None:
            self._place.hub.publish(job_answer(ended), self._new_picture())
        return problem

    async def _follow(self) -> None:
        spec = await self._spec()
        async with aclosing(self._place.engine.project(spec, self.stop)) as events:
            async for event in events:
                await self._take(event)

    async def _spec(self) -> ProjectionSpec:
        job, place = self.job, self._place
        model = place.engine.model(job.model)
        photo = await run_in_threadpool(photos.get, place.database, job.photo_id)
        rgb = await run_in_threadpool(place.pixels.of, photo.blob)
        crop = await place.engine.crop(rgb, Anchors(**job.anchors), model.img_resolution)
        start = state = None
        if job.start_latent_id is not None:
            start = await run_in_threadpool(latents.read, place.database, place.blobs, job.start_latent_id)
        if job.state_blob is not None:
            state = await run_in_threadpool(place.blobs.read, job.state_blob)
        request = ProjectionRequest(**job.request)
        return ProjectionSpec(job.model, crop, request, start, state, job.generator)

    async def _take(self, event: ProjectionEvent) -> None:
        self.event = event
        if event.picture is not None:
            self.picture, self._picture_is_new = event.picture, True
        if event.latent is not None:
            return  # the last one: it is stored with the end
        self.history.add(event)
        if event.moment is not None:
            with _full_disk_borne("a moment"):
                blob = await run_in_threadpool(self._place.blobs.put, event.moment.jpeg)
                self.history.add_moment(event, blob)
        if event.state is not None:
            with _full_disk_borne("a checkpoint"):
                await _stored(partial(self._checkpoint, event.state))
                self._can_go_on = True
        if time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + REPORT_INTERVAL_S
            with _full_disk_borne("how far it is"):
                await self._report()

    async def _report(self) -> None:
        place = self._place
        record = partial(job_states.record, place.database, self.job.id, place.owner, self._values())
        row = await _stored(record)
        if row is None:  # somebody else has it: our lease ran out while this machine slept
            self.stop.set()
            return
        place.hub.publish(job_answer(row), self._new_picture())

    def _checkpoint(self, state: bytes) -> None:
        place = self._place
        blob = place.blobs.put(state)
        changed = job_states.checkpoint(place.database, self.job.id, place.owner, self._progress(), blob)
        for unused in changed.unused:
            place.blobs.discard(unused)

    async def _ended(self, problem: Problem | None) -> JobRow | None:
        """Its row at the end; None where it is not ours any more."""
        try:
            return await _stored(partial(self._store_end, problem))
        except Problem as further:  # there is no room for the result
            self.event = None
            return await _stored(partial(self._store_end, further))

    def _store_end(self, problem: Problem | None) -> JobRow | None:
        place, event = self._place, self.event
        result = state_blob = None
        if event is not None and event.latent is not None and event.picture is not None:
            result = job_states.Result(place.blobs.put(event.latent), place.blobs.put(event.picture.jpeg))
        state, attempts, shown = self._outcome(problem)
        if state in jobs.WAITING and event is not None and event.state is not None:
            state_blob = place.blobs.put(event.state)
        ending = job_states.Ending(state, self._progress(), result, state_blob, attempts, shown)
        changed = job_states.end(place.database, self.job.id, place.owner, ending)
        for unused in changed.unused:
            place.blobs.discard(unused)
        return changed.row

    def _outcome(self, problem: Problem | None) -> tuple[str, int, Problem | None]:
        """State, number of attempts that failed, and what to tell of it."""
        event, attempts = self.event, self.job.attempts
        if problem is not None and problem.code == "storage_full" and self._can_go_on:
            # From its checkpoint it finds the same again, once there is room.
            return "paused", attempts, problem
        if problem is not None:
            again = attempts < RETRIES.get(problem.code, 0)
            return ("queued", attempts + 1, None) if again else ("failed", attempts, problem)
        if event is not None and event.latent is not None and event.step == event.total:
            return "succeeded", attempts, None
        return self.wish or "queued", attempts, None

    def _progress(self) -> job_states.Progress:
        return job_states.Progress(self._values(), self.history.points, self.history.moments)

    def _values(self) -> dict[str, Any]:
        """The columns of JobRow that tell how far it is."""
        event, picture = self.event, self.picture
        if event is None:
            return {}
        values: dict[str, Any] = {
            "step": event.step,
            "total": event.total,
            "distance": event.distance,
            "began_at": self.job.began_at or event.began_at,
            "generator": event.generator,
            "identity": event.identity,
            "seconds": self.job.seconds + time.monotonic() - self._begun,
        }
        if event.rung is not None:
            values |= {"rung": event.rung, "loss": event.loss, "terms": dict(event.terms)}
        if picture is not None:
            values |= {"pixel_error": picture.pixel_error, "psnr": picture.psnr}
        return values

    def _new_picture(self) -> Picture | None:
        if not self._picture_is_new or self.picture is None or self.event is None:
            return None
        self._picture_is_new = False
        return Picture(self.job.id, self.event.step, self.picture.side, self.picture.side, self.picture.jpeg)


@contextmanager
def _full_disk_borne(what: str) -> Iterator[None]:
    """A search goes on without what there is no room for on its way."""
    try:
        yield
    except Problem as problem:
        if problem.code != "storage_full":
            raise
        log.warning("there is no room to store %s of a projection, which goes on", what)


async def _stored(work: Callable[[], T]) -> T:
    """The result of work with the storage, which may not answer for a while."""
    for _ in range(STORE_ATTEMPTS):
        try:
            return await run_in_threadpool(work)
        except Problem as problem:
            if problem.code not in STORE_PAUSES_S:
                raise
            log.warning("the storage does not answer, a projection waits for it: %s", problem)
            await asyncio.sleep(STORE_PAUSES_S[problem.code])
    return await run_in_threadpool(work)


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

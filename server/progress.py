"""Progress of jobs to whoever watches a session.

The newest state of each job replaces older ones that were not seen yet, so the last one always comes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from server.projection_messages import Job


@dataclass(frozen=True)
class Picture:
    """A projection's intermediate picture."""

    job: UUID
    step: int
    width: int
    height: int
    jpeg: bytes


@dataclass
class Feed:
    """What one watcher has not seen yet. Only the event loop's thread touches it."""

    _jobs: dict[UUID, Job] = field(default_factory=dict)
    _pictures: dict[UUID, Picture] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, job: Job, picture: Picture | None) -> None:
        """Replace what was waiting for this watcher."""
        self._jobs[job.id] = job
        if picture is not None:
            self._pictures[job.id] = picture
        self._news.set()

    async def take(self) -> tuple[list[Job], list[Picture]]:
        """Wait for news, and take them all."""
        await self._news.wait()
        self._news.clear()
        jobs, pictures = list(self._jobs.values()), list(self._pictures.values())
        self._jobs, self._pictures = {}, {}
        return jobs, pictures


class ProgressHub:
    """Hands each job's news to the feeds of its session."""

    def __init__(self) -> None:
        self._feeds: defaultdict[UUID, list[Feed]] = defaultdict(list)

    @contextmanager
    def watch(self, session_id: UUID) -> Iterator[Feed]:
        """A feed of everything that happens from now on, until the block ends."""
        feed = Feed()
        self._feeds[session_id].append(feed)
        try:
            yield feed
        finally:
            self._feeds[session_id] = [other for other in self._feeds[session_id] if other is not feed]
            if not self._feeds[session_id]:
                del self._feeds[session_id]

    def publish(self, job: Job, picture: Picture | None = None) -> None:
        """Tell everybody who watches the job's session."""
        for feed in self._feeds.get(job.session, ()):
            feed.put(job, picture)

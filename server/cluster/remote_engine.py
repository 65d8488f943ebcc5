"""The engine of a web replica: Ray Serve's handles to the replicas that compute.

Every method is a pure function of what it is given, so a call whose replica died is made again on another.
A projection is not: whoever runs it goes on from its last checkpoint.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, cast
from uuid import uuid4

import ray
from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    RayServeException,
    ReplicaUnavailableError,
)
from ray.serve.handle import DeploymentHandle

from models.projection.anchors import Anchors
from server.cluster.remote_parts import each, remote_part, returned, routing_key
from server.cluster.replica import Facts, Returned, StopSignal, Told
from server.documents import Document
from server.engine.editing_interface import Editing
from server.engine.exploring_interface import Maps, Walks
from server.engine.exporting_interface import Exporting
from server.engine.inspection_interface import Inspection
from server.engine.interface import (
    RGB,
    FoundFace,
    ListedModel,
    ModelDescription,
    PerceptualDescription,
    Rendered,
    RenderRequest,
)
from server.engine.measures import EngineMeasures, StageTimes
from server.engine.projecting_interface import ProjectionEvent, ProjectionSpec
from server.engine.refusals import no_such_model, unusable
from server.problems import Problem

log = logging.getLogger(__name__)

LOOK_INTERVAL_S = 3.0  # how old the list of models may be
PATIENCE_S = 15.0  # for another replica, where one was lost
PAUSE_S = 0.2
# A replica that was killed, left its node, or is being replaced.
LOST = (RayActorError, ReplicaUnavailableError, DeploymentUnavailableError)


class ServeEngine:
    """See server.engine.interface.Engine. renderer, projector: deployments of EngineReplica."""

    def __init__(self, renderer: DeploymentHandle[Any], projector: DeploymentHandle[Any]) -> None:
        self._renderer, self._projector = renderer, projector
        self._facts: Facts | None = None
        self._looking: asyncio.Task[None] | None = None
        self._signals: Any = None
        self._times = StageTimes()
        self.editing: Editing = remote_part(Editing, "editing", self)
        self.exporting: Exporting = remote_part(Exporting, "exporting", self)
        self.inspection: Inspection = remote_part(Inspection, "inspection", self)
        self.walks: Walks = remote_part(Walks, "walks", self)
        self.maps: Maps = remote_part(Maps, "maps", self)

    async def start(self) -> None:
        """Wait for the first replica, however long it takes to load a model."""
        self._signals = ray.remote(StopSignals).options(num_cpus=0, max_concurrency=1000).remote()
        await self._look()
        self._looking = asyncio.create_task(self._look_for_ever(), name="looking at the models")

    async def stop(self) -> None:
        """The replicas go on; they are not ours."""
        if self._looking is not None:
            self._looking.cancel()
        if self._signals is not None:
            ray.kill(self._signals)

    @property
    def device(self) -> str:
        """Of one of the replicas, which are all alike."""
        return self._known().device

    @property
    def synthesis(self) -> str:
        """Of one of the replicas."""
        return self._known().synthesis

    def models(self) -> tuple[ModelDescription, ...]:
        """As a replica listed them a moment ago."""
        return tuple(listed.description for listed in self.listing() if listed.description)

    def default_model(self) -> ModelDescription:
        """Raises Problem no_model."""
        for description in self.models():
            return description
        raise no_such_model(self.listing())

    def model(self, name: str) -> ModelDescription:
        """Raises Problem as Engine.model does."""
        for listed in self.listing():
            if listed.name == name and listed.description:
                return listed.description
            if listed.name == name:
                raise unusable(listed)
        raise no_such_model(self.listing())

    def listing(self) -> tuple[ListedModel, ...]:
        """As a replica listed them a moment ago."""
        return self._known().listing

    async def rescan(self) -> None:
        """Replicas look by themselves; this asks one of them for what it sees."""
        await self._look()

    async def refresh(self) -> None:
        """One of the replicas. The others see new files by themselves, but keep what they have loaded."""
        await returned(self.call("", "", "refresh", {}))
        await self._look()

    def measures(self) -> EngineMeasures:
        """Times of the pictures that this web replica was given. Replicas have their own in Ray's metrics."""
        loaded = sum(listed.loaded for listed in self.listing())
        return EngineMeasures(self._times.distributions(), {}, loaded, 0, 0, 0, 0, 0)

    async def perceptual(self) -> PerceptualDescription:
        """Of one of the replicas."""
        return cast(PerceptualDescription, await returned(self.call("", "", "perceptual", {})))

    async def render(self, request: RenderRequest) -> Rendered:
        """Faces stay with the replica that knows them."""
        values = {"request": request}
        found: Rendered = await returned(self.call(routing_key(values), "", "render", values))
        kind = "live" if request.quality == "preview" else "final"
        self._times.add("queued", kind, found.queued_us / 1e6)
        self._times.add("run", kind, found.render_us / 1e6)
        return found

    async def find_faces(self, rgb: RGB) -> tuple[FoundFace, ...]:
        """On any replica."""
        return cast(tuple[FoundFace, ...], await returned(self.call("", "", "find_faces", {"rgb": rgb})))

    async def crop(self, rgb: RGB, anchors: Anchors, size: int) -> RGB:
        """On any replica."""
        values = {"rgb": rgb, "anchors": anchors, "size": size}
        return cast(RGB, await returned(self.call("", "", "crop", values)))

    async def put_back(self, document: Document, photo: RGB, anchors: Anchors) -> RGB:
        """On the replica that knows the face."""
        values = {"document": document, "photo": photo, "anchors": anchors}
        return cast(RGB, await returned(self.call(routing_key(values), "", "put_back", values)))

    async def project(
        self, spec: ProjectionSpec, stop: asyncio.Event
    ) -> AsyncGenerator[ProjectionEvent, None]:
        """On a projector. Raises Problem replica_lost where it died: go on from the last state."""
        key = str(uuid4())
        telling = asyncio.create_task(_tell_when(stop, self._signals, key))
        stopped = RemoteStop(self._signals, key)
        events = self._following(
            self._projector.options(stream=True, session_id=key), "project", spec, stopped
        )
        try:
            async with aclosing(each(events)) as found:
                async for event in found:
                    yield event
        finally:
            telling.cancel()
            self._signals.forget.remote(key)

    async def call(self, key: str, part: str, method: str, values: Mapping[str, Any]) -> Returned | Problem:
        """See remote_parts.Calls."""
        handle = self._renderer.options(session_id=key or str(uuid4()))
        patience = time.monotonic() + PATIENCE_S
        while True:
            try:
                return cast("Returned | Problem", await handle.call.remote(part, method, dict(values)))
            except BackPressureError:
                return _busy()
            except LOST as error:
                log.warning("%s is tried again: %s", method, error)
                if time.monotonic() > patience:
                    return _lost()
                await asyncio.sleep(PAUSE_S)

    async def stream(
        self, key: str, remote: str, part: str, method: str, values: Mapping[str, Any]
    ) -> AsyncGenerator[Returned | Told | Problem, None]:
        """See remote_parts.Calls. Begun anew by whoever asked, where its replica is lost."""
        handle = self._renderer.options(stream=True, session_id=key or str(uuid4()))
        async with aclosing(self._following(handle, remote, part, method, dict(values))) as news:
            async for item in news:
                yield item

    async def _following(
        self, handle: DeploymentHandle[Any], remote: str, *args: Any
    ) -> AsyncGenerator[Returned | Told | Problem, None]:
        response = getattr(handle, remote).remote(*args)
        try:
            async for item in response:
                yield item
        except BackPressureError:
            yield _busy()
        except LOST as error:
            log.warning("%s ended with its replica: %s", remote, error)
            yield _lost()
        finally:
            response.cancel()

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            try:
                await self._look()
            except (RayError, RayServeException) as error:  # the list stays; the next look may do better
                log.warning("no replica says which models there are: %s", error)

    async def _look(self) -> None:
        self._facts = cast(Facts, await self._renderer.facts.remote())

    def _known(self) -> Facts:
        if self._facts is None:
            raise Problem("not_ready", "Nothing that computes has answered yet.", "", 5)
        return self._facts


class StopSignals:
    """An actor of each web replica: which projections are to stop. It ends with that replica."""

    def __init__(self) -> None:
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def wait(self, key: str) -> None:
        """Until somebody sets it."""
        await self._events[key].wait()

    async def set(self, key: str) -> None:
        """Stop that one."""
        self._events[key].set()

    async def forget(self, key: str) -> None:
        """It has ended."""
        self._events.pop(key, asyncio.Event()).set()


class RemoteStop(StopSignal):
    """Crosses to the projector, and waits there."""

    def __init__(self, signals: Any, key: str) -> None:
        self._signals, self._key = signals, key

    async def __call__(self) -> None:
        """See StopSignal."""
        await self._signals.wait.remote(self._key)


async def _tell_when(stop: asyncio.Event, signals: Any, key: str) -> None:
    await stop.wait()
    await signals.set.remote(key)


def _busy() -> Problem:
    return Problem("cluster_busy", "Everything that computes is busy.", "Try again in a moment.", 2)


def _lost() -> Problem:
    detail = "What computed this has stopped, and nothing has taken its place yet."
    return Problem("replica_lost", detail, "Try again in a moment.", 5)

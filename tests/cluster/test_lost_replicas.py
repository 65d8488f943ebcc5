"""What a web replica makes of handles whose replicas are busy, lost, or back again: without a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ray.exceptions import ActorDiedError
from ray.serve.exceptions import BackPressureError

from server.cluster import remote_engine
from server.cluster.remote_engine import ServeEngine
from server.cluster.replica import Returned
from server.problems import Problem

BUSY, LOST = BackPressureError(4, 3), ActorDiedError()


class Handle:
    """A handle of a deployment that answers calls in this order; the last answer is given for ever."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    def options(self, **_: object) -> Handle:
        return self

    def __getattr__(self, _: str) -> Handle:
        return self

    def remote(self, *_: object) -> Response:
        return Response(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


class Response:
    """One answer, awaited or read as a stream."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __await__(self) -> Any:
        yield from ()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def __aiter__(self) -> AsyncIterator[object]:
        yield await self

    def cancel(self) -> None:
        """Nothing is under way."""


def asked(handle: Handle) -> Any:
    engine = ServeEngine(handle, handle)  # type: ignore[arg-type]
    return asyncio.run(engine.perceptual())


async def streamed(handle: Handle) -> list[object]:
    engine = ServeEngine(handle, handle)  # type: ignore[arg-type]
    return [item async for item in engine.stream("", "stream", "walks", "frames", {})]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_engine, "PAUSE_S", 0.0)


def test_a_full_queue_is_told_with_a_time_to_come_back() -> None:
    with pytest.raises(Problem, match="cluster_busy") as refused:
        asked(Handle(BUSY))
    assert (refused.value.status, refused.value.retry_after_s) == (503, 2)
    (told,) = asyncio.run(streamed(Handle(BUSY)))
    assert isinstance(told, Problem)
    assert told.code == "cluster_busy"


def test_a_call_whose_replica_died_is_made_again() -> None:
    assert asked(Handle(LOST, LOST, Returned("lpips"))) == "lpips"


def test_where_nothing_comes_back_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_engine, "PATIENCE_S", -1.0)
    with pytest.raises(Problem, match="replica_lost"):
        asked(Handle(LOST))


def test_a_stream_whose_replica_died_ends_with_what_happened() -> None:
    (told,) = asyncio.run(streamed(Handle(LOST)))
    assert isinstance(told, Problem)
    assert told.code == "replica_lost"

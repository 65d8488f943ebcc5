"""People who drag a slider, as programs: edits at fixed moments over real sockets, whatever comes back."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import math
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

import httpx
import websockets
from PIL import Image
from websockets.typing import Origin

from server.engine.frames import HEADER, KINDS, read_header

EDITS_PER_SECOND = 60  # a page sends at most one for each frame of the screen
LOOK_S = 1.0  # at the face, before the hand moves
GRACE_S = 3.0  # after the drag, for pictures that are still on their way
_seeds = itertools.count(
    1000
)  # another face for every drag, so that none finds the pictures of an earlier one
_EDIT_KINDS = (KINDS["preview"], KINDS["final"])


@dataclass
class Drag:
    """What one client saw. intended[i] is the moment of edit i + 1, drawn the pictures in their order."""

    intended: list[float] = field(default_factory=list)
    drawn: list[tuple[float, int]] = field(default_factory=list)  # moment, seq
    stale: int = 0  # pictures drawn after a newer one
    ended: float = 0.0

    def latencies(self) -> list[float]:
        """Seconds from each edit's moment until a picture of it, or of a later one, was decoded.

        An edit that never got one counts with the time until the client stopped looking, which is too little.
        """
        newest: list[int] = []  # the highest seq so far, after each picture
        for _, seq in self.drawn:
            newest.append(max(seq, newest[-1] if newest else 0))
        moments = [moment for moment, _ in self.drawn]
        values = []
        for index, intended in enumerate(self.intended):
            at = bisect_left(newest, index + 1)
            values.append((moments[at] if at < len(moments) else self.ended) - intended)
        return values


async def drag_together(origin: str, sessions: int, seconds: float, attribute: str | None) -> list[Drag]:
    """That many clients at once, each in a session of its own, their first picture already there."""
    async with httpx.AsyncClient(base_url=origin, timeout=60) as client:
        opened = [(await client.post("/api/v1/sessions")).raise_for_status().json() for _ in range(sessions)]
    start = asyncio.Barrier(sessions)
    async with asyncio.TaskGroup() as group:
        works = [
            group.create_task(_drag(origin, session, number, seconds, attribute, start))
            for number, session in enumerate(opened)
        ]
    return [work.result() for work in works]


async def _drag(
    origin: str,
    session: dict[str, Any],
    number: int,
    seconds: float,
    attribute: str | None,
    start: asyncio.Barrier,
) -> Drag:
    url = f"{origin.replace('http', 'ws', 1)}/api/v1/sessions/{session['id']}/live"
    document = session["document"]
    document["base"] |= {"seed": next(_seeds)}
    drag = Drag()
    async with websockets.connect(url, origin=Origin(origin), max_size=None, compression=None) as socket:
        await socket.recv()
        await socket.send(_edit(0, document, "final"))
        await _see_the_face(socket)
        await start.wait()
        reading = asyncio.create_task(_draw(socket, drag))
        begun = time.perf_counter() + 0.1 + number * 0.37 / EDITS_PER_SECOND  # hands do not move in step
        for index in range(round(seconds * EDITS_PER_SECOND)):
            moment = begun + index / EDITS_PER_SECOND
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            drag.intended.append(moment)
            await socket.send(_edit(index + 1, _moved(document, attribute, index), "preview"))
        await asyncio.sleep(GRACE_S)
        drag.ended = time.perf_counter()
        reading.cancel()
    return drag


async def _see_the_face(socket: websockets.ClientConnection) -> None:
    """As a page does before its sliders can be moved: the picture, then where they stand (a naive server
    does not say).
    """
    while isinstance(frame := await socket.recv(), str) or read_header(frame).kind not in _EDIT_KINDS:
        if isinstance(frame, str) and json.loads(frame)["type"] == "error":
            raise RuntimeError(frame)
    await socket.send(json.dumps({"type": "ack", "seq": 0}))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            while '"attributes"' not in str(await socket.recv())[:40]:
                pass
    await asyncio.sleep(LOOK_S)


async def _draw(socket: websockets.ClientConnection, drag: Drag) -> None:
    """Decode and acknowledge pictures, as the page does."""
    newest = 0
    async for frame in socket:
        if isinstance(frame, str):
            continue
        header = read_header(frame)
        if header.kind not in _EDIT_KINDS:
            continue
        Image.open(io.BytesIO(frame[HEADER.size :])).load()
        drag.stale += header.seq < newest
        newest = max(newest, header.seq)
        drag.drawn.append((time.perf_counter(), header.seq))
        await socket.send(json.dumps({"type": "ack", "seq": header.seq}))


def _moved(document: dict[str, Any], attribute: str | None, index: int) -> dict[str, Any]:
    """No two alike, so that no picture comes from a cache. Without attributes the truncation is dragged."""
    swing = math.sin(2 * math.pi * index / (4 * EDITS_PER_SECOND))
    if attribute is None:
        return document | {"base": document["base"] | {"truncation_psi": 0.6 + 0.3 * swing + index * 1e-6}}
    return document | {"attributes": {attribute: 45 + 25 * swing + index * 1e-4}}


def _edit(seq: int, document: dict[str, Any], quality: str) -> str:
    return json.dumps({"type": "edit", "seq": seq, "document": document, "quality": quality})

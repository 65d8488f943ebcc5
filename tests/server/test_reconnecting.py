"""A connection that comes and goes, a thousand times: nothing of it stays behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from pathlib import Path

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.server.harness import Json, RunningServer, seed_document

RECONNECTS = 1000
AT_ONCE = 4
WARM_UP = 100  # what is allocated once for all is there after these
ALLOWED_BYTES = 24 * 2**20
ALLOWED_FILES = 20  # a connection of the pool to SQLite has three
SETTLE_S = 20.0


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident_bytes() -> int:
    """Of this process, in which the server runs as well."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def reconnect(server: RunningServer, session: str, times: int) -> None:
    """Each connection asks for a picture; most leave without waiting for it."""
    remaining = iter(range(times))
    edit = {"type": "edit", "seq": 1, "document": seed_document(1), "quality": "preview"}

    async def come_and_go() -> None:
        for number in remaining:
            async with connect(
                server.live_url(session), origin=Origin(server.origin), proxy=None, close_timeout=1
            ) as socket:
                await socket.recv()
                await socket.send(json.dumps(edit))
                if number % 10 == 0:
                    assert isinstance(await socket.recv(), bytes)

    await asyncio.gather(*(come_and_go() for _ in range(AT_ONCE)))


def test_a_thousand_reconnects_leave_nothing_behind(
    server: RunningServer, client: httpx.Client, session: Json
) -> None:
    asyncio.run(reconnect(server, session["id"], WARM_UP))
    files, memory = open_files(), resident_bytes()
    asyncio.run(reconnect(server, session["id"], RECONNECTS))
    deadline = time.monotonic() + SETTLE_S
    while (sockets := live_sockets(client)) > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sockets == 0
    assert open_files() <= files + ALLOWED_FILES
    assert resident_bytes() - memory < ALLOWED_BYTES
    assert client.get(f"/api/v1/sessions/{session['id']}").status_code == 200


def live_sockets(client: httpx.Client) -> float:
    found = re.search(r"^latentloom_live_sockets (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return float(found[1])

"""The limits on the size of request bodies and on their time, kept while they stream in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.origins import header_values

# After a refusal the rest of the body is read and dropped for a while: a browser that is cut off while it
# still sends shows a network error in place of the answer.
LINGER_BYTES = 64 * 2**20
LINGER_SECONDS = 10.0
# So slow may a long upload be, once the seconds that every request has are over.
SLOWEST_BYTES_PER_SECOND = 16 * 1024

Excess = Literal["body_too_large", "too_slow"]
Refuse = Callable[[Excess, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class BodyLimits:
    """Bytes of a body, and seconds for a short one to arrive."""

    size: int
    seconds: float


async def with_body_limits(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, limits: BodyLimits, refuse: Refuse
) -> None:
    """Run app with a body within limits; past them, refuse answers in its place."""
    declared = header_values(scope["headers"], b"content-length")
    if any(not value.isdigit() or int(value) > limits.size for value in declared):
        await refuse("body_too_large", receive, send)
        return
    seen, waited, complete, refused, started = 0, 0.0, False, False, False

    async def give_up(excess: Excess) -> Message:
        nonlocal refused
        refused = True
        if not started:
            await refuse(excess, receive, send)
        return {"type": "http.disconnect"}

    async def limited_receive() -> Message:
        nonlocal seen, waited, complete
        if refused:
            return {"type": "http.disconnect"}
        if complete:
            return await receive()
        begun, allowed = time.monotonic(), limits.seconds + seen / SLOWEST_BYTES_PER_SECOND
        try:
            message = await asyncio.wait_for(receive(), allowed - waited)
        except TimeoutError:
            return await give_up("too_slow")
        waited += time.monotonic() - begun  # for the client; what this server takes is not counted
        seen += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        return message if seen <= limits.size else await give_up("body_too_large")

    async def send_unless_refused(message: Message) -> None:
        nonlocal started
        if refused and not started:
            return
        started = True
        await send(message)

    try:
        await app(scope, limited_receive, send_unless_refused)
    except Exception:
        if not refused:
            raise


async def drop_rest_of_body(receive: Receive) -> None:
    """Read what is left of a body, within bounds of size and time."""
    dropped = 0
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while dropped < LINGER_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return

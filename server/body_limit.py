"""The limit on the size of request bodies, kept while they stream in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.origins import header_values

# After a refusal the rest of the body is read and dropped for a while: a browser that is cut off while it
# still sends shows a network error in place of the answer.
LINGER_BYTES = 64 * 2**20
LINGER_SECONDS = 10.0

Refuse = Callable[[Receive, Send], Awaitable[None]]


async def with_body_limit(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, limit: int, refuse: Refuse
) -> None:
    """Run app with a body of at most limit bytes; past that, refuse answers in its place."""
    declared = header_values(scope["headers"], b"content-length")
    if any(not value.isdigit() or int(value) > limit for value in declared):
        await refuse(receive, send)
        return
    seen, refused, started = 0, False, False

    async def counted_receive() -> Message:
        nonlocal seen, refused
        if refused:
            return {"type": "http.disconnect"}
        message = await receive()
        seen += len(message.get("body", b""))
        if seen <= limit:
            return message
        refused = True
        if not started:
            await refuse(receive, send)
        return {"type": "http.disconnect"}

    async def send_unless_refused(message: Message) -> None:
        nonlocal started
        if refused and not started:
            return
        started = True
        await send(message)

    try:
        await app(scope, counted_receive, send_unless_refused)
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

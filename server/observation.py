"""The outermost layer: a request id for everything that a request causes, one log line, and its time."""

from __future__ import annotations

import logging
import time
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.logs import REQUEST_ID
from server.telemetry import Telemetry

log = logging.getLogger("server.access")

NO_ROUTE = "(none)"  # static files and addresses that do not exist: their number has no bound
CLIENT_LEFT = 499  # as nginx has it: whoever asked was gone before there was an answer
DENIED = 403  # what a server makes of a socket that is closed before it opened


class Observation:
    """ASGI middleware around the gate."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app, self.telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = uuid4().hex
        token, begun, status = REQUEST_ID.set(request_id), time.perf_counter(), 0

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            elif message["type"] == "websocket.close" and not status:
                status = DENIED
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        finally:
            self._note(scope, status or CLIENT_LEFT, time.perf_counter() - begun)
            REQUEST_ID.reset(token)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", NO_ROUTE)
        method = scope.get("method", "SOCKET")
        if scope["type"] == "http":
            self.telemetry.answered(method, route, status, seconds)
        user = scope["state"].get("user")
        fields = {
            "method": method,
            "path": scope["path"],
            "status": status,
            "ms": round(seconds * 1000, 1),
            "client": scope["client"][0] if scope.get("client") else "",
            "user": user.name if user else "",
        }
        log.info(
            "%s %s %d in %.0f ms", method, scope["path"], status, seconds * 1000, extra={"fields": fields}
        )

"""What every request passes before the application: host, origin, body size; and headers on every answer.

Raw ASGI on purpose: it sees HTTP and WebSockets alike, so neither can be forgotten.
"""

from __future__ import annotations

import logging
from functools import partial
from uuid import uuid4

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.body_limit import drop_rest_of_body, with_body_limit
from server.errors import internal_problem, problem_response
from server.origins import (
    LOOPBACK_NAMES,
    SAFE_METHODS,
    comes_from_own_page,
    header_values,
    host_is_allowed,
    may_change_things,
)
from server.problems import Problem
from server.settings import MIB, Settings

log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
MULTIPART_OVERHEAD = 64 * 1024


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.allowed_hosts = (*LOOPBACK_NAMES, settings.host, *settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        guarded = partial(_send_with_headers, send, request_id)
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal is None:
                await self.app(scope, receive, send)
            else:
                await _deny_websocket(refusal, request_id, scope, receive, guarded)
        elif refusal is not None:
            await problem_response(refusal, request_id)(scope, receive, guarded)
        else:
            await self._answer(scope, receive, guarded, request_id)

    def _refusal(self, scope: Scope) -> Problem | None:
        headers, settings = scope["headers"], self.settings
        if not host_is_allowed(headers, self.allowed_hosts, allow_addresses=settings.allow_remote):
            hint = "Open it as http://localhost, or name the host in LATENTLOOM_ALLOWED_HOSTS."
            return Problem("bad_host", "This server does not answer to that host name.", hint)
        if scope["type"] == "websocket":
            allowed = comes_from_own_page(headers)
        else:
            allowed = scope["method"] in SAFE_METHODS or may_change_things(headers)
        return None if allowed else Problem("cross_origin", "Only this server's own page may do that.")

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await with_body_limit(
                self.app,
                scope,
                receive,
                watched_send,
                limit=self._body_limit(scope),
                refuse=partial(self._refuse_body, request_id),
            )
        except Exception:
            log.exception("request %s failed", request_id)
            if started:
                raise
            await problem_response(internal_problem(), request_id)(scope, receive, send)

    def _body_limit(self, scope: Scope) -> int:
        kinds = header_values(scope["headers"], b"content-type")
        if any(kind.lower().startswith("multipart/form-data") for kind in kinds):
            return self.settings.max_upload_mib * MIB + MULTIPART_OVERHEAD
        return self.settings.max_json_kib * 1024

    async def _refuse_body(self, request_id: str, receive: Receive, send: Send) -> None:
        limit = f"{self.settings.max_upload_mib} MiB for a photo, {self.settings.max_json_kib} KiB otherwise"
        problem = Problem("body_too_large", f"More was sent than is taken: {limit}.")
        response = problem_response(problem, request_id)
        response.headers["connection"] = "close"
        await _send_and_linger(response, receive, send)


async def _send_and_linger(response: Response, receive: Receive, send: Send) -> None:
    """Send the whole answer, then drop the rest of the body before the answer is declared over."""
    start = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    await send(start)
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await drop_rest_of_body(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_with_headers(send: Send, request_id: str, message: Message) -> None:
    if message["type"] in ("http.response.start", "websocket.http.response.start"):
        headers = list(message.get("headers", []))
        headers += [*SECURITY_HEADERS, (b"x-request-id", request_id.encode())]
        if not header_values(headers, b"cache-control"):
            headers.append((b"cache-control", b"no-cache"))
        message = {**message, "headers": headers}
    await send(message)


async def _deny_websocket(
    problem: Problem, request_id: str, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer the handshake with an HTTP error; the connection never becomes a WebSocket."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await problem_response(problem, request_id)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})

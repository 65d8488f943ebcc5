"""What every request passes before the application: host, origin, token, limits; and headers on every answer.

Raw ASGI on purpose: it sees HTTP and WebSockets alike, so neither can be forgotten.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import partial
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.access.admission import Admission, bearer_token
from server.access.clients import Clients
from server.access.public import is_navigation, is_public
from server.access.tokens import User
from server.body_limit import BodyLimits, Excess, drop_rest_of_body, with_body_limits
from server.errors import full_disk, internal_problem, problem_response
from server.origins import (
    LOOPBACK_NAMES,
    SAFE_METHODS,
    comes_from_own_page,
    header_values,
    host_is_allowed,
    is_loopback,
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
LOGIN_PAGE = "/login.html"


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, settings: Settings, admission: Admission, clients: Clients) -> None:
        self.app, self.settings = app, settings
        self.admission, self.clients = admission, clients
        self.allowed_hosts = (*LOOPBACK_NAMES, settings.host, *settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        request_id: str = scope["state"]["request_id"]
        guarded = partial(_send_with_headers, send, request_id)
        with ExitStack() as held:
            try:
                self._admit(scope, held)
            except Problem as problem:
                await _refuse(problem, request_id, scope, receive, guarded)
                return
            if scope["type"] == "websocket":
                await self.app(scope, receive, send)
            else:
                await self._answer(scope, receive, guarded, request_id)

    def _admit(self, scope: Scope, held: ExitStack) -> None:
        """Raises Problem for what may not pass. held: what the client occupies while it is served."""
        headers = scope["headers"]
        if not host_is_allowed(
            headers, self.allowed_hosts, allow_addresses=not is_loopback(self.settings.host)
        ):
            hint = "Open it as http://localhost, or name the host in LATENTLOOM_ALLOWED_HOSTS."
            raise Problem("bad_host", "This server does not answer to that host name.", hint)
        user = self.admission.user_of(headers)
        if not _may_come_from_there(scope, user):
            raise Problem("cross_origin", "Only this server's own page may do that.")
        address = scope["client"][0] if scope.get("client") else ""
        client = user.name if user and user.name else address
        self.clients.check_rate(client)
        scope["state"]["user"] = user
        if user is None and not is_public(scope):
            raise self._unknown(scope, address)
        if scope["type"] == "websocket":
            held.enter_context(self.clients.socket(client, scope["path"].lower()))
        else:
            held.enter_context(self.clients.request(client))

    def _unknown(self, scope: Scope, address: str) -> Problem:
        names = {name.lower() for name, _ in scope["headers"]}
        if not is_navigation(scope) and names & {b"authorization", b"cookie"}:
            self.clients.check_wrong_token(address)
        detail = "This server opens to those who have an access token only."
        return Problem("token_needed", detail, "Sign in on its page, or send Authorization: Bearer <token>.")

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await with_body_limits(
                self.app,
                scope,
                receive,
                watched_send,
                limits=BodyLimits(self._body_limit(scope), self.settings.request_timeout_s),
                refuse=partial(self._refuse_body, request_id),
            )
        except Exception as error:
            log.exception("request %s failed", request_id)
            if started:
                raise
            problem = full_disk(error) or internal_problem()
            await problem_response(problem, request_id)(scope, receive, send)

    def _body_limit(self, scope: Scope) -> int:
        kinds = header_values(scope["headers"], b"content-type")
        if any(kind.lower().startswith("multipart/form-data") for kind in kinds):
            return self.settings.max_upload_mib * MIB + MULTIPART_OVERHEAD
        return self.settings.max_json_kib * 1024

    async def _refuse_body(self, request_id: str, excess: Excess, receive: Receive, send: Send) -> None:
        if excess == "too_slow":
            problem = Problem("too_slow", "The request took too long to arrive.")
        else:
            settings = self.settings
            limit = f"{settings.max_upload_mib} MiB for a photo, {settings.max_json_kib} KiB otherwise"
            problem = Problem("body_too_large", f"More was sent than is taken: {limit}.")
        response = problem_response(problem, request_id)
        response.headers["connection"] = "close"
        await _send_and_linger(response, receive, send, lingers=excess == "body_too_large")


def _may_come_from_there(scope: Scope, user: User | None) -> bool:
    """Sockets only from the own page, or from programs: those have a token and no origin."""
    headers = scope["headers"]
    if scope["type"] == "websocket":
        is_program = user is not None and bearer_token(headers) is not None
        return comes_from_own_page(headers) or (is_program and not header_values(headers, b"origin"))
    return scope["method"] in SAFE_METHODS or may_change_things(headers)


async def _refuse(problem: Problem, request_id: str, scope: Scope, receive: Receive, send: Send) -> None:
    """An HTTP answer: a socket that is refused here never opens. People are led to the login page."""
    response: Response = problem_response(problem, request_id)
    if problem.code == "token_needed":
        response.headers["www-authenticate"] = "Bearer"
        if is_navigation(scope):
            response = RedirectResponse(f"{LOGIN_PAGE}?next={quote(_address(scope), safe='')}", 303)
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
    else:
        await response(scope, receive, send)


def _address(scope: Scope) -> str:
    """Path and query."""
    path: str = scope["path"]
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _send_and_linger(response: Response, receive: Receive, send: Send, *, lingers: bool) -> None:
    """Send the whole answer, then drop the rest of the body before the answer is declared over."""
    start = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    await send(start)
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    if lingers:
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

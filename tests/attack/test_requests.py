"""Requests and sockets that are malformed, too many, too slow or from elsewhere."""

from __future__ import annotations

import json
import queue
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from server import listen, live
from server.listen import uvicorn_config
from server.settings import Settings
from tests.attack.conftest import Guarded
from tests.server.harness import Json, RunningServer, listening, seed_document

LONGEST_SILENCE_S = 40


def open_live(server: RunningServer, session: str, token: str | None = None) -> ClientConnection:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return connect(
        server.live_url(session),
        origin=Origin(server.origin),
        additional_headers=headers,
        proxy=None,
        close_timeout=1,
    )


def edit(seq: int) -> str:
    return json.dumps({"type": "edit", "seq": seq, "document": seed_document(seq), "quality": "preview"})


def raw(server: RunningServer) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.settimeout(60)
    return connection


def rest_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def ana(guarded: Guarded) -> Iterator[httpx.Client]:
    with guarded.client(guarded.ana) as client:
        yield client


@pytest.fixture
def anas_session(ana: httpx.Client) -> str:
    return str(ana.post("/api/v1/sessions").json()["id"])


def test_case_12_a_hundred_thousand_ranges_are_refused_or_answered_whole(ana: httpx.Client) -> None:
    many = "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 20_000, 2))
    answer = ana.get("/main.js", headers={"Range": many})
    assert answer.status_code in (200, 400, 416, 431), answer.status_code
    assert ana.get("/main.js", headers={"Range": "bytes=0-3"}).status_code in (200, 206)


def test_case_14_no_method_of_any_route_is_open_to_another_site(
    server: RunningServer, client: httpx.Client
) -> None:
    for route in iter_route_contexts(server.app.routes):
        for method in {"POST", "PUT", "PATCH", "DELETE"}:
            path = str(route.path).replace("{", "").replace("}", "")
            answer = client.request(method, path, headers={"Origin": "http://evil.test"})
            assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin"), (method, path)


def test_case_22_a_flood_of_edits_that_does_not_end_closes_the_socket(
    server: RunningServer, session: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EDITS_AT_ONCE", 50.0)
    with open_live(server, session["id"]) as flood:
        with pytest.raises(ConnectionClosed):
            for seq in range(1, 100_000):
                flood.send(edit(seq % 40))
        assert flood.close_code == 4429
    with open_live(server, session["id"]) as calm:
        calm.recv(60)
        calm.send(edit(1))
        assert isinstance(calm.recv(60), bytes)


def test_case_23_a_page_that_takes_no_pictures_is_closed_and_the_others_are_not(
    guarded: Guarded, anas_session: str
) -> None:
    with open_live(guarded.server, anas_session, guarded.ana) as stuck:
        stuck.recv(60)
        for seq in (1, 2):
            stuck.send(edit(seq))
            assert isinstance(stuck.recv(60), bytes)
        stuck.send(edit(3))
        with open_live(guarded.server, anas_session, guarded.ana) as other:
            other.recv(60)
            other.send(edit(1))
            assert isinstance(other.recv(60), bytes)
            with pytest.raises(ConnectionClosed):
                stuck.recv(60)
            assert stuck.close_code == 4408
            other.send(edit(2))
            assert isinstance(other.recv(60), bytes)


def test_case_24_a_socket_that_went_silent_without_a_word_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "PING_S", 0.05)
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    app = FastAPI()

    @app.websocket("/live")
    async def watch(websocket: WebSocket) -> None:
        await websocket.accept()
        told.put((await websocket.receive())["type"])

    head = (
        "GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with listening(app, Settings(port=0)) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as silent:
            silent.sendall(head.encode())
            assert silent.recv(12) == b"HTTP/1.1 101"
            assert told.get(timeout=60) == "websocket.disconnect"  # nothing was sent, no end either


def test_case_24_silence_is_noticed_within_forty_seconds(server: RunningServer) -> None:
    config = uvicorn_config(server.app, Settings())
    assert config.ws_ping_interval
    assert config.ws_ping_timeout
    assert config.ws_ping_interval + config.ws_ping_timeout <= LONGEST_SILENCE_S


def test_case_24_a_client_that_takes_nothing_of_an_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "SLOWEST_BYTES_PER_SECOND", 2**30)
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    app = FastAPI()

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(64):  # more than the kernel keeps for somebody who takes nothing
            await send({"type": "http.response.body", "body": bytes(2**20), "more_body": True})
        told.put("cut off")

    app.mount("/", answer)
    with listening(app, Settings(port=0, request_timeout_s=0.2)) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as stuck:
            stuck.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert told.get(timeout=60) == "cut off"


def test_case_25_one_socket_too_many_is_refused_before_it_opens(guarded: Guarded, ana: httpx.Client) -> None:
    one, other = (str(ana.post("/api/v1/sessions").json()["id"]) for _ in range(2))
    with ExitStack() as opened:
        for session in (one, one, other):
            opened.enter_context(open_live(guarded.server, session, guarded.ana)).recv(60)
        for session in (one, other):
            with pytest.raises(InvalidStatus) as refused, open_live(guarded.server, session, guarded.ana):
                pass
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"]
            assert json.loads(refused.value.response.body or b"")["code"] == "too_many_connections"


@pytest.mark.parametrize(
    "opening",
    [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "],
    ids=["nothing at all", "half a header"],
)
def test_case_47_headers_that_do_not_come_end_the_connection(guarded: Guarded, opening: bytes) -> None:
    with raw(guarded.server) as connection:
        connection.sendall(opening)
        assert rest_of(connection) == b""


def test_case_47_a_body_that_comes_byte_by_byte_is_refused(guarded: Guarded, anas_session: str) -> None:
    head = (
        f"POST /api/v1/sessions/{anas_session}/history HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {guarded.ana}\r\nContent-Type: application/json\r\n"
        "Content-Length: 200000\r\n\r\n"
    )
    with raw(guarded.server) as connection:
        connection.sendall(head.encode() + b"{")
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"too_slow"' in answer


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "b",
            b"".join(
                b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % i for i in range(10_000)
            ),
        ),
        ("b" * 8_000, b"--" + b"b" * 8_000 + b"\r\n\r\nx"),
        ("b", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nnever ends'),
    ],
    ids=["ten thousand fields", "a boundary of 8 kB", "no end"],
)
def test_case_48_a_form_that_is_a_trap_is_refused(
    ana: httpx.Client, anas_session: str, kind: str, body: bytes
) -> None:
    answer = ana.post(
        f"/api/v1/sessions/{anas_session}/photos",
        content=body,
        headers={"Content-Type": f"multipart/form-data; boundary={kind}"},
    )
    assert answer.status_code in (400, 413, 422), answer.text
    assert ana.get(f"/api/v1/sessions/{anas_session}").status_code == 200


def test_too_many_requests_at_once_are_told_to_wait(guarded: Guarded) -> None:
    clients = guarded.server.app.state.clients
    with ExitStack() as held:
        for _ in range(32):
            held.enter_context(clients.request("ana"))
        with guarded.client(guarded.ana) as ana, guarded.client(guarded.ben) as ben:
            answer = ana.get("/api/v1/me")
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
            assert answer.headers["retry-after"]
            assert ben.get("/api/v1/me").status_code == 200

"""What passes the gate: hosts, origins, sizes; and what every answer carries."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from server.gate import CONTENT_SECURITY_POLICY
from server.origins import host_is_allowed, may_change_things
from server.settings import MIB
from tests.server.harness import Json, RunningServer

UNSAFE = [("POST", "/api/v1/sessions"), ("PUT", "/x"), ("PATCH", "/x"), ("DELETE", "/api/v1/sessions")]


def raw_answer(port: int, request: bytes) -> bytes:
    """Send bytes as they are and read everything that comes back."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/about", "/nowhere", "/api/openapi.json"])
def test_every_answer_carries_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert len(headers["x-request-id"]) == 32
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://evil.test"},
        {"Origin": "file://"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_another_site_cannot_change_anything(
    client: httpx.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_origin"


def test_the_own_page_and_a_program_may_make_a_session(server: RunningServer, client: httpx.Client) -> None:
    own = {"Origin": server.origin, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/v1/sessions", headers=own).status_code == 201
    assert client.post("/api/v1/sessions").status_code == 201


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:7860", "127.0.0.1.evil.test", "10.0.0.1", "a b", ""]
)
def test_a_foreign_host_name_is_refused(client: httpx.Client, host: str) -> None:
    answer = client.get("/healthz", headers={"Host": host})
    assert answer.status_code == 400


def test_two_host_headers_are_refused(server: RunningServer) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\nConnection: close\r\n\r\n"
    assert raw_answer(server.port, request).startswith(b"HTTP/1.1 400")


def test_a_numeric_address_is_allowed_only_where_remote_use_is() -> None:
    headers = [(b"host", b"192.168.1.5:7860")]
    assert not host_is_allowed(headers, ["localhost"], allow_addresses=False)
    assert host_is_allowed(headers, ["localhost"], allow_addresses=True)
    assert not host_is_allowed([(b"host", b"evil.test")], ["localhost"], allow_addresses=True)


def test_a_default_port_may_be_left_out_of_the_origin() -> None:
    assert may_change_things([(b"host", b"loom.lan"), (b"origin", b"https://loom.lan")])
    assert may_change_things([(b"host", b"[::1]:7860"), (b"origin", b"http://[::1]:7860")])
    assert not may_change_things([(b"host", b"loom.lan:81"), (b"origin", b"http://loom.lan")])


@pytest.mark.parametrize("origin", ["http://evil.test", "null", None])
def test_a_socket_from_another_page_is_denied_before_it_opens(
    server: RunningServer, session: Json, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus) as denied, connect(server.live_url(session["id"]), origin=origin):  # type: ignore[arg-type]
        pass
    assert denied.value.response.status_code == 403
    assert json.loads(denied.value.response.body or b"")["code"] == "cross_origin"


def test_a_socket_to_a_foreign_host_name_is_denied(server: RunningServer, session: Json) -> None:
    request = (
        f"GET /api/v1/sessions/{session['id']}/live HTTP/1.1\r\nHost: evil.test\r\nOrigin: http://evil.test\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert raw_answer(server.port, request.encode()).startswith(b"HTTP/1.1 400")


def test_an_upload_that_says_it_is_too_large_is_refused(
    upload: Callable[..., httpx.Response], client: httpx.Client, session: Json
) -> None:
    answer = upload(bytes(21 * MIB))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert client.get(f"/api/v1/sessions/{session['id']}").json() == session


def test_an_upload_of_unsaid_size_is_refused_at_the_limit(client: httpx.Client, session: Json) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        for _ in range(30):
            yield bytes(MIB)
        yield b"\r\n--b--\r\n"

    answer = client.post(
        f"/api/v1/sessions/{session['id']}/photos",
        content=endless(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_json_body_has_a_smaller_limit(client: httpx.Client) -> None:
    answer = client.post("/api/v1/render", json={"document": "x" * 300_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fpyproject.toml",
        "/%2e%2e/%2e%2e/pyproject.toml",
        "/..%5c..%5cpyproject.toml",
        "/%252e%252e/pyproject.toml",
        "/../pyproject.toml",
        "//etc/passwd",
        "/%00",
        "/outside.txt",
    ],
)
def test_nothing_outside_the_page_is_served(server: RunningServer, page_folder: Path, path: str) -> None:
    (page_folder.parent / "pyproject.toml").write_text("[secret]", "utf-8")
    link = page_folder / "outside.txt"
    if not link.is_symlink():
        link.symlink_to(page_folder.parent / "pyproject.toml")
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw_answer(server.port, request.encode())
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"secret" not in answer


def test_the_page_is_served(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "Latent Loom" in answer.text

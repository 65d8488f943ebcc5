"""The image's command as a process of its own: its environment, a read-only folder of models, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.browser.server_process import free_port
from tests.server.harness import seed_document

# Root writes where it likes, unless it gives away the right to override permissions (PR_CAPBSET_DROP).
WITHOUT_OVERRIDE = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
START_S, PATIENCE_S = 120, 20


@dataclass
class Container:
    """The server as the image starts it, in a folder in place of a container."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    data: Path
    checkpoints: Path
    token: str

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def image_environment(repository: Path) -> dict[str, str]:
    """What the Dockerfile sets."""
    text = (repository / "Dockerfile").read_text("utf-8")
    return dict(re.findall(r"(LATENTLOOM_\w+)=(\S+)", text))


@pytest.fixture(scope="module")
def container(
    repository: Path,
    checkpoints: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("container")
    data, log, port = folder / "data", folder / "log", free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith("LATENTLOOM_")}
    said = image_environment(repository) | {"LATENTLOOM_PORT": str(port), "LATENTLOOM_LOG_FORMAT": "json"}
    said = {key: value.replace("/data", str(data)) for key, value in said.items()}
    said |= {"LATENTLOOM_CHECKPOINTS_DIR": str(checkpoints), "LATENTLOOM_PERCEPTUAL": "efficientnet-lite0"}
    command = [sys.executable, "-c", WITHOUT_OVERRIDE, sys.executable, "-m", "server", "serve"]
    modes = {place: place.stat().st_mode for place in [checkpoints, *checkpoints.rglob("*")]}
    for place, mode in modes.items():
        place.chmod(mode & ~0o222)
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=repository, env=own | said, stdout=output, stderr=output)
    try:
        running = Container(process, port, log, data, checkpoints, "")
        wait_until_ready(running)
        running.token = re.findall(r"shown this once: (\S+)", log.read_text("utf-8"))[0]
        yield running
    finally:
        process.kill()
        process.wait()
        for place, mode in modes.items():
            place.chmod(mode)


def wait_until_ready(container: Container) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and container.process.poll() is None:
        try:
            if httpx.get(f"{container.origin}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(container.log.read_text("utf-8"))


def test_the_token_of_the_first_start_opens_it_and_is_kept_as_a_hash(container: Container) -> None:
    assert httpx.get(f"{container.origin}/api/v1/me").status_code == 401
    answer = httpx.post(f"{container.origin}/api/v1/login", json={"token": container.token})
    assert answer.status_code == 204
    assert container.token not in (container.data / "tokens.toml").read_text("utf-8")
    assert f"/login.html#{container.token}" in container.log.read_text("utf-8")


def test_pictures_are_made_from_a_folder_that_cannot_be_written(container: Container) -> None:
    before = sorted((str(path), path.stat().st_mtime_ns) for path in container.checkpoints.rglob("*"))
    with authorised(container) as client:
        picture = client.post("/api/v1/render", json={"document": seed_document()})
        assert picture.headers["content-type"] == "image/png"
    assert sorted((str(path), path.stat().st_mtime_ns) for path in container.checkpoints.rglob("*")) == before


def logged(container: Container, request_id: str) -> dict[str, Any]:
    """What the log says of a request, which it says after the answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        lines = [line for line in container.log.read_text("utf-8").splitlines() if line.startswith("{")]
        entries = [entry for entry in map(json.loads, lines) if entry.get("request_id") == request_id]
        if entries:
            (entry,) = entries
            return dict(entry)
        time.sleep(0.05)
    raise AssertionError(f"the log says nothing of {request_id}")


def test_the_log_is_one_object_a_line_with_request_ids(container: Container) -> None:
    with authorised(container) as client:
        request_id = client.get("/api/v1/me?x=1").headers["x-request-id"]
    entry = logged(container, request_id)
    assert (entry["method"], entry["path"], entry["status"], entry["user"]) == (
        "GET",
        "/api/v1/me",
        200,
        "owner",
    )
    lines = container.log.read_text("utf-8").splitlines()
    assert container.token not in "".join(line for line in lines if line.startswith("{"))


def test_case_44_an_address_makes_no_line_in_the_log(container: Container) -> None:
    with authorised(container) as client:
        answer = client.get("/x%0d%0a%7B%22forged%22:1%7D")
    entry = logged(container, answer.headers["x-request-id"])
    assert entry["path"] == '/x\r\n{"forged":1}'
    assert '{"forged":1}' not in container.log.read_text("utf-8").splitlines()


def test_case_49_a_stop_closes_sockets_with_1012_and_ends_well(container: Container) -> None:
    with authorised(container) as client:
        session = client.post("/api/v1/sessions").json()["id"]
    with connect(
        f"ws://127.0.0.1:{container.port}/api/v1/sessions/{session}/live",
        origin=Origin(container.origin),
        additional_headers={"Authorization": f"Bearer {container.token}"},
        proxy=None,
    ) as socket:
        socket.recv(60)
        socket.send(json.dumps({"type": "edit", "seq": 1, "document": seed_document(), "quality": "preview"}))
        container.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            while True:
                socket.recv(60)
        assert socket.close_code == 1012
    assert container.process.wait(60) in (0, -signal.SIGTERM)
    assert "Application shutdown complete" in container.log.read_text("utf-8")


def authorised(container: Container) -> httpx.Client:
    headers = {"Authorization": f"Bearer {container.token}"}
    return httpx.Client(base_url=container.origin, headers=headers, timeout=120)

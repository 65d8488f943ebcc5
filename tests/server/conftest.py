"""Fixtures of the server's tests: every part is the one users get, only smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import skimage.data
from PIL import Image

from server.settings import Settings
from tests.server.harness import (
    Json,
    RunningServer,
    copy_face_detector,
    encoded,
    make_settings,
    serving,
    write_tiny_bundle,
)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A folder with one tiny untrained bundle and the real face detector."""
    folder = tmp_path_factory.mktemp("checkpoints")
    copy_face_detector(repository, folder)
    write_tiny_bundle(folder / "tiny", tmp_path_factory.mktemp("parts"))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty checkpoints folder, for tests that fill it."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of one file."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<!doctype html><title>Latent Loom</title>", "utf-8")
    return folder


@pytest.fixture
def settings(tmp_path: Path, checkpoints: Path, page_folder: Path) -> Settings:
    """Settings of a server with an empty data folder."""
    return make_settings(tmp_path / "data", checkpoints, page_folder)


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, checkpoints: Path, page_folder: Path
) -> Iterator[RunningServer]:
    """One server for all tests that need no other one; each makes its own session."""
    with serving(make_settings(tmp_path_factory.mktemp("data"), checkpoints, page_folder)) as running:
        yield running


@pytest.fixture
def little_room(server: RunningServer) -> Iterator[None]:
    """A session may have one of everything, and a history of two steps."""
    services = server.app.state.services
    one = ("gallery_items", "latents_per_session", "photos_per_session", "projections_per_session")
    limits = {f"max_{name}": 1 for name in one} | {"max_history_steps": 2}
    server.app.state.services = replace(services, settings=services.settings.model_copy(update=limits))
    yield
    server.app.state.services = services


@pytest.fixture
def client(server: RunningServer) -> Iterator[httpx.Client]:
    """A client of the shared server."""
    with server.client() as client:
        yield client


@pytest.fixture
def session(client: httpx.Client) -> Json:
    """A new session."""
    answer: Json = client.post("/api/v1/sessions").json()
    return answer


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A real photo of one face, as a JPEG."""
    return encoded(Image.fromarray(skimage.data.astronaut()), "JPEG")


@pytest.fixture(scope="session")
def cat() -> bytes:
    """A photo without a human face."""
    return encoded(Image.fromarray(skimage.data.chelsea()), "JPEG")


@pytest.fixture
def upload(client: httpx.Client, session: Json) -> Callable[..., httpx.Response]:
    """Send bytes as a photo of the session."""

    def send(data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> httpx.Response:
        return client.post(f"/api/v1/sessions/{session['id']}/photos", files={"file": (name, data, kind)})

    return send


@pytest.fixture
def photo(upload: Callable[..., httpx.Response], astronaut: bytes) -> Json:
    """An uploaded photo of the session."""
    answer = upload(astronaut)
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body

"""One cluster for all its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import skimage.data
from PIL import Image

from tests.cluster.running_cluster import Cluster, running_cluster
from tests.server.harness import Json, copy_face_detector, encoded, write_tiny_bundle


@pytest.fixture(scope="session")
def models(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny untrained model."""
    folder = tmp_path_factory.mktemp("cluster") / "checkpoints"
    folder.mkdir()
    copy_face_detector(repository, folder)
    write_tiny_bundle(folder / "tiny", tmp_path_factory.mktemp("parts"))
    return folder


@pytest.fixture(scope="session")
def cluster(repository: Path, models: Path) -> Iterator[Cluster]:
    """The application with these models."""
    with running_cluster(repository, models.parent) as found:
        yield found


@pytest.fixture(scope="session")
def client(cluster: Cluster) -> Iterator[httpx.Client]:
    """With the token."""
    with cluster.client() as client:
        yield client


@pytest.fixture(scope="session")
def session(client: httpx.Client) -> Json:
    """One for all tests."""
    made: Json = client.post("/api/v1/sessions").raise_for_status().json()
    return made


@pytest.fixture(scope="session")
def photo(client: httpx.Client, session: Json) -> Json:
    """An uploaded photo of a face."""
    data = encoded(Image.fromarray(skimage.data.astronaut()), "JPEG")
    files = {"file": ("face.jpg", data, "image/jpeg")}
    made: Json = (
        client.post(f"/api/v1/sessions/{session['id']}/photos", files=files).raise_for_status().json()
    )
    return made

"""Sessions, models and what the server says of itself."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from server.settings import Settings
from tests.server.harness import Json, seed_document, serving, write_generator

BASE = seed_document()["base"]


def test_a_new_session_opens_with_the_models_first_picture(session: Json) -> None:
    assert session["document"] == seed_document(7)
    assert (session["photos"], session["jobs"]) == ([], [])
    assert session["created_at"] == session["updated_at"]


def test_a_session_remembers_its_last_document(client: httpx.Client, session: Json) -> None:
    document = seed_document(3, attributes={"age": 60.0}, noise={"seed": 4, "strength": 0.5})
    put = client.put(f"/api/v1/sessions/{session['id']}/document", json=document)
    assert (put.status_code, put.json()["document"]) == (200, document)
    assert client.get(f"/api/v1/sessions/{session['id']}").json() == put.json()
    assert put.json()["updated_at"] > session["updated_at"]


def test_a_session_survives_a_restart(settings: Settings, astronaut: bytes) -> None:
    with serving(settings) as server, server.client() as client:
        session = client.post("/api/v1/sessions").json()
        url = f"/api/v1/sessions/{session['id']}"
        client.put(f"{url}/document", json=seed_document(11)).raise_for_status()
        photo = client.post(f"{url}/photos", files={"file": ("me.jpg", astronaut)}).json()
        before, image = client.get(url).json(), client.get(photo["image_url"]).content
    with serving(settings) as server, server.client() as client:
        assert client.get(url).json() == before
        assert client.get(photo["image_url"]).content == image


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (seed_document(model="other"), "unknown_model"),
        (seed_document(attributes={"height": 1.0}), "document_does_not_fit"),
        (seed_document(attributes={"age": 500.0}), "document_does_not_fit"),
        (seed_document(mix=[{"source": BASE, "layers": [8], "strength": 1}]), "document_does_not_fit"),
        (seed_document(base=BASE | {"truncation_cutoff": 9}), "document_does_not_fit"),
    ],
    ids=["model", "attribute", "value", "layer", "cutoff"],
)  # fmt: skip
def test_a_document_that_the_model_cannot_render_is_not_kept(
    client: httpx.Client, session: Json, document: Json, code: str
) -> None:
    url = f"/api/v1/sessions/{session['id']}"
    answer = client.put(f"{url}/document", json=document)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert client.get(url).json() == session


def test_an_unknown_session_cannot_be_written(client: httpx.Client) -> None:
    answer = client.put(f"/api/v1/sessions/{uuid4()}/document", json=seed_document())
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_session")


def test_the_server_says_what_it_is(client: httpx.Client) -> None:
    about = client.get("/api/v1/about").json()
    assert about["device"] == "cpu"
    assert about["synthesis"].startswith(("kernels (", "pytorch ("))
    assert about["models"] == ["tiny"]
    assert about["perceptual"]["name"] == "efficientnet-lite0"
    assert about["perceptual"]["is_lpips"] is False
    assert "not LPIPS" in about["perceptual"]["note"]


def test_the_server_lives_and_is_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_without_a_model_the_server_says_so_until_there_is_one(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = settings.model_copy(update={"checkpoints_dir": tmp_path_factory.mktemp("empty")})
    with serving(empty) as server, server.client() as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["code"] == "not_ready"
        assert client.post("/api/v1/sessions").json()["code"] == "no_model"
        answer = client.post("/api/v1/render", json={"document": seed_document()})
        assert (answer.status_code, answer.json()["code"]) == (503, "no_model")
        write_generator(empty.checkpoints_dir / "first.safetensors")
        assert client.post("/api/v1/sessions").json()["document"]["model"] == "first"


def test_the_api_describes_itself(client: httpx.Client) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert "/api/v1/sessions/{session_id}/projections" in paths
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert all(path in page.text for path in paths)
    assert "<script" not in page.text

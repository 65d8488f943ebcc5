"""Sessions, models and what the server says of itself."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from server.settings import Settings
from tests.server.harness import Json, keep, seed_document, serving, write_generator
from tests.server.projecting import ask, cancel, finished_job, latent_document


def test_a_new_session_opens_with_the_models_first_picture(session: Json) -> None:
    assert session["document"] == seed_document(7)
    assert (session["photos"], session["jobs"]) == ([], [])
    assert session["created_at"] == session["updated_at"]


def test_a_session_remembers_its_last_document(client: httpx.Client, session: Json) -> None:
    document = seed_document(3, attributes={"age": 60.0}, noise=seed_document()["noise"] | {"seed": 4})
    assert keep(client, session["id"], document).status_code == 200
    answer = client.get(f"/api/v1/sessions/{session['id']}").json()
    assert answer["document"] == document
    assert answer["updated_at"] > session["updated_at"]


def test_a_session_survives_a_restart(settings: Settings, astronaut: bytes) -> None:
    with serving(settings) as server, server.client() as client:
        session = client.post("/api/v1/sessions").json()
        url = f"/api/v1/sessions/{session['id']}"
        keep(client, session["id"], seed_document(11)).raise_for_status()
        photo = client.post(f"{url}/photos", files={"file": ("me.jpg", astronaut)}).json()
        before, image = client.get(url).json(), client.get(photo["image_url"]).content
    with serving(settings) as server, server.client() as client:
        assert client.get(url).json() == before
        assert client.get(photo["image_url"]).content == image


def test_a_deleted_session_is_gone_with_all_that_had_an_address(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    own = f"/api/v1/sessions/{session['id']}"
    running = ask(client, photo, session, 5000).json()
    refused = client.delete(own)
    assert (refused.status_code, refused.json()["code"]) == (409, "still_searching")
    cancel(client, running)
    job = finished_job(client, ask(client, photo, session, 1))
    assert client.delete(own).status_code == 204
    addresses = [own, f"{own}/history", photo["image_url"], f"/api/v1/jobs/{job['id']}"]
    assert [client.get(address).status_code for address in addresses] == [404] * 4
    render = client.post("/api/v1/render", json={"document": latent_document(job)})
    assert render.json()["code"] == "unknown_latent"
    assert client.delete(own).json()["code"] == "unknown_session"


def test_an_unknown_session_cannot_be_written(client: httpx.Client) -> None:
    answer = keep(client, str(uuid4()), seed_document())
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

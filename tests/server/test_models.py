"""Models over HTTP and the live socket: the list, switching, what is refused, and two models side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from server.engine.frames import read_header
from server.settings import Settings
from tests.server.harness import Json, RunningServer, keep, seed_document, serving, write_generator

PATIENCE_S = 60


@pytest.fixture
def folder(folder: Path, checkpoints: Path) -> Path:
    """The tiny bundle, a larger generator in a file of its own, and a damaged file."""
    for name in ("tiny", "face-detector"):
        shutil.copytree(checkpoints / name, folder / name)
    write_generator(folder / "larger.safetensors", 3, resolution=64)
    (folder / "broken.safetensors").write_bytes(b"no model")
    return folder


@pytest.fixture
def server(folder: Path, settings: Settings) -> Iterator[RunningServer]:
    """A server on that folder."""
    with serving(settings.model_copy(update={"checkpoints_dir": folder})) as running:
        yield running


def by_name(answer: httpx.Response) -> dict[str, Json]:
    assert answer.status_code == 200, answer.text
    return {model["name"]: model for model in answer.json()}


def live(server: RunningServer, session: str) -> ClientConnection:
    return connect(server.live_url(session), origin=Origin(server.origin))


def ask(socket: ClientConnection, document: Json, seq: int) -> Json | tuple[int, int]:
    """Send a final edit: the width and seq of the picture that comes, or the problem."""
    socket.send(json.dumps({"type": "edit", "seq": seq, "document": document, "quality": "final"}))
    while True:
        data = socket.recv(PATIENCE_S)
        if isinstance(data, bytes):
            header = read_header(data)
            socket.send(json.dumps({"type": "ack", "seq": header.seq}))
            return header.width, header.seq
        message: Json = json.loads(data)
        if message["type"] == "error":
            problem: Json = message["problem"]
            return problem


def test_the_models_are_listed_with_all_that_a_page_needs(client: httpx.Client) -> None:
    models = client.get("/api/v1/models").json()
    assert [(model["name"], model["state"]) for model in models] == [
        ("tiny", "ready"),
        ("larger", "ready"),
        ("broken", "refused"),
    ]
    tiny, larger, broken = models
    attributes = tiny.pop("attributes")
    assert tiny == {
        "state": "ready",
        "name": "tiny",
        "title": "Tiny",
        "description": "An untrained model for tests.",
        "licence": "Apache-2.0",
        "source": "tiny",
        "size_bytes": tiny["size_bytes"],
        "loaded": True,
        "changed": False,
        "reason": "",
        "img_resolution": 32,
        "img_channels": 3,
        "num_ws": 8,
        "resolutions": [4, 8, 16, 32],
        "default_psi": 0.7,
        "seeds": [7, 8],
        "editable": True,
        "measurable": True,
        "encoder": False,
        "mix_borders": [4, 8],
    }
    assert len(attributes) == 17
    assert [a["name"] for a in attributes if a["group"] == "light" and a["shown"]] == [
        "light_0", "light_1", "light_2", "light_3",
    ]  # fmt: skip
    assert (larger["loaded"], larger["editable"], larger["attributes"]) == (False, False, [])
    assert (larger["title"], larger["licence"], larger["source"]) == ("larger", "", "larger.safetensors")
    assert broken == {
        "state": "refused",
        "name": "broken",
        "source": "broken.safetensors",
        "size_bytes": 8,
        "reason": "This is not a safetensors file, or it is incomplete.",
    }


def test_the_server_tells_which_models_can_be_used(client: httpx.Client) -> None:
    about = client.get("/api/v1/about").json()
    assert about["models"] == ["tiny", "larger"]
    assert about["refused"] == [
        {"name": "broken", "reason": "This is not a safetensors file, or it is incomplete."}
    ]


def test_asking_for_the_list_notices_what_came_and_went(client: httpx.Client, folder: Path) -> None:
    shutil.copy(folder / "larger.safetensors", folder / "new.safetensors")
    (folder / "larger.safetensors").unlink()
    write_generator(folder / "broken.safetensors")
    models = by_name(client.get("/api/v1/models"))
    assert {name: model["state"] for name, model in models.items()} == {
        "tiny": "ready",
        "broken": "ready",
        "new": "ready",
    }
    answer = client.post("/api/v1/render", json={"document": seed_document(model="new")})
    assert answer.status_code == 200


def test_a_model_that_fails_to_load_is_a_problem_until_it_is_repaired(
    client: httpx.Client, session: Json, folder: Path
) -> None:
    good = (folder / "larger.safetensors").read_bytes()
    (folder / "larger.safetensors").write_bytes(good[:-4])
    body = {"document": seed_document(model="larger")}
    answer = client.post("/api/v1/render", json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
    assert "incomplete" in answer.json()["detail"]
    assert by_name(client.get("/api/v1/models"))["larger"]["state"] == "refused"
    assert keep(client, session["id"], body["document"]).is_success, "what was done stays known"
    (folder / "larger.safetensors").write_bytes(good)
    assert by_name(client.post("/api/v1/models/refresh"))["larger"]["state"] == "ready"
    assert client.post("/api/v1/render", json=body).status_code == 200


def test_a_page_of_another_site_cannot_refresh(client: httpx.Client) -> None:
    answer = client.post("/api/v1/models/refresh", headers={"Origin": "https://example.org"})
    assert answer.json()["code"] == "cross_origin"


def test_two_sessions_work_on_two_models_at_once(server: RunningServer, client: httpx.Client) -> None:
    sessions = [client.post("/api/v1/sessions").json()["id"] for _ in range(2)]
    with live(server, sessions[0]) as one, live(server, sessions[1]) as two:
        for seq in range(1, 6):
            assert ask(one, seed_document(seq), seq) == (32, seq)
            assert ask(two, seed_document(seq, model="larger"), seq) == (64, seq)


def test_a_socket_changes_the_model_and_survives_one_that_is_refused(
    server: RunningServer, session: Json
) -> None:
    with live(server, session["id"]) as socket:
        assert ask(socket, seed_document(1), 1) == (32, 1)
        assert ask(socket, seed_document(1, model="larger"), 2) == (64, 2)
        problem = ask(socket, seed_document(1, model="broken"), 3)
        assert isinstance(problem, dict)
        assert (problem["code"], problem["status"]) == ("model_unavailable", 503)
        assert "not a safetensors file" in problem["detail"]
        assert ask(socket, seed_document(1), 4) == (32, 4)


def test_a_found_face_belongs_to_the_model_it_was_found_in(
    client: httpx.Client, session: Json, astronaut: bytes
) -> None:
    url = f"/api/v1/sessions/{session['id']}"
    photo = client.post(f"{url}/photos", files={"file": ("me.jpg", astronaut)}).json()
    body = {"photo": photo["id"], "model": "larger", "steps": 2}
    job = client.post(f"{url}/projections", json=body).json()
    assert job["model"] == "larger"
    while (job := client.get(f"/api/v1/jobs/{job['id']}").json())["state"] not in ("succeeded", "failed"):
        pass
    base = {"kind": "latent", "latent": job["latent"]}
    codes = [
        client.post("/api/v1/render", json={"document": seed_document(base=base, model=model)}).status_code
        for model in ("larger", "tiny")
    ]
    assert codes == [200, 422]


def test_in_a_grey_model_no_photo_is_searched(
    client: httpx.Client, session: Json, folder: Path, astronaut: bytes
) -> None:
    write_generator(folder / "grey.safetensors", img_channels=1)
    by_name(client.get("/api/v1/models"))
    url = f"/api/v1/sessions/{session['id']}"
    photo = client.post(f"{url}/photos", files={"file": ("me.jpg", astronaut)}).json()
    answer = client.post(f"{url}/projections", json={"photo": photo["id"], "model": "grey", "steps": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_projectable")

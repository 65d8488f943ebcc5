"""Edits of models that lack a network, or whose flow cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.harness import Json, RunningServer, make_settings, seed_document, serving
from tests.server.live_client import live
from tests.server.model_kinds import write_model_kinds
from tests.server.task_client import finished


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory, page_folder: Path) -> Iterator[RunningServer]:
    """A server with a model of each kind."""
    folder = tmp_path_factory.mktemp("kinds")
    write_model_kinds(folder, tmp_path_factory.mktemp("parts"))
    with serving(make_settings(tmp_path_factory.mktemp("data"), folder, page_folder)) as running:
        yield running


@pytest.fixture
def client(kinds: RunningServer) -> Iterator[httpx.Client]:
    with kinds.client() as client:
        yield client


def asked(model: str, **changes: Any) -> Json:
    return {"document": seed_document(model=model, **changes)}


def code(client: httpx.Client, model: str, **changes: Any) -> str:
    return str(client.post("/api/v1/render", json=asked(model, **changes)).json()["code"])


def test_the_list_says_what_a_model_can(client: httpx.Client) -> None:
    models = {model["name"]: model for model in client.get("/api/v1/models").json()}
    can = {name: (models[name]["editable"], models[name]["measurable"]) for name in ("tiny", "blind", "bare")}
    assert can == {"tiny": (True, True), "blind": (True, False), "bare": (False, False)}
    assert models["misfit"]["state"] == "refused"


def test_a_flow_of_another_width_is_refused_with_both_sizes(client: httpx.Client) -> None:
    models = {model["name"]: model for model in client.get("/api/v1/models").json()}
    assert "16 numbers" in models["misfit"]["reason"]
    assert "have 32" in models["misfit"]["reason"]


def test_what_a_model_lacks_is_said(client: httpx.Client) -> None:
    edit = {"attributes": {"age": 30.0}}
    for changes in (edit, {"light": {"strength": 0.5}}, {"locks": ["age"]}, {"layers": {"age": [1]}}):
        assert code(client, "bare", **changes) == "not_editable"
    assert code(client, "blind", **edit, locks=["yaw"]) == "not_measurable"
    assert code(client, "blind", **edit, calibrated=True) == "not_measurable"


def test_a_flow_that_no_solver_gets_through_is_refused_and_the_picture_stays(client: httpx.Client) -> None:
    before = client.post("/api/v1/render", json=asked("steep")).content
    for _ in range(2):
        answer = client.post("/api/v1/render", json=asked("steep", attributes={"age": 30.0}))
        assert (answer.status_code, answer.json()["code"]) == (422, "flow_does_not_converge")
    assert client.post("/api/v1/render", json=asked("steep")).content == before


def test_without_a_network_the_base_is_estimated_in_the_background_and_can_be_corrected(
    kinds: RunningServer, client: httpx.Client
) -> None:
    session = client.post("/api/v1/sessions").json()
    document = asked("blind", attributes={"age": 30.0}, base_attributes={"yaw": 5.0})["document"]
    with live(kinds, session["id"]) as socket:
        socket.edit(4, asked("blind")["document"], "final")
        socket.frame()
        socket.ack(4)
        first, second = socket.message("attributes"), socket.message("attributes")
        assert (first["seq"], first["state"], first["base"]) == (4, "estimating", {})
        assert (second["seq"], second["state"], second["source"]) == (4, "ready", "likelihood")
        socket.edit(5, document, "final")
        socket.frame()
        edited = socket.message("attributes")
    assert edited["estimated"] == second["base"]
    assert edited["base"] == second["base"] | {"yaw": 5.0}
    assert edited["target"] == edited["base"] | {"age": 30.0}
    assert (edited["reached"], edited["moved"]) == (None, None)
    plain = client.post("/api/v1/render", json=asked("blind")).content
    assert client.post("/api/v1/render", json={"document": document}).content != plain


def test_a_direction_of_another_generator_is_refused(client: httpx.Client) -> None:
    search = {"method": "sefa", "count": 1}
    task = finished(client, client.post("/api/v1/models/bare/direction-searches", json=search))
    wanted = {"task": task["id"], "candidate": 0, "name": "first"}
    assert client.post("/api/v1/models/tiny/directions", json=wanted).json()["code"] == (
        "direction_of_other_generator"
    )
    kept = client.post("/api/v1/models/bare/directions", json=wanted).json()
    move = [{"direction": kept["id"], "strength": 1.0}]
    assert code(client, "tiny", directions=move) == "direction_of_other_generator"
    file = client.get(kept["file_url"]).content
    brought = client.post(
        "/api/v1/models/tiny/directions/import", files={"file": ("d", file)}, data={"name": "brought"}
    )
    assert brought.json()["code"] == "direction_of_other_generator"
    assert client.post("/api/v1/render", json=asked("bare", directions=move)).status_code == 200


def test_models_of_one_generator_share_its_directions(client: httpx.Client) -> None:
    search = {"method": "ganspace", "count": 1}
    task = finished(client, client.post("/api/v1/models/tiny/direction-searches", json=search))
    wanted = {"task": task["id"], "candidate": 0, "name": "shared"}
    kept = client.post("/api/v1/models/tiny/directions", json=wanted).json()
    assert kept in client.get("/api/v1/models/blind/directions").json()
    assert kept not in client.get("/api/v1/models/bare/directions").json()


def test_faces_on_request_need_a_network_that_reads_them(client: httpx.Client) -> None:
    session = client.post("/api/v1/sessions").json()
    for model, refusal in (("blind", "not_measurable"), ("bare", "not_editable")):
        answer = client.post(f"/api/v1/sessions/{session['id']}/samples", json={"model": model})
        assert (answer.status_code, answer.json()["code"]) == (422, refusal)

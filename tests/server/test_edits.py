"""Edits over the API: pure functions of a document, what they did, and what is refused."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.bundle import load_bundle
from server.engine.frames import NOT_CORRECTED
from tests.server.harness import Json, RunningServer, keep, seed_document
from tests.server.live_client import live

Pixels = NDArray[np.uint8]
LEFT_LIGHT = {"azimuth": -60.0, "elevation": 20.0, "strength": 0.7, "brightness": None}


def pixels(client: httpx.Client, **changes: Any) -> Pixels:
    body = {"document": seed_document(**changes), "format": "png"}
    answer = client.post("/api/v1/render", json=body)
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image)


def reading(client: httpx.Client, **changes: Any) -> Json:
    answer = client.post("/api/v1/attributes", json={"document": seed_document(**changes)})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


@pytest.fixture
def base(client: httpx.Client) -> dict[str, float]:
    """The attributes of the document that is edited here."""
    values: dict[str, float] = reading(client)["base"]
    return values


@pytest.mark.parametrize(
    "changes",
    [
        {"locks": ["age", "yaw"]},
        {"calibrated": True},
        {"light": {"azimuth": None, "elevation": None, "strength": None, "brightness": None}},
        {"base_attributes": {"age": 70.0}},
        {"layers": {"age": [0, 1]}},
    ],
    ids=["locks", "calibrated", "light", "correction of the base", "layers"],
)
def test_what_asks_for_no_change_gives_the_identical_picture(client: httpx.Client, changes: Json) -> None:
    assert np.array_equal(pixels(client, **changes), pixels(client))


def test_a_target_at_the_base_gives_the_identical_picture_with_locks_too(
    client: httpx.Client, base: dict[str, float]
) -> None:
    back = {"attributes": {"age": base["age"]}, "locks": ["yaw"], "calibrated": True}
    assert np.array_equal(pixels(client, **back), pixels(client))


@pytest.mark.parametrize(
    ("plain", "changed"),
    [
        ({}, {"light": LEFT_LIGHT}),
        ({"attributes": {"age": 80.0}}, {"base_attributes": {"age": 10.0}}),
        ({"attributes": {"age": 80.0}}, {"layers": {"age": [0, 1]}}),
        ({"attributes": {"age": 80.0}}, {"locks": ["yaw", "expression"]}),
        ({"attributes": {"age": 80.0}}, {"calibrated": True}),
        ({"light": LEFT_LIGHT}, {"attributes": {"light_3": 1.5}}),
    ],
    ids=["light", "correction of the base", "layers", "locks", "calibration", "a coefficient in a light"],
)
def test_every_part_of_an_edit_shows(client: httpx.Client, plain: Json, changed: Json) -> None:
    assert not np.array_equal(pixels(client, **plain), pixels(client, **(plain | changed)))


def test_the_order_in_which_things_were_moved_does_not_show(client: httpx.Client) -> None:
    one = {"attributes": {"age": 70.0, "yaw": 9.0}, "locks": ["beard", "pitch"], "light": LEFT_LIGHT}
    other = {"light": LEFT_LIGHT, "locks": ["pitch", "beard"], "attributes": {"yaw": 9.0, "age": 70.0}}
    assert np.array_equal(pixels(client, **one), pixels(client, **other))


def test_a_lock_holds_what_the_plain_edit_moves(client: httpx.Client) -> None:
    edit = {"attributes": {"age": 80.0}}
    moved = reading(client, **edit)["moved"]
    worst = max(moved, key=lambda name: abs(moved[name]))
    held = reading(client, **edit, locks=[worst])["moved"]
    assert abs(held[worst]) < abs(moved[worst])


def test_a_calibrated_edit_reaches_more_of_what_was_asked(client: httpx.Client) -> None:
    asked = {"attributes": {"age": 60.0}}
    plain, calibrated = reading(client, **asked), reading(client, **asked, calibrated=True)
    assert calibrated["target"]["age"] == 60.0
    assert abs(calibrated["reached"]["age"] - 60.0) < abs(plain["reached"]["age"] - 60.0)


def test_the_reading_says_what_was_asked_for_and_what_else_moved(client: httpx.Client) -> None:
    plain = reading(client)
    assert plain["base"] == plain["estimated"] == plain["target"] == plain["reached"]
    assert (plain["state"], plain["source"], set(plain["moved"].values())) == ("ready", "network", {0.0})
    corrected = {"base_attributes": {"age": 30.0}, "attributes": {"age": 80.0}}
    edited = reading(client, **corrected)
    assert edited["estimated"] == plain["base"]
    assert edited["base"] == plain["base"] | {"age": 30.0}
    assert edited["target"] == plain["base"] | {"age": 80.0}
    assert set(edited["moved"]) == set(plain["base"]) - {"age"}


def test_what_else_moved_is_in_deviations_of_the_population(client: httpx.Client, checkpoints: Any) -> None:
    estimator = load_bundle(checkpoints / "tiny").estimator
    assert estimator is not None
    edited = reading(client, attributes={"age": 80.0})
    moved = (edited["reached"]["yaw"] - edited["estimated"]["yaw"]) / estimator.config.deviation[11]
    assert edited["moved"]["yaw"] == pytest.approx(moved, abs=1e-6)


def test_likeness_is_named_as_what_it_is(client: httpx.Client) -> None:
    assert reading(client)["likeness"]["distance"] == 0
    likeness = reading(client, attributes={"age": 80.0})["likeness"]
    assert 0 < likeness["distance"] < 2
    assert "not an identity network" in likeness["judge"]
    assert likeness["identity_network"] is False
    assert "recognises people" in likeness["note"]


def test_a_lamp_is_put_where_the_document_says(client: httpx.Client) -> None:
    edited = reading(client, light=LEFT_LIGHT)
    lamp = edited["target_light"]
    assert lamp == LEFT_LIGHT | {"brightness": edited["light"]["brightness"]}
    again = {name: edited["target"][name] for name in edited["target"] if name.startswith("light_")}
    found = reading(client, attributes=again)["target_light"]  # by its nine coefficients
    assert (found["azimuth"], found["elevation"]) == pytest.approx((-60.0, 20.0), abs=5)
    assert edited["target"]["age"] == edited["base"]["age"]
    assert edited["target"]["light_3"] != edited["base"]["light_3"]


def test_a_preview_without_its_corrections_says_so(server: RunningServer, session: Json) -> None:
    edit = seed_document(attributes={"age": 80.0})
    flags = []
    with live(server, session["id"]) as socket:
        for seq, (changes, quality) in enumerate(
            (({}, "preview"), ({"locks": ["yaw"]}, "preview"), ({"locks": ["yaw"]}, "final"))
        ):
            socket.edit(seq, edit | changes, quality)
            flags.append(socket.frame()[0].flags)
            socket.ack(seq)
    assert flags == [0, NOT_CORRECTED, 0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"attributes": {"age": 200.0}}, "document_does_not_fit"),
        ({"attributes": {"hat": 1.0}}, "document_does_not_fit"),
        ({"base_attributes": {"age": -100.0}}, "document_does_not_fit"),
        ({"base_attributes": {"hat": 1.0}}, "document_does_not_fit"),
        ({"locks": ["hat"]}, "document_does_not_fit"),
        ({"layers": {"hat": [1]}}, "document_does_not_fit"),
        ({"layers": {"age": [8]}}, "document_does_not_fit"),
        ({"light": {"brightness": 4.0}}, "document_does_not_fit"),
        ({"directions": [{"direction": str(uuid4()), "strength": 1.0}]}, "unknown_direction"),
        ({"directions": [{"direction": str(uuid4()), "strength": 1.0, "layers": [8]}]}, "unknown_direction"),
    ],
    ids=[
        "value out of range", "unknown attribute", "correction out of range", "unknown correction",
        "unknown lock", "layers of an unknown attribute", "layer that is not there", "blinding light",
        "unknown direction", "unknown direction on layers",
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(
    client: httpx.Client, changes: Json, code: str
) -> None:
    before = pixels(client)
    answer = client.post("/api/v1/render", json={"document": seed_document(**changes)})
    assert answer.json()["code"] == code
    assert np.array_equal(pixels(client), before)


def test_not_a_number_is_refused_before_anything_reads_it(client: httpx.Client) -> None:
    text = json.dumps({"document": seed_document(attributes={"age": float("nan")})})
    answer = client.post("/api/v1/render", content=text, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_refusal_over_the_socket_names_the_edit_and_the_next_one_is_rendered(
    server: RunningServer, session: Json
) -> None:
    with live(server, session["id"]) as socket:
        socket.edit(1, seed_document())
        _, before = socket.frame()
        socket.ack(1)
        socket.edit(2, seed_document(attributes={"age": 200.0}))
        error = socket.message("error")
        assert (error["seq"], error["problem"]["code"]) == (2, "document_does_not_fit")
        assert "age must lie in" in error["problem"]["detail"]
        socket.edit(3, seed_document())
        assert socket.frame()[1] == before


def test_layer_rules_are_kept_for_the_generator(client: httpx.Client) -> None:
    own = client.get("/api/v1/models/tiny/layers").json()
    assert (own["stored"], own["num_ws"], own["layers"]["glasses"]) == (False, 8, [2, 3])

    def put(layers: Json) -> httpx.Response:
        return client.put("/api/v1/models/tiny/layers", json={"layers": layers})

    changed = put({"glasses": [3, 1, 3], "yaw": own["bundled"]["yaw"]}).json()
    assert changed == client.get("/api/v1/models/tiny/layers").json()
    assert changed["layers"] == own["layers"] | {"glasses": [1, 3]}
    assert (changed["stored"], changed["bundled"]) == (True, own["bundled"])
    for layers in ({"hat": [1]}, {"age": [8]}):
        assert put(layers).json()["code"] == "document_does_not_fit"
    assert put({}).json() == own


def test_a_session_remembers_a_whole_edit(client: httpx.Client, session: Json) -> None:
    edit = seed_document(
        attributes={"age": 40.0}, base_attributes={"yaw": 1.0}, locks=["beard"], calibrated=True,
        light=LEFT_LIGHT, layers={"age": [4]},
    )  # fmt: skip
    url = f"/api/v1/sessions/{session['id']}"
    assert keep(client, session["id"], edit).status_code == 200
    assert client.get(url).json()["document"] == edit

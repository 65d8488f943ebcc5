"""Maps of latents over the API: two axes that are directions, and where faces lie."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest

from tests.server.harness import Json, seed_document

MAP = "/api/v1/models/tiny/map"


@pytest.fixture
def latent_map(client: httpx.Client) -> Json:
    """The map of the first two axes."""
    answer = client.put(MAP, json={})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def places(client: httpx.Client, latent_map: Json, *documents: Json) -> list[list[float]]:
    axes = {name: {"direction": latent_map[name]["id"]} for name in ("across", "up")}
    answer = client.post(f"{MAP}/places", json=axes | {"documents": list(documents)})
    assert answer.status_code == 200, answer.text
    found: list[list[float]] = answer.json()["places"]
    return found


def moved(document: Json, latent_map: Json, across: float, up: float) -> Json:
    strengths = {"across": across, "up": up}
    moves = [
        {"direction": latent_map[name]["id"], "strength": strength, "layers": None}
        for name, strength in strengths.items()
    ]
    return document | {"directions": moves}


def average(**more: Any) -> Json:
    document = seed_document(1, **more)
    document["base"]["truncation_psi"] = 0.0
    return document


def test_the_axes_are_directions_that_are_kept_once(client: httpx.Client, latent_map: Json) -> None:
    again = client.put(MAP, json={"across": 1, "up": 2}).json()
    assert again == latent_map
    kept = client.get("/api/v1/models/tiny/directions").json()
    assert [row for row in kept if row["name"].startswith("Map axis")][:2] == [
        latent_map["across"],
        latent_map["up"],
    ]
    assert latent_map["across"]["explained"] >= latent_map["up"]["explained"]
    assert latent_map["count"] == 8


def test_a_place_is_so_many_deviations_from_the_average_face(client: httpx.Client, latent_map: Json) -> None:
    found = places(client, latent_map, average(), moved(average(), latent_map, 1.5, -0.5))
    np.testing.assert_allclose(np.array(found), np.array([[0, 0], [1.5, -0.5]]), atol=1e-3)


def test_moving_a_face_moves_its_place_by_as_much(client: httpx.Client, latent_map: Json) -> None:
    face = seed_document(3)
    before, after = places(client, latent_map, face, moved(face, latent_map, -2.0, 1.0))
    np.testing.assert_allclose(np.subtract(after, before), [-2.0, 1.0], atol=1e-3)


def test_faces_spread_over_the_map_by_a_deviation(client: httpx.Client, latent_map: Json) -> None:
    faces = [seed_document(seed) for seed in range(64)]
    for face in faces:
        face["base"]["truncation_psi"] = 1.0
    spread = np.std(places(client, latent_map, *faces), axis=0)
    assert np.all((spread > 0.7) & (spread < 1.4)), spread


def test_other_axes_make_another_map(client: httpx.Client, latent_map: Json) -> None:
    other = client.put(MAP, json={"across": 3, "up": 2}).json()
    assert other["up"] == latent_map["up"]
    assert other["across"]["id"] != latent_map["across"]["id"]


def test_what_no_map_can_show_is_refused(client: httpx.Client, latent_map: Json) -> None:
    axes = {name: {"direction": latent_map[name]["id"]} for name in ("across", "up")}
    foreign = axes | {"documents": [seed_document(model="other")]}
    assert client.post(f"{MAP}/places", json=foreign).json()["code"] == "document_does_not_fit"
    unknown = axes | {"up": {"direction": str(uuid4())}, "documents": [seed_document()]}
    assert client.post(f"{MAP}/places", json=unknown).json()["code"] == "unknown_direction"
    assert client.put(MAP, json={"across": 2, "up": 2}).json()["code"] == "invalid_request"
    assert client.put("/api/v1/models/other/map", json={}).json()["code"] == "unknown_model"

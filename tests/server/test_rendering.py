"""Pictures by request and answer."""

from __future__ import annotations

import io
from uuid import uuid4

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.server.harness import Json, seed_document

Pixels = NDArray[np.uint8]
CUT_OFF = seed_document()["base"] | {"truncation_cutoff": 9}


def pixels(client: httpx.Client, document: Json, resolution: int | None = None) -> Pixels:
    answer = client.post(
        "/api/v1/render", json={"document": document, "resolution": resolution, "format": "png"}
    )
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image)


def mixed_with(seed: int, layers: list[int], strength: float | list[float] = 1.0) -> list[Json]:
    return [{"source": seed_document(seed)["base"], "layers": layers, "strength": strength}]


def test_a_picture_comes_in_the_format_and_size_that_was_asked_for(client: httpx.Client) -> None:
    for format_ in ("png", "jpeg"):
        for resolution, side in ((None, 32), (8, 8)):
            body = {"document": seed_document(), "resolution": resolution, "format": format_}
            answer = client.post("/api/v1/render", json=body)
            assert answer.headers["content-type"] == f"image/{format_}"
            with Image.open(io.BytesIO(answer.content)) as image:
                assert (image.format, image.size) == (format_.upper(), (side, side))


def test_one_document_gives_one_picture(client: httpx.Client) -> None:
    document = seed_document(5, attributes={"age": 70.0}, noise={"seed": 1, "strength": 1.0})
    assert np.array_equal(pixels(client, document), pixels(client, document))


@pytest.mark.parametrize(
    "changes",
    [
        {"base": seed_document(2)["base"]},
        {"base": seed_document()["base"] | {"truncation_psi": 1.0}},
        {"base": seed_document()["base"] | {"truncation_cutoff": 2}},
        {"mix": mixed_with(2, [0, 1])},
        {"mix": mixed_with(2, [0, 1], 0.5)},
        {"attributes": {"age": 80.0}},
        {"noise": {"seed": 3, "strength": 1.0}},
        {"noise": {"seed": None, "strength": 0.0}},
        {"noise": {"layers": {"6": {"seed": 3}}}},
    ],
    ids=[
        "seed",
        "psi",
        "cutoff",
        "mix",
        "half a mix",
        "attribute",
        "noise seed",
        "noise strength",
        "noise of a layer",
    ],
)
def test_every_part_of_a_document_shows(client: httpx.Client, changes: Json) -> None:
    assert not np.array_equal(pixels(client, seed_document()), pixels(client, seed_document(**changes)))


def test_a_mix_of_all_layers_is_the_other_picture(client: httpx.Client) -> None:
    mixed = seed_document(1, mix=mixed_with(2, list(range(8))))
    assert np.array_equal(pixels(client, mixed), pixels(client, seed_document(2)))


def test_strengths_of_single_layers_are_those_of_as_many_mixes(client: httpx.Client) -> None:
    together = seed_document(mix=mixed_with(2, [1, 6], [0.5, 1.0]))
    one_by_one = seed_document(mix=[*mixed_with(2, [1], 0.5), *mixed_with(2, [6])])
    assert np.array_equal(pixels(client, together), pixels(client, one_by_one))


@pytest.mark.parametrize(("layers", "strength"), [([], 1.0), ([1, 2], 0.0), ([1, 2], [0.0, 0.0])])
def test_a_source_of_which_nothing_is_taken_changes_nothing(
    client: httpx.Client, layers: list[int], strength: float | list[float]
) -> None:
    kept_at_hand = seed_document(mix=mixed_with(2, layers, strength))
    assert np.array_equal(pixels(client, kept_at_hand), pixels(client, seed_document()))


def test_an_attribute_at_its_base_value_changes_nothing(client: httpx.Client) -> None:
    base = client.post("/api/v1/attributes", json={"document": seed_document()}).json()["base"]
    same = seed_document(attributes={"age": base["age"]})
    assert np.array_equal(pixels(client, same), pixels(client, seed_document()))


def test_attributes_are_read_before_and_after_the_edit(client: httpx.Client) -> None:
    plain = client.post("/api/v1/attributes", json={"document": seed_document()}).json()
    assert len(plain["base"]) == 17
    assert plain["base"] == plain["reached"]
    edited = client.post(
        "/api/v1/attributes", json={"document": seed_document(attributes={"age": 80.0})}
    ).json()
    assert edited["base"] == plain["base"]
    assert edited["reached"] != plain["reached"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"document": seed_document(), "resolution": 5}, "document_does_not_fit"),
        ({"document": seed_document(), "resolution": 64}, "document_does_not_fit"),
        ({"document": seed_document(), "resolution": 10**9}, "invalid_request"),
        ({"document": seed_document(), "format": "svg"}, "invalid_request"),
        ({"document": seed_document(mix=mixed_with(2, [8]))}, "document_does_not_fit"),
        ({"document": seed_document(noise={"frozen": [7]})}, "document_does_not_fit"),
        ({"document": seed_document(base=CUT_OFF)}, "document_does_not_fit"),
        ({"document": seed_document(model="other")}, "unknown_model"),
        (
            {"document": seed_document(base={"kind": "latent", "latent": str(uuid4())})},
            "unknown_latent",
        ),
    ],
    ids=["between levels", "too large", "absurd", "format", "layer", "noise", "cutoff", "model", "latent"],
)
def test_what_cannot_be_rendered_is_a_problem(client: httpx.Client, body: Json, code: str) -> None:
    answer = client.post("/api/v1/render", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)

"""Exports over the API: pictures that carry their recipe, latents, links; and all of them brought back."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load, save

from server.recipes.containers import recipe_in, with_recipe
from server.recipes.recipe import unpack
from tests.server.harness import Json, encoded, seed_document
from tests.server.task_client import finished

EDIT = {"attributes": {"age": 50.0}, "noise": {"seed": 3, "strength": 0.5, "layers": {}, "frozen": []}}


def export(client: httpx.Client, document: Json, **how: Any) -> bytes:
    answer = client.post("/api/v1/exports/picture", json={"document": document, **how})
    assert answer.status_code == 200, answer.text
    return answer.content


def pixels(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def picture_of(client: httpx.Client, document: Json) -> NDArray[np.uint8]:
    answer = client.post("/api/v1/render", json={"document": document, "format": "png"})
    assert answer.status_code == 200, answer.text
    return pixels(answer.content)


def bring(client: httpx.Client, session: Json, data: bytes, model: str = "tiny") -> httpx.Response:
    files = {"file": ("a file", data, "application/octet-stream")}
    return client.post(f"/api/v1/sessions/{session['id']}/imports", params={"model": model}, files=files)


def brought(client: httpx.Client, session: Json, data: bytes) -> Json:
    answer = bring(client, session, data)
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


def stored_latent(client: httpx.Client, session: Json, document: Json) -> Json:
    answer = client.post(f"/api/v1/sessions/{session['id']}/latents", json={"document": document})
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


def npz(w: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, w=w)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_an_exported_picture_brings_its_whole_edit_back(
    client: httpx.Client, session: Json, kind: str
) -> None:
    document = seed_document(7, **EDIT)
    restored = brought(client, session, export(client, document, format=kind))
    assert (restored["kind"], restored["notes"]) == ("recipe", [])
    np.testing.assert_array_equal(picture_of(client, restored["document"]), picture_of(client, document))


def test_a_png_is_the_very_picture_and_size_and_quality_are_as_asked(client: httpx.Client) -> None:
    document = seed_document(7, **EDIT)
    np.testing.assert_array_equal(pixels(export(client, document)), picture_of(client, document))
    assert pixels(export(client, document, size=50)).shape == (50, 50, 3)
    small, large = (len(export(client, document, format="jpeg", quality=q, recipe=False)) for q in (20, 95))
    assert small < large
    assert recipe_in(export(client, document, recipe=False)) is None


def test_a_recipe_says_which_program_and_weights_made_it(client: httpx.Client) -> None:
    recipe = unpack(recipe_in(export(client, seed_document(7))) or b"")
    assert recipe.program.startswith("Latent Loom ")
    assert len(recipe.weights.generator) == 64
    assert recipe.weights.flow


def test_a_latent_travels_inside_the_picture(client: httpx.Client, session: Json) -> None:
    stored = stored_latent(client, session, seed_document(7, **EDIT))
    document = {**seed_document(1, attributes={"age": 60.0}), "base": stored["document"]["base"]}
    data = export(client, document)
    other = client.post("/api/v1/sessions").json()  # as on another server: nothing of the first one is used
    restored = brought(client, other, data)["document"]
    assert restored["base"]["latent"] != document["base"]["latent"]
    np.testing.assert_array_equal(picture_of(client, restored), picture_of(client, document))
    again = brought(client, other, data)["document"]
    assert again == restored  # the same file brings no second copy


def test_a_direction_travels_inside_the_picture(client: httpx.Client, session: Json) -> None:
    asked = {"method": "sefa", "count": 1}
    task = finished(client, client.post("/api/v1/models/tiny/direction-searches", json=asked))
    found = {"task": task["id"], "candidate": 0, "name": "To travel", "minimum": -2.0, "maximum": 2.0}
    direction = client.post("/api/v1/models/tiny/directions", json=found).json()["id"]
    document = seed_document(7, directions=[{"direction": direction, "strength": 1.5, "layers": None}])
    before, data = picture_of(client, document), export(client, document)
    assert client.delete(f"/api/v1/directions/{direction}").status_code == 204
    restored = brought(client, session, data)["document"]
    np.testing.assert_array_equal(picture_of(client, restored), before)
    names = [each["name"] for each in client.get("/api/v1/models/tiny/directions").json()]
    assert names.count("To travel") == 1


def test_a_picture_of_an_unknown_model_is_refused_by_name_and_hash(
    client: httpx.Client, session: Json
) -> None:
    from dataclasses import replace

    from server.recipes.recipe import Weights, pack

    recipe = unpack(recipe_in(export(client, seed_document(7))) or b"")
    plain = export(client, seed_document(7), recipe=False)
    for name in ("elsewhere", "tiny"):
        document = recipe.document.model_copy(update={"model": name})
        other = replace(recipe, document=document, weights=Weights(generator="ab" * 32))
        answer = bring(client, session, with_recipe(plain, pack(other)))
        assert (answer.status_code, answer.json()["code"]) == (422, "made_with_another_model")
        assert name in answer.json()["detail"] and "abababababab" in answer.json()["detail"]
    # the same weights under another name will do
    document = recipe.document.model_copy(update={"model": "elsewhere"})
    renamed = brought(client, session, with_recipe(plain, pack(replace(recipe, document=document))))
    assert (renamed["document"]["model"], renamed["notes"]) == ("tiny", ["another_name"])


def test_a_picture_without_a_recipe_says_so(client: httpx.Client, session: Json, cat: bytes) -> None:
    assert bring(client, session, cat).json()["code"] == "no_recipe"


def test_the_npz_is_that_of_the_projector_and_becomes_a_base(client: httpx.Client, session: Json) -> None:
    document = seed_document(7, attributes={"age": 50.0})
    answers = {
        part: client.post("/api/v1/exports/latents", json={"document": document, "part": part}).content
        for part in ("edited", "base")
    }
    arrays = {part: np.load(io.BytesIO(data)) for part, data in answers.items()}
    assert arrays["edited"].files == ["w"]
    assert arrays["edited"]["w"].shape == (1, 8, 32) and arrays["edited"]["w"].dtype == np.float32
    assert not np.array_equal(arrays["edited"]["w"], arrays["base"]["w"])
    restored = brought(client, session, answers["edited"])
    assert (restored["kind"], restored["notes"]) == ("latent", ["model_not_named"])
    np.testing.assert_array_equal(picture_of(client, restored["document"]), picture_of(client, document))


def test_a_safetensors_latent_keeps_its_noise(client: httpx.Client, session: Json) -> None:
    document = seed_document(7, **EDIT)
    asked = {"document": document, "format": "safetensors"}
    data = client.post("/api/v1/exports/latents", json=asked).content
    assert load(data)["ws"].shape == (8, 32)
    restored = brought(client, session, data)
    assert restored["notes"] == []
    np.testing.assert_array_equal(picture_of(client, restored["document"]), picture_of(client, document))


@pytest.mark.parametrize("shape", [(8, 32), (1, 1, 32), (1, 32), (32,)])
def test_a_latent_of_one_row_is_taken_for_all_layers(
    client: httpx.Client, session: Json, shape: tuple[int, ...]
) -> None:
    for data in (npz(np.full(shape, 0.1)), save({"w": np.full(shape, 0.1, np.float16)})):
        assert brought(client, session, data)["document"]["base"]["kind"] == "latent"


def test_a_link_is_checked_as_any_document(client: httpx.Client, session: Json) -> None:
    def opened(**link: Any) -> httpx.Response:
        return client.post("/api/v1/exports/link", json=link)

    document = seed_document(7, attributes={"age": 50.0})
    checked = opened(document=document).json()
    assert checked["document"] == document and checked["portable"]
    assert (
        opened(document={**document, "model": "elsewhere"}, generator=checked["generator"]).json()["document"]
        == document
    )
    assert opened(document=document, generator="ab" * 32).json()["code"] == "made_with_another_model"
    strange = {"kind": "latent", "latent": str(uuid4()), "truncation_psi": 1.0}
    assert opened(document=seed_document(base=strange)).json()["code"] == "unknown_latent"
    assert opened(document={**document, "attributes": {"charm": 1.0}}).status_code == 422
    own = stored_latent(client, session, document)["document"]
    assert not opened(document=own).json()["portable"]


def test_a_photo_of_ours_is_still_a_photo(client: httpx.Client, session: Json) -> None:
    plain = encoded(Image.new("RGB", (80, 80), "grey"), "PNG")
    assert bring(client, session, plain).json()["code"] == "no_recipe"

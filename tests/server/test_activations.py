"""Looking into a network over HTTP: sheets of activations, and what the noise of a layer does."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from models.bundle import load_bundle
from models.stylegan2.feature_maps import feature_maps
from models.stylegan2.feature_pictures import pictures_of, scale_of, spectra
from tests.server.harness import Json, seed_document

Pixels = NDArray[np.uint8]
LAYERS, CHANNELS = 7, 16


def looked_at(
    client: httpx.Client, layer: int, document: Json | None = None, **asked: Any
) -> tuple[Pixels, Json]:
    body = {"document": document or seed_document(), "layer": layer} | asked
    answer = client.post("/api/v1/activations", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return pixels(answer), json.loads(answer.headers["x-activations"])


def pixels(answer: httpx.Response) -> Pixels:
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def maps(checkpoints: Path) -> torch.Tensor:
    """Of layer 3, 16x16, of the document that is looked at."""
    generator = load_bundle(checkpoints / "tiny").generator
    z = torch.from_numpy(np.random.RandomState(1).randn(1, generator.z_dim)).float()
    with torch.no_grad():
        return feature_maps(generator.synthesis, generator.mapping(z, None, 0.7, None), 3)[0]


def test_every_layer_says_its_size_and_how_many_channels_it_has(client: httpx.Client) -> None:
    said = [looked_at(client, layer, count=1)[1] for layer in range(LAYERS)]
    assert [each["resolution"] for each in said] == [4, 8, 8, 16, 16, 32, 32]
    assert {each["total"] for each in said} == {CHANNELS}


def test_a_sheet_holds_the_numbers_of_the_layer(client: httpx.Client, maps: torch.Tensor) -> None:
    sheet, said = looked_at(client, 3, count=4, first=2, side=64)
    assert (sheet.shape, said["columns"], said["channels"]) == ((64, 64, 3), 2, [2, 3, 4, 5])
    chosen = torch.tensor(said["channels"])
    pictures = pictures_of(maps[chosen], scale_of(maps, chosen, "channel", "range", 1.0))
    second = sheet[:32:2, 32::2].astype(int)  # every pixel of a map is a square of two by two
    np.testing.assert_allclose(second, pictures[1], atol=1)
    np.testing.assert_allclose(said["low"], maps[chosen].amin(dim=(1, 2)), rtol=1e-3)


def test_channels_can_come_by_strength_and_on_one_scale(client: httpx.Client, maps: torch.Tensor) -> None:
    _, said = looked_at(client, 3, order="strength", scope="layer", spread="deviations", deviations=2.0)
    strengths = maps.square().mean(dim=(1, 2))[said["channels"]]
    assert len(said["channels"]) == CHANNELS and bool((strengths.diff() <= 1e-6).all())
    assert len(set(said["low"])) == 1
    assert said["low"][0] == pytest.approx(float(maps.mean() - 2 * maps.std(correction=0)), rel=1e-2)


def test_spectra_are_those_of_the_maps(client: httpx.Client, maps: torch.Tensor) -> None:
    sheet, said = looked_at(client, 3, count=1, shown="spectra", side=64)
    expected = spectra(maps[:1])
    picture = pictures_of(expected, scale_of(expected, torch.tensor([0]), "channel", "range", 1.0))[0]
    np.testing.assert_allclose(sheet[::4, ::4].astype(int), picture, atol=2)
    assert said["high"][0] == pytest.approx(float(expected.max()), rel=1e-2)


def test_a_map_larger_than_its_tile_is_made_smaller(client: httpx.Client) -> None:
    sheet, said = looked_at(client, 6, count=16, side=64)
    assert (sheet.shape, said["resolution"]) == ((64, 64, 3), 32)


def test_what_is_seen_is_of_the_document_on_the_page(client: httpx.Client) -> None:
    plain, _ = looked_at(client, 5)
    noisy = seed_document(noise={"layers": {"5": {"seed": 3}}})
    assert not np.array_equal(plain, looked_at(client, 5, noisy)[0])
    assert np.array_equal(looked_at(client, 4)[0], looked_at(client, 4, noisy)[0])  # below that layer
    mixed = seed_document(mix=[{"source": seed_document(2)["base"], "layers": [5], "strength": [0.5]}])
    assert not np.array_equal(plain, looked_at(client, 5, mixed)[0])


@pytest.mark.parametrize("layer", [0, 6])
def test_the_noise_of_a_layer_acts_somewhere(client: httpx.Client, layer: int) -> None:
    answer = client.post("/api/v1/noise-effect", json={"document": seed_document(), "layer": layer})
    assert json.loads(answer.headers["x-noise-effect"])["largest"] > 0
    seen = pixels(answer)
    assert seen.shape == (32, 32, 3) and seen.max() == 255 and seen.min() < 64


def test_silent_noise_acts_nowhere(client: httpx.Client) -> None:
    document = seed_document(noise={"layers": {"6": {"seed": None, "strength": 0.0}}})
    answer = client.post("/api/v1/noise-effect", json={"document": document, "layer": 6})
    assert json.loads(answer.headers["x-noise-effect"])["largest"] == 0
    assert pixels(answer).max() == 0


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("activations", {"layer": LAYERS}, "document_does_not_fit"),
        ("activations", {"layer": 0, "first": CHANNELS}, "document_does_not_fit"),
        ("activations", {"layer": 0, "count": 65}, "invalid_request"),
        ("activations", {"layer": 0, "side": 4096}, "invalid_request"),
        ("activations", {"layer": 0, "spread": "logarithm"}, "invalid_request"),
        ("noise-effect", {"layer": LAYERS}, "document_does_not_fit"),
    ],
)
def test_what_is_not_there_cannot_be_looked_at(
    client: httpx.Client, path: str, asked: Json, code: str
) -> None:
    answer = client.post(f"/api/v1/{path}", json={"document": seed_document()} | asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code)

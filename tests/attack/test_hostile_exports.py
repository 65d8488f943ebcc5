"""Attack 46, exports without end; and recipes and latents that somebody made up."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from safetensors.numpy import save

from server.documents import Document
from server.recipes.containers import recipe_in, with_recipe
from server.recipes.recipe import DirectionPart, Recipe, pack, unpack
from tests.server.harness import Json, RunningServer, seed_document

LATENT = UUID("0195d0a0-0000-7000-8000-000000000001")
ON_LATENT = {"kind": "latent", "latent": str(LATENT), "truncation_psi": 1.0}
Refused = Callable[..., None]


def picture(client: httpx.Client) -> bytes:
    body = {"document": seed_document(7)}
    return client.post("/api/v1/exports/picture", json=body).content


@pytest.fixture
def bring(client: httpx.Client, session: Json, server: RunningServer) -> Refused:
    """Bring a file that must be refused with one of the codes; nothing of it may stay."""
    blobs = server.app.state.services.blobs.folder

    def send(data: bytes, *codes: str) -> None:
        before = {path for path in blobs.rglob("*") if path.is_file()}
        files = {"file": ("x", data)}
        answer = client.post(
            f"/api/v1/sessions/{session['id']}/imports", params={"model": "tiny"}, files=files
        )
        assert answer.status_code in (413, 422), answer.text
        assert answer.json()["code"] in codes, answer.text
        assert {path for path in blobs.rglob("*") if path.is_file()} == before

    return send


@pytest.fixture
def carrying(client: httpx.Client) -> Callable[[Recipe], bytes]:
    """A picture with a recipe in it."""
    plain = client.post(
        "/api/v1/exports/picture", json={"document": seed_document(7), "recipe": False}
    ).content
    return lambda recipe: with_recipe(plain, pack(recipe))


@pytest.fixture
def recipe(client: httpx.Client) -> Recipe:
    """A sound one, of a seed."""
    return unpack(recipe_in(picture(client)) or b"")


def latent_file(ws: np.ndarray[Any, Any], generator: str, **more: np.ndarray[Any, Any]) -> bytes:
    metadata = {"format": "latentloom-latent", "version": "1", "generator": generator}
    return save({"ws": ws, **more}, metadata)


def npz(header: str, data: bytes, **how: Any) -> bytes:
    """An .npz whose array says of itself whatever it likes."""
    text = header.encode().ljust(118) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **how) as archive:
        archive.writestr("w.npy", array)
    return file.getvalue()


def test_case_46_a_film_or_an_archive_without_end_is_refused(client: httpx.Client, session: Json) -> None:
    path = f"/api/v1/sessions/{session['id']}"
    key = {"document": seed_document(1), "seconds": 60.0}
    film = {"motion": {"kind": "walk", "walk": {"keys": [key] * 32}}, "frames_per_second": 60}
    for file_format in ("mp4", "webm", "gif", "webp"):
        refused = client.post(f"{path}/films", json={**film, "format": file_format})
        assert (refused.status_code, refused.json()["code"]) == (422, "film_too_long")
    more = {"motion": {"kind": "walk", "walk": {"keys": [key] * 33}}}
    assert client.post(f"{path}/films", json=more).status_code == 422
    items = [str(uuid4()) for _ in range(101)]
    assert client.post(f"{path}/gallery/archive", json={"items": items}).status_code == 422
    huge = {"document": seed_document(1), "size": 10**5}
    assert client.post("/api/v1/exports/picture", json=huge).status_code == 422


def test_case_46_films_wait_for_each_other_and_few_of_them(client: httpx.Client, session: Json) -> None:
    keys = [{"document": seed_document(seed), "seconds": 60.0} for seed in (1, 2)]
    film = {"motion": {"kind": "walk", "walk": {"keys": keys}}, "size": 16, "format": "webp"}
    tasks = []
    for _ in range(8):
        answer = client.post(f"/api/v1/sessions/{session['id']}/films", json=film)
        tasks.append(answer)
    assert [answer.status_code for answer in tasks].count(202) == 5  # one runs, four wait
    assert {a.json()["code"] for a in tasks if a.status_code != 202} == {"too_many_tasks"}
    for answer in tasks:
        if answer.status_code == 202:
            client.post(f"/api/v1/tasks/{answer.json()['id']}/cancel")


def test_a_recipe_is_data_of_our_schema_or_nothing(bring: Refused, client: httpx.Client) -> None:
    plain = client.post(
        "/api/v1/exports/picture", json={"document": seed_document(7), "recipe": False}
    ).content
    deep = b"[" * 100_000
    for packed in (b"", b"\0" * 64, zlib.compress(deep), zlib.compress(bytes(64 * 2**20))):
        bring(with_recipe(plain, packed), "bad_recipe")
    body = json.loads(zlib.decompress(recipe_in(picture(client)) or b""))
    for path, value in (
        ("model", "../../etc"),
        ("noise", {"seed": 1e99, "strength": 1}),
        ("attributes", {"age": "import os"}),
        ("__class__", {}),
    ):
        hostile = json.loads(json.dumps(body))
        hostile["recipe"]["document"][path] = value
        bring(with_recipe(plain, zlib.compress(json.dumps(hostile).encode())), "bad_recipe")


def test_a_recipe_may_name_only_what_it_brings(
    bring: Refused, recipe: Recipe, carrying: Callable[[Recipe], bytes]
) -> None:
    document = Document.model_validate(seed_document(7, base=ON_LATENT))
    bring(carrying(replace(recipe, document=document)), "bad_recipe")


@pytest.mark.parametrize(
    "hostile",
    [
        lambda _: b"",
        lambda _: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        lambda _: struct.pack("<Q", 2**62) + b"{}",
        lambda sha: latent_file(np.zeros((9, 32), np.float32), sha),
        lambda sha: latent_file(np.zeros((8, 33), np.float32), sha),
        lambda sha: latent_file(np.full((8, 32), np.nan, np.float32), sha),
        lambda sha: latent_file(np.full((8, 32), 1e30, np.float32), sha),
        lambda sha: latent_file(np.zeros((8, 32), np.float64), sha),
        lambda sha: latent_file(
            np.zeros((8, 32), np.float32), sha, **{"noise.0": np.zeros((4, 4), np.float32)}
        ),
        lambda sha: latent_file(np.zeros((8, 32), np.float32), sha, more=np.zeros(1, np.float32)),
        lambda sha: latent_file(
            np.zeros((8, 32), np.float32), sha, **{"tuning.b8.conv0.weight.up": np.zeros((2, 2), np.float32)}
        ),
    ],
    ids=[
        "empty",
        "pickle",
        "lying header",
        "rows",
        "width",
        "nan",
        "huge",
        "double",
        "noise",
        "more",
        "tuning",
    ],
)
def test_a_latent_in_a_recipe_is_checked_before_it_is_kept(
    bring: Refused,
    recipe: Recipe,
    carrying: Callable[[Recipe], bytes],
    hostile: Callable[[str], bytes],
) -> None:
    document = Document.model_validate(seed_document(7, base=ON_LATENT))
    data = hostile(recipe.weights.generator)
    bring(carrying(replace(recipe, document=document, latents={LATENT: data})), "bad_latent")
    bring(data, "bad_latent")


def test_a_latent_of_another_model_is_refused_by_its_name(
    bring: Refused, recipe: Recipe, carrying: Callable[[Recipe], bytes]
) -> None:
    data = latent_file(np.zeros((8, 32), np.float32), "ab" * 32)
    bring(data, "made_with_another_model")
    document = Document.model_validate(seed_document(7, base=ON_LATENT))
    bring(carrying(replace(recipe, document=document, latents={LATENT: data})), "made_with_another_model")


def test_a_direction_in_a_recipe_is_checked_before_it_is_kept(
    bring: Refused, recipe: Recipe, carrying: Callable[[Recipe], bytes]
) -> None:
    moves = [{"direction": str(LATENT), "strength": 1.0, "layers": None}]
    document = Document.model_validate(seed_document(7, directions=moves))
    for file in (b"", b"\x93NUMPY", latent_file(np.zeros((8, 32), np.float32), "ab" * 32)):
        part = DirectionPart("x", -3.0, 3.0, file)
        bring(carrying(replace(recipe, document=document, directions={LATENT: part})), "bad_direction")


@pytest.mark.parametrize(
    "data",
    [
        npz("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04N."),
        npz("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000)}", b"\0" * 64),
        npz("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 8, 32)}", b"\0" * 64),
        npz("{'descr': '<i4', 'fortran_order': False, 'shape': (8, 32)}", b"\0" * 1024),
        npz("__import__('os').system('true')", b""),
        npz("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", bytes(32 * 2**20), compression=8),
        npz("{'descr': '<f4', 'fortran_order': False, 'shape': (8, 32)}", bytes(1024))[:-30],
        b"PK\x03\x04" + b"\xff" * 200,
    ],
    ids=["objects", "endless", "cut", "integers", "code", "bomb", "no end", "noise"],
)
def test_an_npz_is_read_as_numbers_or_not_at_all(bring: Refused, data: bytes) -> None:
    bring(data, "bad_latent")

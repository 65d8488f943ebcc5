"""Recipes in pictures: what goes in comes out, viewers see the same picture, and nothing else is believed."""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from server.documents import Document
from server.problems import Problem
from server.recipes.containers import recipe_in, with_recipe
from server.recipes.recipe import MAX_UNPACKED_BYTES, DirectionPart, Recipe, Weights, pack, unpack
from tests.server.harness import seed_document

LATENT, DIRECTION = (UUID(f"0195d0a0-0000-7000-8000-00000000000{digit}") for digit in (1, 2))
FORMATS = pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])


def picture(kind: str) -> bytes:
    pixels = np.random.RandomState(0).randint(0, 255, (32, 48, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def pixels_of(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def recipe(latent: bytes = b"\0\1\2") -> Recipe:
    base = {"kind": "latent", "latent": str(LATENT), "truncation_psi": 1.0, "truncation_cutoff": None}
    moves = [{"direction": str(DIRECTION), "strength": 1.5, "layers": None}]
    return Recipe(
        program="Latent Loom 1",
        weights=Weights(generator="ab" * 32),
        document=Document.model_validate(
            seed_document(base=base, directions=moves, attributes={"age": 50.0})
        ),
        latents={LATENT: latent},
        directions={DIRECTION: DirectionPart("Smile", -3.0, 3.0, b"file")},
    )


def test_what_is_packed_is_what_is_unpacked() -> None:
    assert unpack(pack(recipe())) == recipe()
    assert pack(recipe()) == pack(unpack(pack(recipe())))


@FORMATS
@pytest.mark.parametrize("size", [0, 1, 2, 70_000, 200_001])
def test_a_picture_keeps_its_pixels_and_gives_its_recipe_back(kind: str, size: int) -> None:
    content = np.random.RandomState(size).bytes(size)
    plain = picture(kind)
    carrying = with_recipe(plain, content)
    assert recipe_in(carrying) == content
    np.testing.assert_array_equal(pixels_of(carrying), pixels_of(plain))


@FORMATS
def test_a_picture_without_a_recipe_has_none(kind: str) -> None:
    assert recipe_in(picture(kind)) is None


@FORMATS
def test_a_second_recipe_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="already"):
        with_recipe(with_recipe(picture(kind), b"one"), b"two")


@FORMATS
def test_a_file_that_is_cut_off_anywhere_is_no_accident(kind: str) -> None:
    whole = with_recipe(picture(kind), np.random.RandomState(1).bytes(70_000))
    for length in range(0, len(whole), 997):
        assert recipe_in(whole[:length]) in (None, recipe_in(whole))


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, b"\xff\xd8\xff\xeb\0\0", b"RIFF"]
)
def test_anything_else_has_no_recipe(data: bytes) -> None:
    assert recipe_in(data) is None


def envelope(**changes: object) -> bytes:
    body = json.loads(zlib.decompress(pack(recipe())))
    return zlib.compress(json.dumps(body | changes).encode())


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"not compressed",
        pack(recipe())[:-5],
        zlib.compress(b"[]"),
        zlib.compress(b'{"format": "latentloom-recipe", "version": 1, "recipe": {"document": NaN}}'),
        envelope(recipe={"generator": "x", "document": {}}),
        envelope(more="than there is"),
        envelope(version=2),
        pack(replace(recipe(), latents={})),
        pack(replace(recipe(), directions={})),
        pack(replace(recipe(), latents={LATENT: b"", DIRECTION: b""})),
        zlib.compress(b" " * (MAX_UNPACKED_BYTES + 1)),
    ],
    ids=[
        "empty",
        "text",
        "cut off",
        "list",
        "nan",
        "wrong",
        "more",
        "later",
        "no latent",
        "no direction",
        "one too many",
        "bomb",
    ],
)
def test_a_recipe_that_is_not_one_is_refused_in_a_sentence(packed: bytes) -> None:
    with pytest.raises(Problem) as refused:
        unpack(packed)
    assert refused.value.code == "bad_recipe"


def test_an_edit_that_is_too_large_for_a_picture_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        pack(recipe(np.random.RandomState(0).bytes(MAX_UNPACKED_BYTES // 2)))
    assert refused.value.code == "recipe_too_large"

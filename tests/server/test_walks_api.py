"""Walks over the API: kept with the session, and a picture at any moment."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from server.walks import Walk
from tests.server.engine_runs import running
from tests.server.harness import Json, seed_document, write_tiny_bundle

Pixels = NDArray[np.int16]
NOISE = {"seed": 5, "strength": 1.0}


def walk_of(*documents: Json, **more: Any) -> Json:
    keys = [{"document": document, "seconds": 1.0} for document in documents]
    return {"keys": keys, "path": "smooth", "easing": "even", "closed": False} | more


def seeds(*numbers: int) -> list[Json]:
    return [seed_document(number) for number in numbers]


def picture(client: httpx.Client, walk: Json, at: float) -> Pixels:
    answer = client.post("/api/v1/walks/picture", json={"walk": walk, "at": at})
    assert answer.status_code == 200, answer.text
    return pixels(answer.content)


def still(client: httpx.Client, document: Json) -> Pixels:
    return pixels(client.post("/api/v1/render", json={"document": document}).content)


def pixels(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(np.int16)


def refusal(client: httpx.Client, walk: Json) -> str:
    code: str = client.post("/api/v1/walks/picture", json={"walk": walk, "at": 0}).json()["code"]
    return code


def nearest(shown: Pixels, faces: list[Pixels]) -> int:
    """Which of the faces a picture is: a JPEG is never the same to the last bit."""
    return int(np.argmin([np.abs(shown - face).mean() for face in faces]))


@pytest.mark.parametrize("path", ["straight", "smooth"])
@pytest.mark.parametrize("easing", ["even", "gentle"])
def test_a_walk_is_at_each_face_at_its_time(client: httpx.Client, path: str, easing: str) -> None:
    documents = [seed_document(1), seed_document(2, noise=NOISE), seed_document(3)]
    faces = [still(client, document) for document in documents]
    walk = walk_of(*documents, path=path, easing=easing)
    assert [nearest(picture(client, walk, at), faces) for at in (0.0, 1.0, 2.0, 9.0)] == [0, 1, 2, 2]
    between = picture(client, walk, 0.5)
    assert all(np.abs(between - face).mean() > 1 for face in faces)


def test_a_closed_walk_comes_back_to_its_first_face(client: httpx.Client) -> None:
    faces = [still(client, document) for document in seeds(1, 2)]
    walk = walk_of(*seeds(1, 2), closed=True)
    assert [nearest(picture(client, walk, at), faces) for at in (0.0, 1.0, 2.0)] == [0, 1, 0]


def test_a_gentle_walk_is_slow_where_it_begins(client: httpx.Client) -> None:
    even, gentle = (walk_of(*seeds(1, 2), path="straight", easing=easing) for easing in ("even", "gentle"))
    first = picture(client, even, 0.0)
    moved = [np.abs(picture(client, walk, 0.2) - first).mean() for walk in (even, gentle)]
    assert moved[1] < 0.8 * moved[0]


def test_noise_that_differs_fades_from_one_face_to_the_next(client: httpx.Client) -> None:
    walk = walk_of(seed_document(1), seed_document(1, noise=NOISE), path="straight")
    first, middle, last = (picture(client, walk, at) for at in (0.0, 0.5, 1.0))
    whole = np.abs(last - first).mean()
    assert 0 < np.abs(middle - first).mean() < whole
    assert 0 < np.abs(middle - last).mean() < whole


@pytest.mark.parametrize("documents", [[], seeds(1)])
def test_a_walk_of_fewer_than_two_faces_has_no_picture(client: httpx.Client, documents: list[Json]) -> None:
    assert refusal(client, walk_of(*documents)) == "walk_needs_faces"


def test_what_no_walk_can_be_is_refused(client: httpx.Client) -> None:
    other = seed_document(2, model="other")
    assert refusal(client, walk_of(seed_document(1), other)) == "invalid_request"
    assert refusal(client, walk_of(*seeds(*range(33)))) == "invalid_request"
    assert refusal(client, walk_of(other, other)) == "unknown_model"
    unfitting = seed_document(1, directions=[{"direction": str(uuid4()), "strength": 1.0, "layers": None}])
    assert refusal(client, walk_of(unfitting, unfitting)) == "unknown_direction"


def test_a_session_keeps_its_walk_even_unfinished(client: httpx.Client, session: Json) -> None:
    url = f"/api/v1/sessions/{session['id']}/walk"
    assert client.get(url).json()["keys"] == []
    for walk in (walk_of(*seeds(4)), walk_of(*seeds(5, 6), closed=True, easing="gentle")):
        kept = client.put(url, json=walk).json()
        assert client.get(url).json() == kept
        assert Walk.model_validate(kept) == Walk.model_validate(walk)
    assert client.get(f"/api/v1/sessions/{uuid4()}/walk").json()["code"] == "unknown_session"
    assert client.put(f"/api/v1/sessions/{uuid4()}/walk", json=walk).json()["code"] == "unknown_session"


def test_all_frames_of_a_film_are_the_pictures_of_the_walk(tmp_path: Any) -> None:
    folder = tmp_path / "checkpoints"
    write_tiny_bundle(folder / "tiny", tmp_path / "parts")
    walk = Walk.model_validate(walk_of(*seeds(1, 2)))

    async def scenario(engine: Any) -> tuple[list[Pixels], Pixels]:
        frames = [frame.astype(np.int16) async for frame in engine.walks.frames(walk, 4.0)]
        return frames, pixels(await engine.walks.picture(walk, 0.5, None))

    frames, middle = running(folder, scenario)
    assert len(frames) == 5 and frames[0].shape == (32, 32, 3)
    assert nearest(middle, frames) == 2

"""Directions over the API: searched for, looked at, kept, used, exported, brought, taken away."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.server.harness import WIDTH, Json, seed_document
from tests.server.task_client import finished

Pixels = NDArray[np.uint8]
SEARCHES = "/api/v1/models/tiny/direction-searches"
DIRECTIONS = "/api/v1/models/tiny/directions"


def search(client: httpx.Client, **body: Any) -> Json:
    return finished(client, client.post(SEARCHES, json=body))


@pytest.fixture
def kept(client: httpx.Client) -> Iterator[Json]:
    """A stored direction on layers 2 and 3."""
    task = search(client, method="sefa", layers=[2, 3], count=2)
    body = {"task": task["id"], "candidate": 1, "name": "kept", "minimum": -5.0, "maximum": 4.0}
    answer = client.post(DIRECTIONS, json=body)
    assert answer.status_code == 201, answer.text
    direction: Json = answer.json()
    yield direction
    client.delete(f"/api/v1/directions/{direction['id']}")


def move(direction: Json, strength: float, **more: Any) -> Json:
    return {"direction": direction["id"], "strength": strength} | more


def pixels(client: httpx.Client, *moves: Json) -> Pixels:
    body = {"document": seed_document(directions=list(moves)), "format": "png"}
    answer = client.post("/api/v1/render", json=body)
    assert answer.status_code == 200, answer.text
    return picture(answer.content)


def picture(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def bring(client: httpx.Client, data: bytes, **fields: str) -> httpx.Response:
    form = {"name": "brought"} | fields
    return client.post(f"{DIRECTIONS}/import", files={"file": ("boundary.npy", data)}, data=form)


def npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def normal(seed: int = 0) -> NDArray[np.float32]:
    return np.random.RandomState(seed).randn(1, WIDTH).astype(np.float32)


@pytest.mark.parametrize("method", ["sefa", "ganspace", "ganspace_features"])
def test_a_search_gives_candidates_in_order_of_what_they_explain(client: httpx.Client, method: str) -> None:
    task = search(client, method=method, count=3, layers=[2, 3])
    assert (task["state"], task["step"] == task["total"], task["error"]) == ("succeeded", True, None)
    explained = [candidate["explained"] for candidate in task["candidates"]]
    assert explained == sorted(explained, reverse=True)
    assert [(c["index"], c["layers"]) for c in task["candidates"]] == [(i, [2, 3]) for i in range(3)]


def test_a_strip_is_one_row_of_the_documents_picture_moved(client: httpx.Client, kept: Json) -> None:
    url = f"/api/v1/directions/{kept['id']}/strip"
    body = {"document": seed_document(), "strengths": [0, 4, 0]}
    answer = client.post(url, json=body)
    assert (answer.headers["content-type"], answer.headers["x-pictures"]) == ("image/jpeg", "3")
    strip = picture(answer.content)
    assert strip.shape == (32, 96, 3)
    left, moved, right = np.split(strip, 3, axis=1)
    assert np.array_equal(left[:, 4:-4], right[:, 4:-4])  # JPEG blends colours across the seams
    grey = [part.mean(axis=2).ravel() for part in (moved, pixels(client, move(kept, 4.0)), pixels(client))]
    likeness = np.corrcoef(grey)[0]
    assert likeness[1] > 0.9 > likeness[2]
    assert client.post(url, json=body | {"layers": [8]}).json()["code"] == "document_does_not_fit"


def test_a_candidate_has_a_strip_before_it_is_kept(client: httpx.Client, kept: Json) -> None:
    task = search(client, method="sefa", layers=[2, 3], count=2)
    body = {"document": seed_document(), "strengths": [-3, 0, 3]}
    url = f"/api/v1/tasks/{task['id']}/candidates/1/strip"
    assert (
        client.post(url, json=body).content
        == client.post(f"/api/v1/directions/{kept['id']}/strip", json=body).content
    )
    answer = client.post(url.replace("/1/", "/2/"), json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_candidate")


def test_a_kept_direction_is_listed_and_moves_pictures(client: httpx.Client, kept: Json) -> None:
    assert (kept["name"], kept["layers"], kept["minimum"], kept["maximum"]) == ("kept", [2, 3], -5.0, 4.0)
    assert kept in client.get(DIRECTIONS).json()
    assert np.array_equal(pixels(client, move(kept, 0.0)), pixels(client))
    assert not np.array_equal(pixels(client, move(kept, 3.0)), pixels(client))
    assert np.array_equal(pixels(client, move(kept, 1.0), move(kept, 2.0)), pixels(client, move(kept, 3.0)))
    assert not np.array_equal(pixels(client, move(kept, 3.0, layers=[0])), pixels(client, move(kept, 3.0)))


def test_the_order_of_directions_does_not_show(client: httpx.Client, kept: Json) -> None:
    other = bring(client, npy(normal()), space="W").json()
    one, two = move(kept, 2.0), move(other, -1.5)
    assert np.array_equal(pixels(client, one, two), pixels(client, two, one))
    client.delete(f"/api/v1/directions/{other['id']}")


def test_a_lock_holds_against_a_direction(client: httpx.Client, kept: Json) -> None:
    def moved(**changes: Any) -> dict[str, float]:
        edit = seed_document(directions=[move(kept, 4.0)], **changes)
        values: dict[str, float] = client.post("/api/v1/attributes", json={"document": edit}).json()["moved"]
        return values

    plain = moved()
    worst = max(plain, key=lambda name: abs(plain[name]))
    assert abs(moved(locks=[worst])[worst]) < abs(plain[worst])


def test_a_direction_takes_another_name_but_not_a_taken_one(client: httpx.Client, kept: Json) -> None:
    url = f"/api/v1/directions/{kept['id']}"
    renamed = client.patch(url, json={"name": "smile", "maximum": 2.0}).json()
    assert renamed == kept | {"name": "smile", "maximum": 2.0}
    other = bring(client, npy(normal()), space="W", name="kept").json()
    taken = client.patch(url, json={"name": "kept"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    assert bring(client, npy(normal(1)), space="W", name="smile").json()["code"] == "name_taken"
    assert client.patch(url, json={"minimum": 2.0}).json()["code"] == "bad_direction"
    for change in ({"layers": [1]}, {"name": ""}, {"name": "a\u202eb"}, {"name": "x" * 81}):
        assert client.patch(url, json=change).json()["code"] == "invalid_request"
    client.delete(f"/api/v1/directions/{other['id']}")


def test_an_exported_direction_comes_back_as_it_was(client: httpx.Client, kept: Json) -> None:
    file = client.get(kept["file_url"])
    assert "attachment" in file.headers["content-disposition"]
    back = bring(client, file.content, name="back").json()
    assert {**back, "id": kept["id"], "name": "kept"} == kept | {
        "created_at": back["created_at"], "file_url": back["file_url"], "minimum": -3.0, "maximum": 3.0,
    }  # fmt: skip
    assert np.array_equal(pixels(client, move(back, 2.0)), pixels(client, move(kept, 2.0)))
    client.delete(f"/api/v1/directions/{back['id']}")


def test_a_deleted_direction_is_gone_from_remembered_pictures_too(client: httpx.Client, kept: Json) -> None:
    pixels(client, move(kept, 1.0))
    url = f"/api/v1/directions/{kept['id']}"
    assert client.delete(url).status_code == 204
    body = {"document": seed_document(directions=[move(kept, 1.0)])}
    for answer in (
        client.post("/api/v1/render", json=body),
        client.get(kept["file_url"]),
        client.delete(url),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_direction")


@pytest.mark.parametrize("space", ["W", "Z"])
def test_a_boundary_is_taken_with_its_space(client: httpx.Client, space: str) -> None:
    answer = bring(client, npy(normal()), space=space, layers="2-4, 6")
    assert answer.status_code == 201, answer.text
    brought = answer.json()
    assert brought["layers"] == [2, 3, 4, 6]
    assert not np.array_equal(pixels(client, move(brought, 3.0)), pixels(client))
    client.delete(f"/api/v1/directions/{brought['id']}")


def huge_header() -> bytes:
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1, " * 20_000 + b"32), }"
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + normal().tobytes()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (npy(np.array([{"a": 1}], object)), "object"),
        (huge_header(), "damaged"),
        (npy(normal()).replace(b"(1, 32)", b"(9, 32)"), "incomplete"),
        (npy(normal())[:-1], "incomplete"),
        (npy(normal())[:20], "damaged"),
        (npy(np.zeros((1, 33), np.float32)), "1x33"),
        (npy(np.full((1, WIDTH), np.nan, np.float32)), "not finite"),
        (npy(np.zeros((1, WIDTH), np.float32)), "no direction"),
        (b"\x93NUMPY" + bytes(2**20), "larger"),
        (b"import os", "neither"),
        (b"", "neither"),
        (bytes(8) + b"{", "safetensors"),
    ],
    ids=[
        "objects", "huge header", "wrong shape", "cut off", "half a header", "other width", "not a number",
        "zero", "too large", "a script", "empty", "not safetensors",
    ],
)  # fmt: skip
def test_a_file_that_is_no_direction_is_refused(client: httpx.Client, data: bytes, said: str) -> None:
    answer = bring(client, data, space="W")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_direction")
    assert said in answer.json()["detail"]


def test_a_boundary_without_its_space_or_on_layers_that_are_none_is_refused(client: httpx.Client) -> None:
    assert "in W or in Z" in bring(client, npy(normal())).json()["detail"]
    for layers in ("7-2", "a", "1;2", "8"):
        assert bring(client, npy(normal()), space="W", layers=layers).json()["code"] == "bad_direction"
    assert bring(client, npy(normal()), space="V").json()["code"] == "invalid_request"


def test_a_search_that_cannot_be_ends_with_its_reason(client: httpx.Client) -> None:
    task = search(client, method="sefa", layers=[8])
    assert (task["state"], task["error"]["code"], task["candidates"]) == ("failed", "bad_direction", None)
    assert "0..7" in task["error"]["detail"]


def test_a_search_can_be_cancelled_and_others_wait_their_turn(client: httpx.Client) -> None:
    long = {"method": "ganspace_features", "resolution": 32, "count": 1}
    tasks = [client.post(SEARCHES, json=long).json() for _ in range(5)]
    refused = client.post(SEARCHES, json=long)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_tasks")
    for task in reversed(tasks):
        cancelled = client.post(f"/api/v1/tasks/{task['id']}/cancel")
        assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert search(client, method="sefa", count=1)["state"] == "succeeded"
    assert client.get(f"/api/v1/tasks/{tasks[0]['id']}").json()["candidates"] is None


def test_a_task_that_is_not_there_is_a_problem(client: httpx.Client) -> None:
    answer = client.get(f"/api/v1/tasks/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_task")

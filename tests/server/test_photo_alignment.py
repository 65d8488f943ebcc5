"""Where the face is in a photo: found, set by hand, cut out, and put back."""

from __future__ import annotations

import io
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from PIL import Image

from server.engine.alignment import aligned_face, anchors_of_square
from server.uploads import decode_own
from tests.server.harness import Json, encoded, seed_document
from tests.server.projecting import ask, finished_job, latent_document

ANCHORS = {"left_eye": [190, 112], "right_eye": [252, 110], "mouth": [222, 175]}
SQUARE = {"x": 225.0, "y": 130.0, "side": 180.0, "turn": 20.0}


def pixels(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def crop(client: httpx.Client, photo: Json, query: str = "") -> httpx.Response:
    return client.get(f"/api/v1/photos/{photo['id']}/crop?format=png&size=64{query}")


def numbers(anchors: Json) -> str:
    return ",".join(str(value) for name in ("left_eye", "right_eye", "mouth") for value in anchors[name])


def test_a_crop_follows_the_anchors(client: httpx.Client, photo: Json) -> None:
    face = photo["faces"][0]["alignment"]
    assert face == photo["alignment"]
    found = crop(client, photo)
    assert crop(client, photo, "&face=0").content == found.content
    by_anchors = crop(client, photo, f"&anchors={numbers(face['anchors'])}")
    assert by_anchors.content == found.content
    assert "immutable" in by_anchors.headers["cache-control"]
    moved = crop(client, photo, f"&anchors={numbers(ANCHORS)}")
    assert moved.content != found.content
    assert pixels(moved.content).shape == (64, 64, 3)


def test_a_square_is_cut_as_it_is_drawn(client: httpx.Client, photo: Json) -> None:
    stored = decode_own(client.get(photo["image_url"]).content)
    expected = aligned_face(stored, anchors_of_square(**SQUARE), 64)
    answer = crop(client, photo, "&square=225,130,180,20")
    assert np.array_equal(pixels(answer.content), expected)
    upright = np.asarray(Image.fromarray(stored[40:220, 135:315]).resize((64, 64), Image.Resampling.BOX))
    cut = pixels(crop(client, photo, "&square=224.5,129.5,180,0").content).astype(int)
    assert np.abs(cut - upright).mean() < 4


def test_a_small_crop_of_a_large_photo_shows_the_same(
    upload: Callable[..., httpx.Response], client: httpx.Client, astronaut: bytes
) -> None:
    with Image.open(io.BytesIO(astronaut)) as image:
        photo = upload(encoded(image.resize((1500, 1500)), "JPEG", quality=95)).json()
    stored = decode_own(client.get(photo["image_url"]).content)
    expected = aligned_face(stored, anchors_of_square(660, 380, 530, 20), 64).astype(int)
    assert np.abs(pixels(crop(client, photo, "&square=660,380,530,20").content) - expected).mean() < 1.5


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("&anchors=1,2,3", "invalid_request"),
        ("&anchors=1,2,3,4,5,nan", "invalid_request"),
        ("&anchors=1,2,3,4,5,1e9", "invalid_request"),
        ("&anchors=1,1,1,1,1,1", "unusable_face"),
        ("&anchors=9000,9000,9100,9000,9050,9100", "unusable_face"),
        ("&square=9,9,9,0&face=0", "invalid_request"),
        ("&square=9,9,1,0", "invalid_request"),
        ("&face=9", "unknown_face"),
        ("&size=4096", "invalid_request"),
    ],
)
def test_a_crop_that_cannot_be_is_refused(client: httpx.Client, photo: Json, query: str, code: str) -> None:
    assert crop(client, photo, query).json()["code"] == code


def test_an_alignment_by_hand_is_remembered_and_can_be_taken_back(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    url = f"/api/v1/photos/{photo['id']}/alignment"
    by_hand = client.put(url, json={"anchors": ANCHORS}).json()
    assert (by_hand["alignment"]["anchors"], by_hand["by_hand"]) == (ANCHORS, True)
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["photos"] == [by_hand]
    assert crop(client, photo).content == crop(client, photo, f"&anchors={numbers(ANCHORS)}").content
    assert client.put(url, json={"face": 0}).json() == photo
    for body, code in (
        ({}, "invalid_request"),
        ({"face": 0, "anchors": ANCHORS}, "invalid_request"),
        ({"square": {"x": 9000, "y": 9000, "side": 100}}, "unusable_face"),
        ({"face": 3}, "unknown_face"),
    ):
        assert client.put(url, json=body).json()["code"] == code


def test_a_photo_without_a_face_is_projected_from_a_square(
    upload: Callable[..., httpx.Response], client: httpx.Client, session: Json, cat: bytes
) -> None:
    photo = upload(cat).json()
    assert crop(client, photo).status_code == 200  # its middle
    job = finished_job(client, ask(client, photo, session, 2, face=None, square=SQUARE))
    assert (job["state"], job["face"]) == ("succeeded", None)
    corners = np.array(job["alignment"]["corners"])
    assert np.allclose(corners.mean(axis=0), (225, 130))
    assert np.hypot(*(corners[1] - corners[0])) == pytest.approx(180)
    target = pixels(client.get(job["target_url"]).content)
    expected = aligned_face(
        decode_own(client.get(photo["image_url"]).content), anchors_of_square(**SQUARE), 256
    )
    assert np.abs(target.astype(int) - expected).mean() < 1  # anchors in the address are rounded


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_edited_face_is_put_back_into_the_photo(
    client: httpx.Client, session: Json, photo: Json, kind: str
) -> None:
    job = finished_job(client, ask(client, photo, session, 2, face=None, square=SQUARE | {"turn": 0}))
    url = f"/api/v1/photos/{photo['id']}/put-back"
    body = {"document": latent_document(job), "job": job["id"], "format": kind}
    answer = client.post(url, json=body)
    assert answer.headers["content-type"] == f"image/{kind}"
    assert answer.headers["content-disposition"].startswith("attachment;")
    result, before = pixels(answer.content), pixels(client.get(photo["image_url"]).content)
    changed = np.abs(result.astype(int) - before).max(axis=2) > 24
    assert result.shape == before.shape
    assert changed[100:160, 195:255].mean() > 0.5
    if kind == "png":  # where the face is not, not a pixel changes
        outside = np.ones(changed.shape, bool)
        outside[40:221, 135:316] = False
        assert np.array_equal(result[outside], before[outside])


def test_a_face_is_put_back_only_where_it_belongs(client: httpx.Client, photo: Json) -> None:
    url = f"/api/v1/photos/{photo['id']}/put-back"
    document = seed_document()
    assert client.post(url, json={"document": document}).status_code == 200
    for more, code in (
        ({"square": {"x": 9000, "y": 9000, "side": 99}}, "unusable_face"),
        ({"job": photo["id"]}, "unknown_job"),
        ({"face": 5}, "unknown_face"),
        ({"document": document | {"model": "other"}}, "unknown_model"),
    ):
        assert client.post(url, json={"document": document} | more).json()["code"] == code

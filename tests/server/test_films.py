"""Films over the API: walks and edits as tasks, within their bounds."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from server.documents import Document, Light
from server.engine.editing_interface import LampReading
from server.engine.moving_edit import between, check_same_face
from server.export_messages import EditMotion
from server.filming import edit_shares
from server.problems import Problem
from server.storage.films import FilmStore
from tests.server.harness import Json, seed_document
from tests.server.task_client import finished

WALK: Json = {
    "keys": [{"document": seed_document(seed), "seconds": 0.5} for seed in (1, 2)],
    "path": "straight",
}


def ask(client: httpx.Client, session: Json, motion: Json, **how: Any) -> httpx.Response:
    body = {"motion": motion, "frames_per_second": 10, "format": "gif", **how}
    return client.post(f"/api/v1/sessions/{session['id']}/films", json=body)


def frames(data: bytes) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    with Image.open(io.BytesIO(data)) as image:
        found = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            found.append(np.asarray(image.convert("RGB")))
        return found


def test_a_walk_is_filmed_from_its_first_face_to_its_last(client: httpx.Client, session: Json) -> None:
    answer = ask(client, session, {"kind": "walk", "walk": WALK}, format="webp", size=64)
    task = finished(client, answer)
    film = task["film"]
    assert (task["state"], task["step"], task["total"]) == ("succeeded", 6, 6)
    assert (film["frames"], film["seconds"], film["size"], film["format"]) == (6, 0.5, 64, "webp")
    file = client.get(film["url"])
    assert file.headers["content-type"] == "image/webp"
    assert file.headers["content-disposition"] == 'attachment; filename="tiny.webp"'
    assert len(file.content) == film["bytes"]
    shown = frames(file.content)
    ends = []
    for seed in (1, 2):
        png = client.post("/api/v1/render", json={"document": seed_document(seed)}).content
        with Image.open(io.BytesIO(png)) as image:
            ends.append(np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.LANCZOS)))
    for frame, own, other in ((shown[0], *ends), (shown[-1], *reversed(ends))):
        assert 3 * np.abs(frame.astype(int) - own).mean() < np.abs(frame.astype(int) - other).mean()


def test_an_edit_is_filmed_there_and_back(client: httpx.Client, session: Json) -> None:
    start, end = seed_document(7), seed_document(7, attributes={"age": 60.0}, light={"brightness": 1.2})
    motion = {"kind": "edit", "start": start, "end": end, "seconds": 0.4, "back": True}
    task = finished(client, ask(client, session, motion))
    assert task["state"] == "succeeded", task
    assert (task["film"]["frames"], task["film"]["size"]) == (9, 32)
    shown = frames(client.get(task["film"]["url"]).content)
    assert shown[0].shape == (32, 32, 3)


def test_a_film_has_bounds(client: httpx.Client, session: Json) -> None:
    long = {**WALK, "keys": [{**key, "seconds": 60.0} for key in WALK["keys"]] * 8}
    for how in ({"frames_per_second": 60, "format": "mp4"}, {"size": 1024, "frames_per_second": 5}):
        refused = ask(client, session, {"kind": "walk", "walk": long}, **how)
        assert (refused.status_code, refused.json()["code"]) == (422, "film_too_long")
    assert ask(client, session, {"kind": "walk", "walk": WALK}, size=63).status_code == 422
    short = {**WALK, "keys": WALK["keys"][:1]}
    assert ask(client, session, {"kind": "walk", "walk": short}).json()["code"] == "walk_needs_faces"


def test_an_edit_of_another_face_is_a_walk(client: httpx.Client, session: Json) -> None:
    motion = {"kind": "edit", "start": seed_document(7), "end": seed_document(8)}
    task = finished(client, ask(client, session, motion))
    assert (task["state"], task["error"]["code"]) == ("failed", "film_does_not_fit")
    assert client.get(f"/api/v1/tasks/{task['id']}/film").json()["code"] == "unknown_film"


def test_a_film_can_be_cancelled(client: httpx.Client, session: Json) -> None:
    long = {**WALK, "keys": [{**key, "seconds": 30.0} for key in WALK["keys"]]}
    task = ask(client, session, {"kind": "walk", "walk": long}, frames_per_second=30, size=16).json()
    assert client.post(f"/api/v1/tasks/{task['id']}/cancel").json()["state"] == "cancelled"
    assert client.get(f"/api/v1/tasks/{task['id']}/film").status_code == 404


def test_sliders_move_in_step() -> None:
    start = Document.model_validate(seed_document(7, attributes={"age": 20.0}))
    end = Document.model_validate(
        seed_document(7, attributes={"yaw": 10.0}, light={"azimuth": 170.0, "elevation": 0.0})
    )
    lamp = LampReading(azimuth=-170.0, elevation=10.0, strength=0.5, brightness=1.0)
    middle = between(start, end, 0.5, {"age": 40.0, "yaw": -10.0}, lamp)
    assert middle.attributes == {"age": 30.0, "yaw": 0.0}
    assert middle.light == Light(azimuth=-180.0, elevation=5.0, strength=0.5, brightness=1.0)
    assert (between(start, end, 0, {}, lamp), between(start, end, 1, {}, lamp)) == (start, end)


def test_a_mixed_in_face_comes_from_nothing() -> None:
    part = {"source": seed_document(3)["base"], "layers": [2, 3], "strength": [1.0, 0.5]}
    start, end = (Document.model_validate(seed_document(7, mix=mix)) for mix in ([], [part]))
    check_same_face(start, end)
    (mixed,) = between(start, end, 0.5, {}, None).mix
    assert mixed.strength == (0.5, 0.25)
    with pytest.raises(Problem, match="not of the same face"):
        check_same_face(end, Document.model_validate(seed_document(7, mix=[{**part, "layers": [0, 1]}])))


def test_an_edit_goes_gently_and_comes_back() -> None:
    document = Document.model_validate(seed_document(7))
    motion = EditMotion(kind="edit", start=document, end=document, easing="gentle", back=True)
    assert edit_shares(motion, 5) == (0.0, 0.5, 1.0, 0.5, 0.0)
    assert edit_shares(motion.model_copy(update={"easing": "even", "back": False}), 3) == (0.0, 0.5, 1.0)


def test_old_films_make_room(tmp_path: Any) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "left over.film").write_bytes(b"x")
    store = FilmStore(tmp_path / "films")
    films = [store.put(b"film") for _ in range(17)]
    assert len(list((tmp_path / "films").iterdir())) == 16
    assert store.path(films[-1]).read_bytes() == b"film"
    with pytest.raises(Problem, match="gone"):
        store.path(films[0])


def test_a_film_that_the_disk_has_no_room_for_is_said_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    films = FilmStore(tmp_path / "films")
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(Problem) as refused:
        films.put(b"film")
    assert refused.value.code == "storage_full"
    assert list((tmp_path / "films").iterdir()) == []

"""What a session may hold, and what is said where that is reached."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from server.settings import Settings
from tests.server.harness import Json, keep, seed_document
from tests.server.projecting import ask, finished_job

Upload = Callable[..., httpx.Response]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.usefixtures("little_room")
def test_a_session_has_room_for_so_many_photos_faces_and_projections(
    client: httpx.Client, session: Json, photo: Json, upload: Upload, astronaut: bytes
) -> None:
    own = f"/api/v1/sessions/{session['id']}"
    assert refusal(upload(astronaut)) == (409, "session_full")
    job = finished_job(client, ask(client, photo, session, 1))
    answers = [
        ask(client, photo, session, 1),
        client.post(f"/api/v1/jobs/{job['id']}/continue", json={"space": "w+", "steps": 1}),
        client.post(f"{own}/latents", json={"document": seed_document(1)}),
        client.post(f"{own}/imports?model=tiny", files={"file": ("a.npz", b"PK")}),
        client.post(f"{own}/samples", json={"model": "tiny", "attributes": {}, "count": 1}),
    ]
    assert [refusal(answer) for answer in answers] == [(409, "session_full")] * len(answers)
    said = answers[0].json()
    assert said["detail"] == "A session may hold 1 projections."
    assert "new session" in said["hint"]
    other = client.post("/api/v1/sessions").json()["id"]
    again = client.post(f"/api/v1/sessions/{other}/latents", json={"document": seed_document(1)})
    assert again.status_code == 201, "each session has room of its own"


@pytest.mark.usefixtures("little_room")
def test_a_history_makes_room_and_refuses_nothing(client: httpx.Client, session: Json) -> None:
    for seed in (1, 2, 3):
        assert keep(client, session["id"], seed_document(seed)).status_code == 200
    answer = client.get(f"/api/v1/sessions/{session['id']}/history").json()
    assert [node["document"] for node in answer["nodes"]] == [seed_document(2), seed_document(3)]
    assert answer["limit"] == 2


def test_many_faces_asked_for_at_once_are_counted_before_they_are_made(
    client: httpx.Client, session: Json, little_room: None
) -> None:
    del little_room
    asked = {"model": "tiny", "attributes": {}, "count": 2}
    answer = client.post(f"/api/v1/sessions/{session['id']}/samples", json=asked)
    assert refusal(answer) == (409, "session_full")


def test_no_limit_can_be_switched_off_by_zero() -> None:
    for name in ("history_steps", "gallery_items", "latents_per_session", "photos_per_session"):
        with pytest.raises(ValueError, match="greater than or equal"):
            Settings.model_validate({f"max_{name}": 0})

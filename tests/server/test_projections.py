"""Projection jobs from the photo to the latent, and everything that may happen on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from server.engine.frames import FrameHeader, job_number
from server.settings import Settings
from tests.server.harness import Json, RunningServer, seed_document, serving
from tests.server.test_live import live

PATIENCE_S = 120
LONG = 5000  # steps of a projection that is cancelled before it ends


def ask(client: httpx.Client, photo: Json, session: Json, steps: int, /, **more: object) -> httpx.Response:
    body = {"photo": photo["id"], "face": 0, "model": "tiny", "steps": steps} | more
    return client.post(f"/api/v1/sessions/{session['id']}/projections", json=body)


def wait_for(client: httpx.Client, job_id: str, ready: Callable[[Json], bool]) -> Json:
    """The job as soon as it is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        job: Json = client.get(f"/api/v1/jobs/{job_id}").json()
        if ready(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job never became as wanted: {job}")


def is_finished(job: Json) -> bool:
    return job["state"] in ("succeeded", "failed", "cancelled")


def is_under_way(job: Json) -> bool:
    return bool(job["state"] == "running" and job["step"] > 0)


def latent_document(job: Json, **changes: Any) -> Json:
    base = {"kind": "latent", "latent": job["latent"], "truncation_psi": 1.0, "truncation_cutoff": None}
    return seed_document(**({"base": base} | changes))


def picture(client: httpx.Client, document: Json) -> bytes:
    answer = client.post("/api/v1/render", json={"document": document, "format": "png"})
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture
def finished(client: httpx.Client, session: Json, photo: Json) -> Json:
    """A projection that has come to its end."""
    job = ask(client, photo, session, 12).json()
    return wait_for(client, job["id"], is_finished)


def test_a_projection_ends_with_a_latent_that_can_be_rendered(
    client: httpx.Client, session: Json, photo: Json, finished: Json
) -> None:
    assert (finished["state"], finished["step"], finished["total"]) == ("succeeded", 12, 12)
    assert finished["error"] is None
    assert finished["photo"] == photo["id"]
    assert finished["metric"] == "efficientnet-lite0"
    assert finished["loss"] >= finished["distance"] > 0
    assert finished["created_at"] < finished["started_at"] < finished["finished_at"]
    assert client.get(finished["preview_url"]).headers["content-type"] == "image/jpeg"
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["jobs"] == [finished]
    assert client.put(f"/api/v1/sessions/{session['id']}/document", json=latent_document(finished)).is_success
    assert picture(client, latent_document(finished)) != picture(client, seed_document())


def test_a_latent_is_rendered_with_the_noise_it_was_found_with(client: httpx.Client, finished: Json) -> None:
    own = picture(client, latent_document(finished))
    drawn = picture(client, latent_document(finished, noise={"seed": 1, "strength": 1.0}))
    none = picture(client, latent_document(finished, noise={"seed": None, "strength": 0.0}))
    assert len({own, drawn, none}) == 3


def test_the_same_photo_is_found_at_the_same_place_again(
    client: httpx.Client, session: Json, photo: Json, finished: Json
) -> None:
    again = wait_for(client, ask(client, photo, session, 12).json()["id"], is_finished)
    assert again["latent"] != finished["latent"]
    assert picture(client, latent_document(again)) == picture(client, latent_document(finished))


def test_a_latent_can_be_edited_and_mixed(client: httpx.Client, finished: Json) -> None:
    source = latent_document(finished)["base"]
    plain = picture(client, latent_document(finished))
    assert picture(client, latent_document(finished, attributes={"age": 80.0})) != plain
    mixed = seed_document(mix=[{"source": source, "layers": [0, 1], "strength": 1.0}])
    assert picture(client, mixed) != picture(client, seed_document())


def test_progress_is_told_on_the_live_socket(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    with live(server, session["id"]) as socket:
        job = ask(client, photo, session, 40).json()
        states: list[str] = []
        steps: list[int] = []
        pictures: list[FrameHeader] = []
        while not states or states[-1] not in ("succeeded", "failed"):
            received = socket.receive()
            if isinstance(received, dict):
                assert received["job"]["id"] == job["id"]
                states.append(received["job"]["state"])
                steps.append(received["job"]["step"])
            else:
                pictures.append(received[0])
    assert states[-1] == "succeeded"
    assert "running" in states
    assert steps == sorted(steps)
    assert pictures
    assert {(p.kind, p.job, p.width) for p in pictures} == {(3, job_number(UUID(job["id"])), 32)}
    assert pictures[-1].seq == 40


def test_edits_are_answered_while_a_projection_runs(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    job = ask(client, photo, session, LONG).json()
    wait_for(client, job["id"], is_under_way)
    with live(server, session["id"]) as socket:
        for seq in range(1, 11):
            socket.edit(seq, seed_document(seq))
            while not isinstance(received := socket.receive(), tuple) or received[0].kind == 3:
                pass
            assert received[0].seq == seq
            socket.ack(seq)
    assert client.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 202
    wait_for(client, job["id"], is_finished)


def test_cancel_ends_within_a_step_and_keeps_the_latest(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    job = ask(client, photo, session, LONG).json()
    wait_for(client, job["id"], is_under_way)
    engine_steps = server.app.state.services.jobs
    cancelled = client.post(f"/api/v1/jobs/{job['id']}/cancel")
    at_cancel = engine_steps._running.event.step if engine_steps._running else None
    assert cancelled.status_code == 202
    assert client.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 202
    end = wait_for(client, job["id"], is_finished)
    assert end["state"] == "cancelled"
    assert end["error"] is None
    if at_cancel is not None:
        assert end["step"] <= at_cancel + 1
    assert client.get(end["preview_url"]).is_success
    assert picture(client, latent_document(end))
    assert client.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 202


def test_a_queued_projection_is_cancelled_before_it_starts(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    first = ask(client, photo, session, LONG).json()
    second = ask(client, photo, session, LONG).json()
    end = client.post(f"/api/v1/jobs/{second['id']}/cancel").json()
    assert (end["state"], end["started_at"], end["latent"], end["step"]) == ("cancelled", None, None, 0)
    client.post(f"/api/v1/jobs/{first['id']}/cancel")
    wait_for(client, first["id"], is_finished)


def test_a_finished_projection_cannot_be_cancelled(client: httpx.Client, finished: Json) -> None:
    answer = client.post(f"/api/v1/jobs/{finished['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_finished")
    assert client.get(f"/api/v1/jobs/{finished['id']}").json() == finished


def test_a_lost_connection_leaves_the_projection_running(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    with live(server, session["id"]) as socket:
        job = ask(client, photo, session, 60).json()
        socket.message("job")
        socket.connection.socket.close()  # no goodbye
    assert wait_for(client, job["id"], is_finished)["state"] == "succeeded"
    with live(server, session["id"]) as socket:
        (told,) = socket.hello["jobs"]
        assert (told["id"], told["state"]) == (job["id"], "succeeded")


def test_a_session_may_have_so_many_projections_waiting(settings: Settings, astronaut: bytes) -> None:
    few = settings.model_copy(update={"max_queued_per_session": 2, "max_queued": 3})
    with serving(few) as server, server.client() as client:
        sessions = [client.post("/api/v1/sessions").json() for _ in range(2)]
        photos = [
            client.post(f"/api/v1/sessions/{s['id']}/photos", files={"file": ("a.jpg", astronaut)}).json()
            for s in sessions
        ]
        running = ask(client, photos[0], sessions[0], LONG).json()
        wait_for(client, running["id"], is_under_way)
        for _ in range(2):
            assert ask(client, photos[0], sessions[0], LONG).status_code == 202
        refused = ask(client, photos[0], sessions[0], LONG)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_jobs")
        assert refused.headers["retry-after"]
        assert ask(client, photos[1], sessions[1], LONG).status_code == 202
        full = ask(client, photos[1], sessions[1], LONG)
        assert (full.status_code, full.json()["code"]) == (503, "queue_full")
        assert len(client.get(f"/api/v1/sessions/{sessions[0]['id']}").json()["jobs"]) == 3


def test_an_idempotency_key_makes_one_job(client: httpx.Client, session: Json, photo: Json) -> None:
    url = f"/api/v1/sessions/{session['id']}/projections"
    body = {"photo": photo["id"], "face": 0, "model": "tiny", "steps": 1}
    key = {"Idempotency-Key": "once"}
    first, second = client.post(url, json=body, headers=key), client.post(url, json=body, headers=key)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    other = client.post(url, json=body | {"steps": 2}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    wait_for(client, first.json()["id"], is_finished)


def test_what_cannot_be_projected_is_refused(client: httpx.Client, session: Json, photo: Json) -> None:
    other = client.post("/api/v1/sessions").json()
    for answer, status, code in (
        (ask(client, photo, session, 1, face=1), 404, "unknown_face"),
        (ask(client, photo, session, 1, photo=str(uuid4())), 404, "unknown_photo"),
        (ask(client, photo, session, 1, model="other"), 422, "unknown_model"),
        (ask(client, photo, other, 1), 404, "unknown_photo"),
        (ask(client, photo, {"id": uuid4()}, 1), 404, "unknown_session"),
        (ask(client, photo, session, 0), 422, "invalid_request"),
        (ask(client, photo, session, 10**6), 422, "invalid_request"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["jobs"] == []


def test_a_stop_of_the_server_keeps_what_was_found(settings: Settings, astronaut: bytes) -> None:
    with serving(settings) as server, server.client() as client:
        session = client.post("/api/v1/sessions").json()
        files = {"file": ("a.jpg", astronaut)}
        photo = client.post(f"/api/v1/sessions/{session['id']}/photos", files=files).json()
        running, queued = (ask(client, photo, session, LONG).json() for _ in range(2))
        wait_for(client, running["id"], is_under_way)
    with serving(settings) as server, server.client() as client:
        cut_off = client.get(f"/api/v1/jobs/{running['id']}").json()
        assert (cut_off["state"], cut_off["error"]["code"]) == ("failed", "server_restarted")
        assert picture(client, latent_document(cut_off))
        never_begun = client.get(f"/api/v1/jobs/{queued['id']}").json()
        assert (never_begun["state"], never_begun["error"]["code"]) == ("failed", "server_restarted")
        assert never_begun["latent"] is None
        again = ask(client, photo, session, 3).json()
        assert wait_for(client, again["id"], is_finished)["state"] == "succeeded"


def test_there_is_no_preview_before_the_first_picture(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    first, second = (ask(client, photo, session, LONG).json() for _ in range(2))
    assert second["preview_url"] is None
    answer = client.get(f"/api/v1/jobs/{second['id']}/preview")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_preview")
    for job in (second, first):
        client.post(f"/api/v1/jobs/{job['id']}/cancel")
        wait_for(client, job["id"], is_finished)

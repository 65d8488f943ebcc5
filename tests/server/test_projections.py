"""Projection jobs from the photo to the latent, and everything that may happen on the way."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest

from server.engine.frames import FrameHeader, job_number
from server.settings import Settings
from tests.server.harness import Json, RunningServer, keep, seed_document, serving
from tests.server.live_client import live
from tests.server.projecting import (
    LONG,
    ask,
    is_finished,
    is_under_way,
    latent_document,
    picture,
    wait_for,
)

FAR_AWAY = {"x": 9000, "y": 9000, "side": 100}


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
    assert finished["loss"] > 0
    assert finished["distance"] > 0
    assert finished["terms"]["distance"] + finished["terms"]["noise"] == pytest.approx(finished["loss"])
    assert 0 < finished["pixel_error"] < 1
    assert finished["psnr"] > 0
    assert finished["identity"] is None
    assert "identity" in finished["identity_note"]
    assert finished["began_at"] == "mean_face"
    assert finished["rungs"] == [{"rung": "w", "steps": 12, "step": 12}]
    assert finished["created_at"] < finished["started_at"] < finished["finished_at"]
    assert client.get(finished["preview_url"]).headers["content-type"] == "image/jpeg"
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["jobs"] == [finished]
    assert keep(client, session["id"], latent_document(finished)).is_success
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
        job = ask(client, photo, session, 20).json()
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
    assert pictures[-1].seq == 20


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
    cancelled = client.post(f"/api/v1/jobs/{job['id']}/cancel")
    running = server.app.state.services.jobs.running(UUID(job["id"]))
    at_cancel = running.event.step if running else None
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
    *first, last = (ask(client, photo, session, LONG).json() for _ in range(3))
    end = client.post(f"/api/v1/jobs/{last['id']}/cancel").json()
    assert (end["state"], end["started_at"], end["latent"], end["step"]) == ("cancelled", None, None, 0)
    for job in first:
        client.post(f"/api/v1/jobs/{job['id']}/cancel")
        wait_for(client, job["id"], is_finished)


def test_a_finished_projection_cannot_be_cancelled(client: httpx.Client, finished: Json) -> None:
    answer = client.post(f"/api/v1/jobs/{finished['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_finished")
    assert client.get(f"/api/v1/jobs/{finished['id']}").json() == finished


def test_a_lost_connection_leaves_the_projection_running(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    with live(server, session["id"]) as socket:
        job = ask(client, photo, session, 25).json()
        socket.message("job")
        socket.connection.socket.close()  # no goodbye
    assert wait_for(client, job["id"], is_finished)["state"] == "succeeded"
    with live(server, session["id"]) as socket:
        (told,) = socket.hello["jobs"]
        assert (told["id"], told["state"]) == (job["id"], "succeeded")


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
        (ask(client, photo, session, 1, space="z"), 422, "invalid_request"),
        (ask(client, photo, session, 1, faithfulness=1.1), 422, "invalid_request"),
        (ask(client, photo, session, 1, square={"x": 9, "y": 9, "side": 9}), 422, "invalid_request"),
        (ask(client, photo, session, 1, face=None, square=FAR_AWAY), 422, "unusable_face"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["jobs"] == []


def test_after_a_stop_of_the_server_projections_go_on(settings: Settings, astronaut: bytes) -> None:
    with serving(settings) as server, server.client() as client:
        session = client.post("/api/v1/sessions").json()
        files = {"file": ("a.jpg", astronaut)}
        photo = client.post(f"/api/v1/sessions/{session['id']}/photos", files=files).json()
        running, *queued = (ask(client, photo, session, LONG).json() for _ in range(3))
        before = wait_for(client, running["id"], is_under_way)
    with serving(settings) as server, server.client() as client:
        went_on = wait_for(
            client, running["id"], lambda job: is_under_way(job) and job["step"] > before["step"]
        )
        assert went_on["started_at"] == before["started_at"]
        assert went_on["error"] is None
        for job in (*queued, running):
            client.post(f"/api/v1/jobs/{job['id']}/cancel")
            assert wait_for(client, job["id"], is_finished)["state"] == "cancelled"
        assert picture(client, latent_document(client.get(f"/api/v1/jobs/{running['id']}").json()))


def test_there_is_no_preview_before_the_first_picture(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    *first, last = (ask(client, photo, session, LONG).json() for _ in range(3))
    assert last["preview_url"] is None
    answer = client.get(f"/api/v1/jobs/{last['id']}/preview")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_preview")
    for job in (last, *first):
        client.post(f"/api/v1/jobs/{job['id']}/cancel")
        wait_for(client, job["id"], is_finished)

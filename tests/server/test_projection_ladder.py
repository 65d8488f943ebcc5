"""The rungs of a projection through the server: guess, W, W+ and pivotal tuning, one after another."""

from __future__ import annotations

import io
from uuid import UUID

import httpx
import numpy as np
import pytest
from PIL import Image

from models.bundle import load_bundle
from server.engine.frames import encode_jpeg
from server.engine.latents import read_latent
from server.storage import latents
from server.storage.tables import JobRow
from tests.server.harness import Json, RunningServer, seed_document
from tests.server.live_client import live
from tests.server.projecting import (
    LONG,
    ask,
    cancel,
    finished_job,
    is_under_way,
    latent_document,
    picture,
    wait_for,
)


def go_on(client: httpx.Client, job: Json, space: str, **more: object) -> httpx.Response:
    return client.post(f"/api/v1/jobs/{job['id']}/continue", json={"space": space} | more)


def pixels(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def rungs(job: Json) -> list[tuple[str, int]]:
    return [(rung["rung"], rung["step"]) for rung in job["rungs"]]


@pytest.fixture(scope="module")
def tuned(server: RunningServer, astronaut: bytes) -> Json:
    """A short projection up to pivotal tuning."""
    with server.client() as client:
        session = client.post("/api/v1/sessions").json()
        files = {"file": ("a.jpg", astronaut)}
        photo = client.post(f"/api/v1/sessions/{session['id']}/photos", files=files).json()
        return finished_job(client, ask(client, photo, session, 13, space="pti"))


def test_a_guess_needs_no_steps_and_waits_for_nobody(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    (model,) = client.get("/api/v1/models").json()
    assert model["encoder"] is False
    searches = [ask(client, photo, session, LONG).json() for _ in range(3)]
    guess = finished_job(client, ask(client, photo, session, 1, space="start"))
    assert (guess["state"], guess["total"], guess["rungs"], guess["loss"]) == ("succeeded", 0, [], None)
    assert guess["began_at"] == "mean_face"  # and not a guess, as this model has no encoder
    assert guess["distance"] > 0
    mean = seed_document(base={"kind": "seed", "seed": 1, "truncation_psi": 0.0, "truncation_cutoff": None})
    difference = pixels(picture(client, latent_document(guess))).astype(int) - pixels(picture(client, mean))
    assert np.abs(difference).max() <= 1
    cancel(client, *searches)


def test_only_so_many_run_at_once_and_the_others_know_their_place(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    first, second, *waiting = (ask(client, photo, session, LONG).json() for _ in range(4))
    for job in (first, second):
        wait_for(client, job["id"], is_under_way)
    now = client.get(f"/api/v1/sessions/{session['id']}").json()["jobs"]
    assert [job["position"] for job in now] == [None, None, 1, 2]
    with live(server, session["id"]) as socket:
        assert [job["position"] for job in socket.hello["jobs"]] == [None, None, 1, 2]
        client.post(f"/api/v1/jobs/{waiting[0]['id']}/cancel")
        while True:
            received = socket.receive()
            if isinstance(received, dict) and received["job"]["id"] == waiting[1]["id"]:
                break
        assert received["job"]["position"] == 1
    cancel(client, *now)


def test_rungs_follow_each_other_within_one_job(tuned: Json) -> None:
    assert tuned["state"] == "succeeded"
    assert rungs(tuned) == [("w", 13), ("pti", 2)]
    assert (tuned["rung"], tuned["step"], tuned["total"]) == ("pti", 15, 15)
    assert set(tuned["terms"]) == {"distance", "pixel"}


def test_a_tuned_face_is_rendered_as_it_was_shown_and_others_stay_as_they_were(
    server: RunningServer, client: httpx.Client, tuned: Json
) -> None:
    before = picture(client, seed_document())
    shown = client.get(tuned["preview_url"]).content
    assert encode_jpeg(pixels(picture(client, latent_document(tuned))), "preview") == shown
    assert picture(client, seed_document()) == before
    services = server.app.state.services
    stored = read_latent(latents.read(services.database, services.blobs, UUID(tuned["latent"])))
    generator = load_bundle(services.settings.checkpoints_dir / "tiny").generator
    assert len(stored.noise) == len(generator.synthesis.noise_resolutions)
    assert {name.rpartition(".")[0] for name in stored.tuning} == {
        name for name, value in generator.synthesis.named_parameters() if value.ndim == 4
    }
    edited = latent_document(tuned, attributes={"age": 80.0})
    assert picture(client, edited) != picture(client, latent_document(tuned))


def test_a_result_is_gone_on_from_rung_by_rung(
    client: httpx.Client, session: Json, photo: Json, tuned: Json
) -> None:
    w = finished_job(client, ask(client, photo, session, 5, square=MIDDLE, face=None))
    w_plus = finished_job(client, go_on(client, w, "w+", steps=15, faithfulness=1.0))
    assert (w_plus["continues"], w_plus["began_at"], rungs(w_plus)) == (w["id"], "result", [("w+", 3)])
    assert (w_plus["photo"], w_plus["alignment"]) == (w["photo"], w["alignment"])
    again = finished_job(client, go_on(client, w, "w+", steps=15, faithfulness=0.0))
    assert picture(client, latent_document(again)) != picture(client, latent_document(w_plus))
    pti = finished_job(client, go_on(client, w_plus, "pti", steps=13))
    assert rungs(pti) == [("pti", 2)]
    more = finished_job(client, go_on(client, tuned, "pti", steps=1))
    assert more["state"] == "succeeded"
    for job, space in ((w, "w"), (pti, "w+"), (w_plus, "w")):
        refused = go_on(client, job, space)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_continuable")


def test_a_guess_is_gone_on_from_and_a_job_without_result_is_not(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    guess = finished_job(client, ask(client, photo, session, 1, space="start"))
    w = finished_job(client, go_on(client, guess, "w", schedule="fast", steps=5))
    assert (w["state"], rungs(w)) == ("succeeded", [("w", 5)])
    running = ask(client, photo, session, LONG).json()
    assert go_on(client, running, "w+").json()["code"] == "not_continuable"
    cancel(client, running)


def test_the_curve_and_the_film_strip_tell_how_it_went(client: httpx.Client, tuned: Json) -> None:
    url = f"/api/v1/jobs/{tuned['id']}"
    history = client.get(f"{url}/history").json()
    assert [point["step"] for point in history["points"]] == list(range(1, 16))
    assert [point["rung"] for point in history["points"]] == ["w"] * 13 + ["pti"] * 2
    for point in history["points"]:
        assert sum(point["terms"].values()) == pytest.approx(point["loss"], rel=1e-4)
    steps = [moment["step"] for moment in history["moments"]]
    assert (steps[0], steps[-1], len(steps) <= 12) == (1, 15, True)
    assert steps == sorted(set(steps))
    for moment in history["moments"]:
        answer = client.get(moment["url"])
        with Image.open(io.BytesIO(answer.content)) as small:
            assert small.size == (moment["width"], moment["height"]) == (32, 32)
    assert client.get(f"{url}/moments/2000").json()["code"] == "no_preview"


def test_a_projection_that_was_paused_ends_as_one_that_was_not(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    unbroken, job = (ask(client, photo, session, 20, space="w+").json() for _ in range(2))
    wait_for(client, job["id"], is_under_way)
    assert client.post(f"/api/v1/jobs/{job['id']}/pause").status_code == 202
    paused = wait_for(client, job["id"], lambda now: now["state"] != "running")
    assert (paused["state"], paused["position"]) == ("paused", None)
    assert picture(client, latent_document(paused))
    assert client.post(f"/api/v1/jobs/{job['id']}/pause").json()["state"] == "paused"
    for _ in range(2):
        assert client.post(f"/api/v1/jobs/{job['id']}/resume").status_code == 202
    ends = [
        wait_for(client, ended["id"], lambda now: now["state"] == "succeeded") for ended in (job, unbroken)
    ]
    mine, other = (picture(client, latent_document(end)) for end in ends)
    assert mine == other
    assert client.post(f"/api/v1/jobs/{job['id']}/resume").json()["code"] == "already_finished"
    curves = [client.get(f"/api/v1/jobs/{end['id']}/history").json()["points"] for end in ends]
    assert curves[0] == curves[1]


def test_a_paused_projection_can_be_cancelled(client: httpx.Client, session: Json, photo: Json) -> None:
    first, second, queued = (ask(client, photo, session, LONG).json() for _ in range(3))
    assert client.post(f"/api/v1/jobs/{queued['id']}/pause").json()["state"] == "paused"
    client.post(f"/api/v1/jobs/{first['id']}/pause")
    paused = wait_for(client, first["id"], lambda job: job["state"] == "paused")
    end = client.post(f"/api/v1/jobs/{first['id']}/cancel").json()
    assert (end["state"], end["latent"]) == ("cancelled", paused["latent"])
    cancel(client, second, queued)


def test_a_search_does_not_go_on_with_another_model(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    job = ask(client, photo, session, LONG).json()
    wait_for(client, job["id"], is_under_way)
    client.post(f"/api/v1/jobs/{job['id']}/pause")
    wait_for(client, job["id"], lambda now: now["state"] == "paused")
    with server.app.state.services.database.write() as transaction:
        transaction.get_one(JobRow, UUID(job["id"])).generator = "0" * 64
    client.post(f"/api/v1/jobs/{job['id']}/resume")
    end = wait_for(client, job["id"], lambda now: now["state"] == "failed")
    assert end["error"]["code"] == "model_changed"
    assert end["latent"] is not None  # what was found before the pause


MIDDLE = {"x": 224, "y": 110, "side": 200, "turn": 10}

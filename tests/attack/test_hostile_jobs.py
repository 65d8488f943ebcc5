"""Attacks and faults 27 to 34: queues that fill up, and servers, devices and numbers that fail midway."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from models.projection.target import Comparison
from server.engine.latents import Latent, latent_file, read_latent
from server.engine.projecting import RunningProjection
from server.engine.worker import ModelWorker
from server.problems import Problem
from server.settings import Settings
from server.storage import job_states, latents
from server.storage.tables import LatentRow, now
from tests.browser.server_process import ServerProcess
from tests.server.harness import Json, RunningServer, encoded, keep, seed_document, serving
from tests.server.live_client import live
from tests.server.projecting import (
    LONG,
    ask,
    cancel,
    finished_job,
    is_finished,
    is_under_way,
    latent_document,
    picture,
    wait_for,
)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def session_with_photo(client: httpx.Client, photo: bytes) -> tuple[Json, Json]:
    session: Json = client.post("/api/v1/sessions").json()
    url = f"/api/v1/sessions/{session['id']}/photos"
    return session, client.post(url, files={"file": ("a.jpg", photo)}).json()


@pytest.fixture
def small_queue(server: RunningServer) -> Iterator[None]:
    """Two may wait of a session, and three in all."""
    services = server.app.state.services
    few = services.settings.model_copy(update={"max_queued_per_session": 2, "max_queued": 3})
    server.app.state.services = replace(services, settings=few)
    yield
    server.app.state.services = services


@pytest.mark.usefixtures("small_queue")
def test_case_27_a_session_and_the_server_have_room_for_so_many_waiting_jobs(
    client: httpx.Client, session: Json, photo: Json, astronaut: bytes
) -> None:
    other, others_photo = session_with_photo(client, astronaut)
    accepted = [ask(client, photo, session, LONG).json() for _ in range(2)]
    for job in accepted:
        wait_for(client, job["id"], is_under_way)
    accepted += [ask(client, photo, session, LONG).json() for _ in range(2)]
    refused = ask(client, photo, session, LONG)
    assert code(refused) == (429, "too_many_jobs")
    assert refused.headers["retry-after"]
    assert len(client.get(f"/api/v1/sessions/{session['id']}").json()["jobs"]) == 4
    accepted.append(ask(client, others_photo, other, LONG).json())
    full = ask(client, others_photo, other, LONG)
    assert code(full) == (503, "queue_full")
    assert full.headers["retry-after"]
    assert len(client.get(f"/api/v1/sessions/{other['id']}").json()["jobs"]) == 1
    cancel(client, *accepted)


def test_case_28_an_idempotency_key_makes_one_job(client: httpx.Client, session: Json, photo: Json) -> None:
    url = f"/api/v1/sessions/{session['id']}/projections"
    body = {"photo": photo["id"], "face": 0, "model": "tiny", "steps": 1}
    key = {"Idempotency-Key": "once"}
    first, second = client.post(url, json=body, headers=key), client.post(url, json=body, headers=key)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    for other in ({"steps": 2}, {"space": "w+"}, {"face": None, "square": {"x": 200, "y": 100, "side": 99}}):
        assert code(client.post(url, json=body | other, headers=key)) == (409, "idempotency_conflict")
    assert len(client.get(f"/api/v1/sessions/{session['id']}").json()["jobs"]) == 1


def test_case_29_whatever_a_job_is_doing_it_can_be_cancelled_once(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    def ask_to_cancel(job_id: object) -> httpx.Response:
        return client.post(f"/api/v1/jobs/{job_id}/cancel")

    running, *_, queued = jobs = [ask(client, photo, session, LONG).json() for _ in range(3)]
    wait_for(client, running["id"], is_under_way)
    for _ in range(2):
        never = ask_to_cancel(queued["id"]).json()
        assert (never["state"], never["started_at"]) == ("cancelled", None)
    assert ask_to_cancel(running["id"]).status_code == 202
    under_way = server.app.state.services.jobs.running(UUID(running["id"]))
    step = under_way.event.step if under_way else LONG
    cancel(client, *jobs)
    end = client.get(f"/api/v1/jobs/{running['id']}").json()
    assert end["step"] <= step + 1
    assert picture(client, latent_document(end))
    finished = finished_job(client, ask(client, photo, session, 1))
    assert code(ask_to_cancel(finished["id"])) == (409, "already_finished")
    assert code(ask_to_cancel(uuid4())) == (404, "unknown_job")
    assert ask_to_cancel("../x").status_code == 404
    assert client.get(f"/api/v1/jobs/{finished['id']}").json() == finished


def stored_latents(data: Path) -> list[Latent]:
    """All that a server has in its data folder, by the formats on the disk."""
    with closing(sqlite3.connect(data / "loom.sqlite")) as database:
        keys = [key for (key,) in database.execute("SELECT blob FROM latents")]
    return [read_latent((data / "blobs" / key[:2] / key).read_bytes()) for key in keys]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> Iterator[ServerProcess]:
    """A server of its own, to be killed."""
    server = ServerProcess(tmp_path_factory.mktemp("killed"), checkpoints)
    server.start()
    yield server
    server.kill()


def keep_until_killed(url: str, session: str, kept: list[str]) -> None:
    """Put one picture after the other into a gallery. kept: those that the server said it has."""
    with httpx.Client(base_url=url, timeout=120) as client, suppress(httpx.TransportError):
        for _ in range(300):
            answer = client.post(f"/api/v1/sessions/{session}/gallery", json={"document": seed_document(1)})
            kept.append(answer.raise_for_status().json()["id"])
            time.sleep(0.03)  # a client may ask 100 times a second


def upload_until_killed(url: str, session: str, photo: bytes, kept: list[str]) -> None:
    """The same with photos."""
    with httpx.Client(base_url=url, timeout=120) as client, suppress(httpx.TransportError):
        for _ in range(300):
            answer = client.post(f"/api/v1/sessions/{session}/photos", files={"file": ("a.jpg", photo)})
            kept.append(answer.raise_for_status().json()["image_url"])
            time.sleep(0.03)


def test_case_30_and_31_a_killed_server_goes_on_as_if_it_had_not_been(
    process: ServerProcess, astronaut: bytes
) -> None:
    def client_of_it() -> httpx.Client:
        return httpx.Client(base_url=process.url, timeout=120)

    with client_of_it() as client:
        session, photo = session_with_photo(client, astronaut)
        address = f"/api/v1/sessions/{session['id']}"
        kept, draft = seed_document(5), seed_document(6)
        assert keep(client, session["id"], kept).is_success
        broken = ask(client, photo, session, 120).json()
        busy = client.post("/api/v1/sessions").json()["id"]
        items: list[str] = []
        photos: list[str] = []
        pool = ThreadPoolExecutor(3)
        small = encoded(Image.new("RGB", (64, 64), "red"), "JPEG")
        writers = [pool.submit(keep_until_killed, process.url, busy, items) for _ in range(2)]
        writers.append(pool.submit(upload_until_killed, process.url, busy, small, photos))
        with live(RunningServer(process.port, None), session["id"]) as socket:  # type: ignore[arg-type]
            socket.edit(1, draft)  # a slider that is still held
            before = wait_for(client, broken["id"], lambda job: job["step"] > 51)
            process.kill()
    with pool:
        for writer in writers:
            writer.result()
    process.start()
    with client_of_it() as client:
        there = {item["id"] for item in client.get(f"/api/v1/sessions/{busy}/gallery").json()}
        assert items, "nothing was written meanwhile"
        assert set(items) <= there, "what was answered with success is there"
        assert photos
        assert all(client.get(photo).status_code == 200 for photo in photos)
        with live(RunningServer(process.port, None), session["id"]) as socket:  # type: ignore[arg-type]
            assert socket.hello["document"] == client.get(address).json()["document"]
            assert socket.hello["document"]["base"]["seed"] == 5
            socket.edit(2, draft)
            while not isinstance(received := socket.receive(), tuple) or received[0].kind == 3:
                pass
            assert received[0].seq == 2
        unbroken = ask(client, photo, session, 120).json()
        again = wait_for(client, broken["id"], is_under_way)
        assert before["step"] - 50 <= again["step"]
        ends = [
            wait_for(client, job["id"], lambda job: job["state"] == "succeeded") for job in (broken, unbroken)
        ]
        curves = [client.get(f"/api/v1/jobs/{job['id']}/history").json()["points"] for job in ends]
    assert curves[0] == curves[1]
    assert ends[0]["distance"] == ends[1]["distance"]
    mine, other = stored_latents(process.folder / "data")
    assert np.array_equal(mine.ws, other.ws)
    assert all(np.array_equal(a, b) for a, b in zip(mine.noise, other.noise, strict=True))


def out_of_memory(*_: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory.")


def failing(original: Callable[..., Any], error: Callable[..., Any], calls: list[int]) -> Callable[..., Any]:
    """A method that fails at the calls of these numbers, counted from 1."""
    count = 0

    def method(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return error() if count in calls else original(*arguments)

    return method


def test_case_32_a_render_without_memory_is_a_problem_and_the_next_is_fine(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelWorker, "picture", failing(ModelWorker.picture, out_of_memory, [1]))
    refused = client.post("/api/v1/render", json={"document": seed_document(77)})
    assert code(refused) == (503, "gpu_out_of_memory")
    assert "smaller size" in refused.json()["detail"]
    assert picture(client, seed_document(77))


@pytest.mark.parametrize(("times", "state"), [([3], "succeeded"), ([3, 6], "failed")])
def test_case_32_a_projection_without_memory_is_tried_once_more(
    client: httpx.Client,
    session: Json,
    photo: Json,
    monkeypatch: pytest.MonkeyPatch,
    times: list[int],
    state: str,
) -> None:
    monkeypatch.setattr(RunningProjection, "step", failing(RunningProjection.step, out_of_memory, times))
    job = finished_job(client, ask(client, photo, session, 8))
    assert job["state"] == state
    assert (job["error"] or {}).get("code") == (None if state == "succeeded" else "gpu_out_of_memory")


def test_a_database_that_is_busy_for_a_while_ends_no_projection(
    client: httpx.Client, session: Json, photo: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> Any:
        raise Problem("database_busy", "Another program keeps the database to itself.")

    for name in ("record", "end"):
        monkeypatch.setattr(job_states, name, failing(getattr(job_states, name), busy, [1]))
    job = finished_job(client, ask(client, photo, session, 5))
    assert (job["state"], job["step"]) == ("succeeded", 5)


def is_jpeg(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8")


def no_room() -> Any:
    raise Problem("storage_full", "There is no room left in the data folder.")


def test_case_40_a_search_that_finds_the_disk_full_waits_for_room_and_then_finds_the_same(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = server.app.state.services.blobs
    pictures = failing(blobs.put, no_room, [1])  # the first of the film strip
    others = failing(blobs.put, no_room, [2])  # after the checkpoint: the latent
    with monkeypatch.context() as full:
        full.setattr(blobs, "put", lambda data: (pictures if is_jpeg(data) else others)(data))
        job = ask(client, photo, session, 55).json()
        waiting = wait_for(client, job["id"], lambda job: job["state"] == "paused" or is_finished(job))
    assert (waiting["state"], waiting["error"]["code"]) == ("paused", "storage_full")
    assert client.post(f"/api/v1/jobs/{job['id']}/resume").json()["error"] is None
    end = wait_for(client, job["id"], is_finished)
    unbroken = finished_job(client, ask(client, photo, session, 55))
    assert (end["state"], end["error"], end["distance"]) == ("succeeded", None, unbroken["distance"])
    assert picture(client, latent_document(end)) == picture(client, latent_document(unbroken))


def test_case_40_a_search_without_a_checkpoint_says_that_there_was_no_room(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = server.app.state.services.blobs
    with monkeypatch.context() as full:
        full.setattr(blobs, "put", lambda _: no_room())
        job = finished_job(client, ask(client, photo, session, 51))
    assert (job["state"], job["error"]["code"]) == ("failed", "storage_full")


def test_case_33_a_search_whose_loss_is_no_number_ends_with_the_closest_picture(
    client: httpx.Client, session: Json, photo: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = lambda: torch.tensor(float("nan"), requires_grad=True)  # noqa: E731
    monkeypatch.setattr(Comparison, "distance", failing(Comparison.distance, nowhere, [6]))
    job = finished_job(client, ask(client, photo, session, 20))
    assert (job["state"], job["error"]["code"]) == ("failed", "diverged")
    assert "step 6" in job["error"]["detail"]
    assert job["step"] == 5
    assert picture(client, latent_document(job))


def test_case_33_a_latent_that_is_no_number_is_not_rendered(
    server: RunningServer, client: httpx.Client, session: Json, photo: Json
) -> None:
    services = server.app.state.services
    job = finished_job(client, ask(client, photo, session, 1))
    found = read_latent(latents.read(services.database, services.blobs, UUID(job["latent"])))
    nothing = Latent(np.full_like(found.ws, np.nan), found.noise, found.generator)
    row = LatentRow(
        id=uuid4(),
        session_id=UUID(session["id"]),
        model="tiny",
        blob=services.blobs.put(latent_file(nothing)),
        created_at=now(),
    )
    with services.database.write() as transaction:
        transaction.add(row)
    answer = client.post("/api/v1/render", json={"document": latent_document({"latent": str(row.id)})})
    assert code(answer) == (422, "not_finite")


def test_case_34_a_device_that_failed_is_said_and_projections_wait_for_the_next_server(
    settings: Settings, astronaut: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    with serving(settings) as server, server.client() as client:
        session, photo = session_with_photo(client, astronaut)
        with monkeypatch.context() as patched:
            patched.setattr(RunningProjection, "step", failing(RunningProjection.step, broken, [4]))
            job = ask(client, photo, session, 8).json()
            waiting = wait_for(client, job["id"], lambda job: job["state"] == "queued" and job["step"] == 3)
            assert waiting["error"] is None
        time.sleep(0.1)
        assert client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "queued"
        monkeypatch.setattr(ModelWorker, "picture", failing(ModelWorker.picture, broken, [1]))
        refused = client.post("/api/v1/render", json={"document": seed_document(1)})
        assert code(refused) == (503, "worker_lost")
        assert "Restart the server" in refused.json()["hint"]
    with serving(settings) as server, server.client() as client:
        assert wait_for(client, job["id"], lambda job: job["state"] == "succeeded")["step"] == 8

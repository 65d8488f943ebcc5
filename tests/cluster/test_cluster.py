"""The application on a real Ray: what it promises while machines come and go."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from uuid import UUID

import httpx
from websockets.sync.client import connect
from websockets.typing import Origin

from models.bundle import load_bundle
from server.documents import Document
from server.engine.cache import FrameCache
from server.engine.frames import encode_png
from server.engine.known_directions import KnownDirections, no_directions
from server.engine.worker import ModelWorker
from tests.cluster.running_cluster import TOKEN, Cluster, computed, kill
from tests.server.harness import Json, seed_document
from tests.server.live_client import Live
from tests.server.projecting import ask, finished_job, is_under_way, latent_document, picture, wait_for

AGAIN_WITHIN_S = 15.0
STEPS = 150  # more than one checkpoint apart


def test_without_a_token_nothing_is_answered(cluster: Cluster) -> None:
    assert httpx.post(f"{cluster.origin}/api/v1/sessions").status_code == 401


def test_a_picture_is_that_of_one_machine_to_the_last_byte(client: httpx.Client, models: Path) -> None:
    edited = seed_document(3, attributes={"age": 40.0})
    worker = ModelWorker(
        load_bundle(models / "tiny"), no_stored, KnownDirections(no_directions), FrameCache(0)
    )
    here = worker.picture(Document.model_validate(edited), worker.generator.img_resolution)
    assert picture(client, edited) == encode_png(here)


def no_stored(latent: UUID) -> bytes:
    raise AssertionError(f"nobody asked for {latent}")


def test_a_refusal_comes_through_as_it_is(client: httpx.Client) -> None:
    answer = client.post("/api/v1/render", json={"document": seed_document(model="nobody")})
    assert answer.status_code == 422
    assert answer.json()["code"] == "unknown_model"


def test_long_work_reports_its_progress_and_gives_its_result(client: httpx.Client) -> None:
    body = {"method": "sefa", "count": 2}
    task = client.post("/api/v1/models/tiny/direction-searches", json=body).raise_for_status().json()
    while (task := client.get(f"/api/v1/tasks/{task['id']}").json())["state"] in ("queued", "running"):
        time.sleep(0.05)
    assert task["state"] == "succeeded", task
    assert task["total"] > 0, "no report came through"
    assert len(task["candidates"]) == 2


def test_a_renderer_that_dies_under_a_moving_slider_is_missed_for_a_moment(
    cluster: Cluster, session: Json
) -> None:
    origin, headers = Origin(cluster.origin), {"Authorization": f"Bearer {TOKEN}"}
    url = cluster.live_url(session["id"])
    with connect(url, origin=origin, proxy=None, additional_headers=headers, close_timeout=1) as connection:
        live = Live(connection)
        seqs = count(1)

        def drag() -> None:
            """One edit, until its picture is there."""
            seq = next(seqs)
            live.edit(seq, seed_document(3, attributes={"age": 20.0 + seq / 10}))
            while not isinstance(frame := live.receive(), tuple) or frame[0].seq != seq:
                assert isinstance(frame, dict), "an older picture"
                assert frame["type"] != "error", frame
            live.ack(seq)

        before = {process: computed(process) for process in cluster.replicas("Renderer")}
        for _ in range(100):
            drag()
        kill(max(before, key=lambda process: computed(process) - before[process]))  # the one that draws them
        killed = time.monotonic()
        slowest = 0.0
        while time.monotonic() < killed + 5:
            begun = time.monotonic()
            drag()
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < AGAIN_WITHIN_S


def test_a_projection_whose_machine_dies_ends_with_the_same_result(
    cluster: Cluster, client: httpx.Client, session: Json, photo: Json
) -> None:
    whole = finished_job(client, ask(client, photo, session, STEPS))
    assert whole["state"] == "succeeded", whole
    broken = ask(client, photo, session, STEPS).raise_for_status().json()
    wait_for(client, broken["id"], lambda job: is_under_way(job) and job["step"] >= STEPS // 2)
    (projector,) = cluster.replicas("Projector")
    kill(projector)
    resumed = wait_for(client, broken["id"], lambda job: job["state"] in ("succeeded", "failed"))
    assert resumed["state"] == "succeeded", resumed
    assert UUID(resumed["latent"]) != UUID(whole["latent"])
    assert resumed["distance"] == whole["distance"]
    assert picture(client, latent_document(resumed)) == picture(client, latent_document(whole))


def test_a_projection_that_is_cancelled_keeps_the_best_so_far(
    client: httpx.Client, session: Json, photo: Json
) -> None:
    job = ask(client, photo, session, 5000).raise_for_status().json()
    wait_for(client, job["id"], is_under_way)
    client.post(f"/api/v1/jobs/{job['id']}/cancel").raise_for_status()
    ended = wait_for(client, job["id"], lambda job: job["state"] == "cancelled")
    assert ended["latent"] is not None

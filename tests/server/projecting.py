"""Asking a server for projections, and waiting for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.server.harness import Json, seed_document

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


def finished_job(client: httpx.Client, answer: httpx.Response) -> Json:
    """The job that was asked for, once it has finished."""
    assert answer.status_code == 202, answer.text
    return wait_for(client, answer.json()["id"], is_finished)


def is_finished(job: Json) -> bool:
    return job["state"] in ("succeeded", "failed", "cancelled")


def is_under_way(job: Json) -> bool:
    return bool(job["state"] == "running" and job["step"] > 0)


def cancel(client: httpx.Client, *jobs: Json) -> None:
    """All of them, and wait until they have ended."""
    for job in jobs:
        client.post(f"/api/v1/jobs/{job['id']}/cancel")
    for job in jobs:
        wait_for(client, job["id"], is_finished)


def latent_document(job: Json, **changes: Any) -> Json:
    base = {"kind": "latent", "latent": job["latent"], "truncation_psi": 1.0, "truncation_cutoff": None}
    return seed_document(**({"base": base} | changes))


def picture(client: httpx.Client, document: Json) -> bytes:
    answer = client.post("/api/v1/render", json={"document": document, "format": "png"})
    assert answer.status_code == 200, answer.text
    return answer.content

"""Waiting for tasks of the API."""

from __future__ import annotations

import time

import httpx

from tests.server.harness import Json


def finished(client: httpx.Client, answer: httpx.Response) -> Json:
    """A task at its end."""
    assert answer.status_code == 202, answer.text
    task: Json = answer.json()
    while task["state"] in ("queued", "running"):
        time.sleep(0.02)
        task = client.get(f"/api/v1/tasks/{task['id']}").json()
    return task

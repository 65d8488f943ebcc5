"""Faces on request over the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.server.harness import Json, seed_document
from tests.server.task_client import finished


def sampled(client: httpx.Client, session: Json, **body: Any) -> Json:
    answer = client.post(
        f"/api/v1/sessions/{session['id']}/samples", json={"model": "tiny", "count": 2} | body
    )
    return finished(client, answer)


def test_faces_have_what_was_asked_for_and_can_be_edited_further(client: httpx.Client, session: Json) -> None:
    task = sampled(client, session, attributes={"age": 60.0, "glasses": 1.0}, light={"strength": 0.6})
    assert (task["state"], task["step"], task["total"]) == ("succeeded", 2, 2)
    first, second = task["samples"]
    assert first["latent"] != second["latent"]
    for sample in (first, second):
        assert (sample["asked"]["age"], sample["asked"]["glasses"]) == (60.0, 1.0)
        base = {"kind": "latent", "latent": sample["latent"]}
        reading = client.post("/api/v1/attributes", json={"document": seed_document(base=base)}).json()
        assert reading["base"] == pytest.approx(sample["reached"], abs=1e-3)
    picture = client.get(first["picture_url"], params={"resolution": 16})
    assert (picture.headers["content-type"], picture.content[:2]) == ("image/jpeg", b"\xff\xd8")


def test_the_same_request_gives_the_same_faces(client: httpx.Client, session: Json) -> None:
    faces = [sampled(client, session, attributes={"age": 30.0}, seed=3)["samples"] for _ in range(2)]
    assert [face["reached"] for face in faces[0]] == [face["reached"] for face in faces[1]]


def test_corrected_faces_read_nearer_to_what_was_asked(client: httpx.Client, session: Json) -> None:
    def missed(corrected: bool) -> float:
        task = sampled(client, session, attributes={"age": 60.0}, count=4, corrected=corrected)
        return float(sum(abs(sample["reached"]["age"] - 60.0) for sample in task["samples"]))

    assert missed(corrected=True) < missed(corrected=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"attributes": {"hat": 1.0}}, "document_does_not_fit"),
        ({"attributes": {"age": 500.0}}, "document_does_not_fit"),
        ({"count": 0}, "invalid_request"),
        ({"count": 17}, "invalid_request"),
        ({"psi": 1.5}, "invalid_request"),
        ({"model": "other"}, "unknown_model"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    client: httpx.Client, session: Json, body: Json, code: str
) -> None:
    answer = client.post(f"/api/v1/sessions/{session['id']}/samples", json={"model": "tiny"} | body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_light_that_blinds_ends_the_task_with_its_reason(client: httpx.Client, session: Json) -> None:
    task = sampled(client, session, light={"brightness": 4.0})
    assert (task["state"], task["error"]["code"]) == ("failed", "document_does_not_fit")

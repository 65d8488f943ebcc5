"""Every failure is problem details, and none repeats what was sent."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from server.problems import CATALOGUE, Problem
from server.settings import Settings
from tests.server.harness import Json, seed_document, serving

MARK = "words-that-nobody-may-repeat"


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert (body["code"], body["status"], body["title"]) == (code, status, CATALOGUE[code][1])
    assert body["type"] == f"about:blank#{code}"
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]


def test_an_unknown_address_is_a_problem(client: httpx.Client) -> None:
    assert_problem(client.get("/nowhere", headers={"Accept": "text/html"}), 404, "not_found")
    assert_problem(client.get("/api/v1/nowhere"), 404, "not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_one(client: httpx.Client) -> None:
    answer = client.delete("/api/v1/sessions")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["sessions", "photos", "jobs"])
def test_an_id_that_does_not_exist_is_not_found_and_one_that_cannot_is_invalid(
    client: httpx.Client, path: str
) -> None:
    ending = {"photos": "/image"}.get(path, "")
    code = {"sessions": "unknown_session", "photos": "unknown_photo", "jobs": "unknown_job"}[path]
    assert_problem(client.get(f"/api/v1/{path}/{uuid4()}{ending}"), 404, code)
    assert_problem(client.get(f"/api/v1/{path}/{MARK}{ending}"), 422, "invalid_request")
    assert client.get(f"/api/v1/{path}/..%2f..%2fetc{ending}").status_code in (404, 422)


@pytest.mark.parametrize(
    "document",
    [
        {MARK: 1},
        seed_document(**{MARK: 1}),
        seed_document(base={"kind": MARK}),
        seed_document(base={"kind": "latent", "latent": MARK}),
        seed_document(attributes={MARK: 1.0}),
        seed_document(model=MARK.upper()),
        seed_document(noise=MARK),
    ],
    ids=lambda document: ", ".join(document)[:50],
)
def test_an_invalid_body_is_not_repeated(client: httpx.Client, document: Json) -> None:
    answer = client.post("/api/v1/render", json={"document": document})
    assert_problem(answer, 422, "invalid_request")
    assert answer.json()["errors"]
    assert MARK.lower() not in answer.text.lower()


@pytest.mark.parametrize(
    "body",
    ['{"document": NaN}', '{"document": 1, "document": 2}', "[" * 10_000, "{", "\x00"],
    ids=["nan", "key twice", "deep", "cut off", "nul"],
)
def test_a_body_that_is_not_strictly_json_is_invalid(client: httpx.Client, body: str) -> None:
    answer = client.post("/api/v1/render", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "invalid_request")


def test_a_form_that_cannot_be_read_is_a_problem(client: httpx.Client, session: Json) -> None:
    answer = client.post(
        f"/api/v1/sessions/{session['id']}/photos",
        content=b"not a form",
        headers={"Content-Type": "multipart/form-data"},
    )
    assert_problem(answer, 400, "bad_request")


def test_an_unexpected_error_tells_nothing_and_is_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(settings) as server, server.client() as client:
        session = client.post("/api/v1/sessions").json()

        def fail(*_: object) -> None:
            raise RuntimeError(MARK)

        server.app.state.services.engine.listing = fail
        with caplog.at_level(logging.ERROR, "server.gate"):
            answer = client.get("/api/v1/models")
        assert_problem(answer, 500, "internal_error")
        assert MARK not in answer.text
        assert "content-security-policy" in answer.headers
        assert MARK in caplog.text
        assert answer.json()["request_id"] in caplog.text
        assert client.get(f"/api/v1/sessions/{session['id']}").status_code == 200


def test_a_problem_needs_a_code_of_the_catalogue() -> None:
    with pytest.raises(KeyError):
        Problem("no_such_code", "…")


def test_the_sources_raise_only_codes_of_the_catalogue_and_all_of_them(repository: Path) -> None:
    sources = [path for path in (repository / "server").rglob("*.py") if path.name != "problems.py"]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    assert not {code for code in CATALOGUE if f'"{code}"' not in text}

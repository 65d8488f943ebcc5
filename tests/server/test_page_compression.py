"""How much the page weighs on its way, and what is sent as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from server.page_compression import PageCompression

LARGEST_PAGE = 200_000  # bytes, without pictures
GZIP = {"accept-encoding": "gzip"}


@pytest.fixture(scope="module")
def client(repository: Path) -> Iterator[TestClient]:
    """The page of the repository, and an address of the API that answers at length."""
    routes = [
        Route("/api/long.js", lambda _: PlainTextResponse("a" * 5000)),
        Mount("/", StaticFiles(directory=repository / "frontend", html=True)),
    ]
    with TestClient(PageCompression(Starlette(routes=routes))) as client:
        yield client


def sent(client: TestClient, path: str, headers: dict[str, str]) -> int:
    """Bytes of the body on the wire."""
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.is_success
        return sum(len(part) for part in answer.iter_raw())


def test_the_page_with_all_that_it_loads_weighs_little(client: TestClient) -> None:
    html = client.get("/").text
    parts = re.findall(r'(?:href|src)="([^"]+\.(?:js|css|svg))"', html)
    assert len(parts) > 40
    assert sum(sent(client, f"/{path}", GZIP) for path in ("", *parts)) < LARGEST_PAGE


def test_a_file_arrives_whole_whether_compressed_or_not(client: TestClient, repository: Path) -> None:
    script = (repository / "frontend" / "state.js").read_text("utf-8")
    for headers in (GZIP, {"accept-encoding": "identity"}):
        assert client.get("/state.js", headers=headers).text == script
    assert (
        sent(client, "/state.js", GZIP)
        < len(script) / 2
        < sent(client, "/state.js", {"accept-encoding": "x"})
    )


def test_parts_of_files_and_answers_of_the_api_are_sent_as_they_are(client: TestClient) -> None:
    assert sent(client, "/state.js", GZIP | {"range": "bytes=0-1999"}) == 2000
    assert sent(client, "/api/long.js", GZIP) == 5000

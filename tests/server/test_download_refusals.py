"""Fetching from servers that send too much, lead elsewhere, refuse or are not there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from server.checkpoints.download import DownloadError, DownloadLimits, download, may_lead_to
from tests.server.downloading import CONTENT, PATIENT, SHA256, failure, fetch, names
from tests.server.file_server import FileServer, ServedFile, file_server


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files["/network.pkl"] = ServedFile(CONTENT)
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "network.pkl"


def test_a_file_larger_than_the_limit_is_refused(server: FileServer, target: Path) -> None:
    message = failure(server, target, limits=DownloadLimits(max_bytes=200_000))
    assert "has 0.3 MB, more than 0.2 MB." in message
    assert len(server.seen) == 1


def test_a_server_that_hides_the_length_cannot_send_without_end(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].says_length = False
    assert "sends more than the 0.2 MB" in failure(server, target, limits=DownloadLimits(max_bytes=200_000))
    assert fetch(server, target, sha256=SHA256).bytes == len(CONTENT)


def test_a_packed_answer_is_refused(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].encoding = "gzip"
    assert "sends the file packed" in failure(server, target)


def test_redirects_are_followed(server: FileServer, target: Path) -> None:
    server.redirects = {"/latest": "/1/latest", "/1/latest": server.url("/network.pkl")}
    fetch(server, target, "/latest", sha256=SHA256)
    assert [seen.path for seen in server.seen] == ["/latest", "/1/latest", "/network.pkl"]


def test_redirects_in_a_circle_end(server: FileServer, target: Path) -> None:
    server.redirects = {"/a": "/b", "/b": "/a"}
    assert "redirects more than 5 times" in failure(server, target, "/a")
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "place", ["http://example.com/network.pkl", "file:///etc/passwd", "ftp://127.0.0.1/x", "//example.com/x"]
)
def test_a_redirect_to_anything_but_https_is_not_followed(
    server: FileServer, target: Path, place: str
) -> None:
    server.redirects = {"/a": place}
    assert "which is not https; it was not followed" in failure(server, target, "/a")


@pytest.mark.parametrize(
    ("place", "further", "followed"),
    [
        ("https://example.com/a", "https://other.org/b", True),
        ("https://example.com/a", "http://other.org/b", False),
        ("https://example.com/a", "http://127.0.0.1/b", False),
        ("http://127.0.0.1/a", "http://127.0.0.1/b", True),
        ("http://127.0.0.1/a", "https://other.org/b", True),
        ("http://127.0.0.1/a", "http://other.org/b", False),
        ("https://example.com/a", "https://name:word@other.org/b", False),
    ],
)
def test_no_redirect_leads_from_https_to_http(place: str, further: str, followed: bool) -> None:
    assert may_lead_to(httpx2.URL(place), httpx2.URL(further)) is followed


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/network.pkl",
        "http://10.0.0.1/network.pkl",
        "file:///etc/passwd",
        "ftp://example.com/network.pkl",
        "https://name:word@example.com/network.pkl",
        "https:///network.pkl",
        "https://exa mple.com/network.pkl",
        "https://example.com:port/network.pkl",
        "network.pkl",
    ],
)
def test_an_address_that_is_not_https_is_never_asked(target: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="is not an https address; nothing was fetched"):
        download(url, target, sha256=None, size=None, progress=lambda _done, _total: None)
    assert names(target) == set()


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_file_is_said_at_once(server: FileServer, target: Path, status: int) -> None:
    server.files["/network.pkl"].statuses = [status]
    assert failure(server, target).startswith(f"There is no file at {server.url('/network.pkl')}")
    assert len(server.seen) == 1


def test_a_refusal_is_said_at_once(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].statuses = [403]
    assert "(it says 403)" in failure(server, target)
    assert len(server.seen) == 1


def test_a_busy_server_is_asked_again(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].statuses = [503, 429, 500]
    fetch(server, target, sha256=SHA256)
    assert len(server.seen) == 4


def test_a_server_that_stays_busy_is_given_up(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].statuses = [503] * 9
    assert failure(server, target) == "Fetching from 127.0.0.1 failed: it says 503."
    assert len(server.seen) == PATIENT.attempts


def test_connections_that_bring_nothing_new_are_given_up(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000] + [0] * 9
    assert "0.1 MB of 0.3 MB are here" in failure(server, target)
    assert len(server.seen) == PATIENT.attempts


def test_a_server_that_is_not_there_is_said_plainly_and_not_waited_for(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_waits(_seconds: float) -> None:
        raise AssertionError("a machine without a network was made to wait")

    monkeypatch.setattr("time.sleep", nobody_waits)
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/network.pkl"
        with pytest.raises(DownloadError) as caught:
            download(url, target, sha256=None, size=None, progress=lambda _done, _total: None)
    assert str(caught.value).startswith("127.0.0.1 cannot be reached (")
    assert str(caught.value).endswith("is this machine online?")


def test_a_server_that_stops_answering_is_given_up(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/network.pkl"
        limits = DownloadLimits(attempts=1, read_s=0.2)
        with pytest.raises(DownloadError, match=r"127.0.0.1 stopped answering\."):
            download(url, target, sha256=None, size=None, progress=lambda _d, _t: None, limits=limits)

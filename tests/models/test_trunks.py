"""Files of weights from elsewhere: downloaded whole or not at all, checked before they are read."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from models.projection.trunks import TRUNKS, Trunk, TrunkError, download, load_checked, load_trunk

CONTENT = bytes(range(256)) * 5000


class Files(BaseHTTPRequestHandler):
    """/whole is CONTENT, /cut promises all of it and sends half, anything else is missing."""

    def do_GET(self) -> None:
        if self.path not in ("/whole", "/cut"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[: len(CONTENT) // 2])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def downloads_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LATENTLOOM_OFFLINE", raising=False)


def test_a_download_arrives_whole(site: str, tmp_path: Path) -> None:
    path = tmp_path / "hub" / "file.pth"
    download(f"{site}/whole", path, len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("file", "limit", "reason"),
    [("cut", len(CONTENT), "ended before|broke"), ("whole", 1000, "larger"), ("none", len(CONTENT), "404")],
)
def test_a_download_that_goes_wrong_leaves_nothing_behind(
    site: str, tmp_path: Path, file: str, limit: int, reason: str
) -> None:
    with pytest.raises(OSError, match=reason):
        download(f"{site}/{file}", tmp_path / "file.pth", limit)
    assert list(tmp_path.iterdir()) == []


def test_the_offline_switch_forbids_every_download(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENTLOOM_OFFLINE", "1")
    with pytest.raises(OSError, match="switched off by LATENTLOOM_OFFLINE"):
        download(f"{site}/whole", tmp_path / "file.pth", len(CONTENT))


def test_a_missing_trunk_without_a_network_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("LATENTLOOM_OFFLINE", "1")
    with pytest.raises(TrunkError) as caught:
        load_trunk(TRUNKS["squeeze"])
    message = str(caught.value)
    assert "squeezenet1_1-b8a52dc0.pth (5 MB)" in message
    assert str(tmp_path / "hub" / "checkpoints") in message
    assert "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth" in message


def test_a_download_of_something_else_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def fetch(url: str, path: Path, limit: int) -> None:  # noqa: ARG001
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)

    with pytest.raises(TrunkError, match="does not begin with 12345678"):
        load_trunk(Trunk("weights.pth", "12345678", 1), fetch)


def test_every_known_trunk_carries_its_hash_in_its_name() -> None:
    assert all(trunk.file.endswith(f"-{trunk.sha256}.pth") for trunk in TRUNKS.values())


def test_tensors_are_read_from_a_file_whose_hash_is_right(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.arange(3.0)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert torch.equal(load_checked(path, digest[:8])["weight"], torch.arange(3.0))


def test_code_inside_a_file_is_not_executed_even_where_its_hash_is_right(tmp_path: Path) -> None:
    victim = tmp_path / "victim"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (victim,))

    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps({"weight": Bomb()}, protocol=2))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(TrunkError, match="not a file of weights"):
        load_checked(path, digest[:8])
    assert not victim.exists()

"""Fetching from a real HTTP server: what arrives is whole and the right file, or is kept to go on from."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.checkpoints.download import Downloaded, DownloadLimits, WrongFileError
from server.checkpoints.partial_file import PartialFile
from tests.server.downloading import CONTENT, SHA256, failure, fetch, names
from tests.server.file_server import FileServer, Seen, ServedFile, file_server

OTHER = CONTENT[::-1]
ONE_ATTEMPT = DownloadLimits(attempts=1)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files["/network.pkl"] = ServedFile(CONTENT)
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "network.pkl"


def ranges(server: FileServer) -> list[str | None]:
    return [seen.range for seen in server.seen]


def test_a_file_arrives_whole_and_leaves_nothing_else_behind(server: FileServer, target: Path) -> None:
    result = fetch(server, target, sha256=SHA256, size=len(CONTENT))
    assert result == Downloaded(target, SHA256, len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert names(target) == {"network.pkl"}


def test_progress_is_told_up_to_the_end(server: FileServer, target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    on_disk: list[int] = []

    def note(done: int, total: int | None) -> None:
        told.append((done, total))
        on_disk.append((target.parent / "network.pkl.part").stat().st_size)

    fetch(server, target, progress=note)
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)
    assert on_disk == [done for done, _ in told]  # what is told is kept, whatever ends the process


def test_a_dropped_connection_is_taken_up_where_it_broke(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000, 50_000]
    fetch(server, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert server.seen == [
        Seen("/network.pkl", None, None),
        Seen("/network.pkl", "bytes=100000-", '"first"'),
        Seen("/network.pkl", "bytes=150000-", '"first"'),
    ]


def test_a_later_run_goes_on_from_what_an_earlier_one_left(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000]
    message = failure(server, target, limits=ONE_ATTEMPT)
    assert "0.1 MB of 0.3 MB are here: the same command goes on from there." in message
    assert names(target) == {"network.pkl.part", "network.pkl.part.json"}
    assert (target.parent / "network.pkl.part").read_bytes() == CONTENT[:100_000]
    told: list[int] = []
    fetch(server, target, sha256=SHA256, progress=lambda done, _: told.append(done))
    assert ranges(server) == [None, "bytes=100000-"]
    assert told[0] == 100_000
    assert target.read_bytes() == CONTENT


def test_a_date_serves_where_there_is_no_entity_tag(server: FileServer, target: Path) -> None:
    file = server.files["/network.pkl"]
    file.etag, file.modified = None, "Sat, 21 Nov 2026 10:00:00 GMT"
    file.hang_up_after = [100_000]
    fetch(server, target, sha256=SHA256)
    assert server.seen[1] == Seen("/network.pkl", "bytes=100000-", "Sat, 21 Nov 2026 10:00:00 GMT")


@pytest.mark.parametrize("etag", ['W/"weak"', None])
def test_a_part_without_a_version_is_not_gone_on_with(
    server: FileServer, target: Path, etag: str | None
) -> None:
    server.files["/network.pkl"].etag = etag
    server.files["/network.pkl"].hang_up_after = [100_000]
    fetch(server, target, sha256=SHA256)
    assert ranges(server) == [None, None]


def test_a_server_without_ranges_starts_again(server: FileServer, target: Path) -> None:
    file = server.files["/network.pkl"]
    file.ranges, file.hang_up_after = False, [100_000]
    fetch(server, target, sha256=SHA256)
    assert ranges(server) == [None, "bytes=100000-"]
    assert target.read_bytes() == CONTENT


def test_a_file_that_was_replaced_meanwhile_starts_again(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000]
    failure(server, target, limits=ONE_ATTEMPT)
    server.files["/network.pkl"] = ServedFile(OTHER, etag='"second"')
    fetch(server, target)
    assert target.read_bytes() == OTHER


def test_a_file_that_grew_is_not_glued_to_the_old_start(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000]
    failure(server, target, limits=ONE_ATTEMPT)
    grown = OTHER + b"more"
    server.files["/network.pkl"] = ServedFile(grown, etag=None, careless=True)
    fetch(server, target)
    assert ranges(server)[1:] == ["bytes=100000-", None]
    assert target.read_bytes() == grown


def test_another_version_of_the_same_length_is_not_glued_to_the_old_start(
    server: FileServer, target: Path
) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000]
    failure(server, target, limits=ONE_ATTEMPT)
    server.files["/network.pkl"] = ServedFile(OTHER, etag='"second"', careless=True)
    fetch(server, target)
    assert target.read_bytes() == OTHER


def test_a_file_that_shrank_is_fetched_anew(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000]
    failure(server, target, limits=ONE_ATTEMPT)
    server.files["/network.pkl"] = ServedFile(OTHER[:5000], etag=None, careless=True)
    fetch(server, target)
    assert target.read_bytes() == OTHER[:5000]


def test_a_part_of_another_address_is_thrown_away(server: FileServer, target: Path) -> None:
    server.files["/other.pkl"] = ServedFile(OTHER, hang_up_after=[100_000])
    failure(server, target, "/other.pkl", limits=ONE_ATTEMPT)
    fetch(server, target, sha256=SHA256)
    assert ranges(server) == [None, None]


@pytest.mark.parametrize("label", ["", "[]", '{"url": 3}', "{", "nonsense\x00"])
def test_a_part_whose_label_is_damaged_is_thrown_away(server: FileServer, target: Path, label: str) -> None:
    (target.parent / "network.pkl.part").write_bytes(b"something")
    (target.parent / "network.pkl.part.json").write_text(label)
    fetch(server, target, sha256=SHA256)
    assert ranges(server) == [None]


def test_another_file_than_the_expected_one_is_deleted(server: FileServer, target: Path) -> None:
    with pytest.raises(WrongFileError) as caught:
        fetch(server, target, sha256="0" * 64)
    assert f"its sha256 is {SHA256}, not {'0' * 64}. It was deleted." in str(caught.value)
    assert names(target) == set()


def test_a_part_that_was_tampered_with_ends_in_another_hash(server: FileServer, target: Path) -> None:
    server.files["/network.pkl"].hang_up_after = [100_000]
    failure(server, target, limits=ONE_ATTEMPT)
    (target.parent / "network.pkl.part").write_bytes(b"x" * 100_000)
    with pytest.raises(WrongFileError):
        fetch(server, target, sha256=SHA256)
    assert names(target) == set()


def test_another_size_than_the_known_one_is_refused_before_a_byte_is_kept(
    server: FileServer, target: Path
) -> None:
    with pytest.raises(WrongFileError, match="has 300,000 bytes; the one that is wanted has 300,001"):
        fetch(server, target, size=300_001)
    assert names(target) == set()


def test_a_body_without_length_that_breaks_off_is_not_taken_for_whole(
    server: FileServer, target: Path
) -> None:
    file = server.files["/network.pkl"]
    file.says_length, file.hang_up_after = False, [100_000]
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_a_file_that_ends_before_its_known_size_is_not_taken_for_whole(
    server: FileServer, target: Path
) -> None:
    server.files["/network.pkl"] = ServedFile(CONTENT[:1000], etag=None, says_length=False)
    message = failure(server, target, size=len(CONTENT))
    assert message == "Fetching from 127.0.0.1 failed: it ended early."
    assert names(target) == set()  # without a version it could not be gone on with


def test_a_full_disk_keeps_what_arrived_and_says_so(server: FileServer, target: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # what the system lets a file grow to
    try:
        message = failure(server, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert message.startswith(f"The disk with {target.parent} is full")
    assert not target.exists()
    fetch(server, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_ctrl_c_leaves_a_part_to_go_on_from(server: FileServer, target: Path) -> None:
    def stop_half_way(done: int, _total: int | None) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, target, progress=stop_half_way)
    kept = (target.parent / "network.pkl.part").stat().st_size
    assert kept > 100_000
    fetch(server, target, sha256=SHA256)
    assert ranges(server) == [None, f"bytes={kept}-"]


def test_a_part_that_is_whole_already_is_not_asked_for_again(server: FileServer, target: Path) -> None:
    def stop_at_the_end(done: int, _total: int | None) -> None:
        if done == len(CONTENT):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, target, progress=stop_at_the_end)
    fetch(server, target, sha256=SHA256)
    assert len(server.seen) == 1


def test_two_at_once_do_not_write_into_one_file(server: FileServer, target: Path) -> None:
    with PartialFile(target, server.url("/network.pkl")).held():
        assert failure(server, target) == "network.pkl is being fetched by another process."
    fetch(server, target, sha256=SHA256)

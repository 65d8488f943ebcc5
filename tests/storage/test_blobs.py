"""Files by their hash, in a folder and in a bucket of a real server that speaks S3."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from server.problems import Problem
from server.storage.blob_keys import key_of
from server.storage.blob_places import open_blobs
from server.storage.blobs import BlobStore, UnusableBlobsError
from server.storage.folder_blobs import FolderBlobs

NOWHERE = "http://127.0.0.1:1"  # a port that nobody listens on


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Each kind of place in turn, empty."""
    url = request.getfixturevalue("bucket") if request.param == "bucket" else None
    return open_blobs(url, tmp_path / "blobs")


def keys(blobs: BlobStore) -> tuple[list[str], list[str]]:
    """Stored and discarded."""
    return [entry.key for entry in blobs.stored()], [entry.key for entry in blobs.discarded()]


def overwrite(blobs: BlobStore, key: str, data: bytes) -> None:
    """As a failing disk does it, behind the back of the store."""
    if isinstance(blobs, FolderBlobs):
        (blobs.folder / key[:2] / key).write_bytes(data)
    else:
        vars(blobs)["_client"].put_object(Bucket=vars(blobs)["_bucket"], Key=f"faces/{key}", Body=data)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_blob_is_found_by_its_content(blobs: BlobStore) -> None:
    key = blobs.put(b"content")
    assert blobs.put(b"content") == key == key_of(b"content")
    assert blobs.read(key) == b"content"
    assert keys(blobs) == ([key], [])
    (entry,) = blobs.stored()
    assert entry.since.tzinfo is not None


def test_what_is_discarded_comes_back_when_it_is_read_until_it_is_erased(blobs: BlobStore) -> None:
    key = blobs.put(b"content")
    blobs.discard(key)
    assert keys(blobs) == ([], [key])
    assert blobs.read(key) == b"content"
    assert keys(blobs) == ([key], [])
    blobs.discard(key)
    blobs.discard(key)
    blobs.erase(key)
    blobs.erase(key)
    with pytest.raises(Problem, match="stored_file_lost"):
        blobs.read(key)
    assert keys(blobs) == ([], [])


def test_what_is_stored_again_is_there_again(blobs: BlobStore) -> None:
    key = blobs.put(b"content")
    blobs.discard(key)
    blobs.put(b"content")
    blobs.erase(key)
    assert blobs.read(key) == b"content"


def test_a_damaged_blob_is_never_handed_out(blobs: BlobStore) -> None:
    key = blobs.put(b"content")
    overwrite(blobs, key, b"contend")
    with pytest.raises(Problem, match="stored_file_lost"):
        blobs.read(key)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 63 + "/"])
def test_only_a_hash_is_a_key(blobs: BlobStore, key: str) -> None:
    for use in (blobs.read, blobs.discard, blobs.restore, blobs.erase):
        with pytest.raises(ValueError, match="blob key"):
            use(key)


def test_a_full_disk_is_a_problem_and_leaves_no_half_blob(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    blobs = FolderBlobs(tmp_path / "blobs")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="storage_full"):
        blobs.put(b"content")
    assert files(blobs.folder) == []


def test_what_a_killed_server_left_half_written_is_removed_a_day_later(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    key = blobs.put(b"content")
    old, new = (blobs.folder / key[:2] / f".part-{name}" for name in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"cont")
    os.utime(old, (0, 0))
    os.utime(blobs.folder / key[:2] / key, (0, 0))
    FolderBlobs(blobs.folder)
    assert sorted(path.name for path in files(blobs.folder)) == [".part-new", key]


def test_a_bucket_that_does_not_answer_is_a_problem_without_its_secrets(
    bucket: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    blobs = open_blobs(bucket, tmp_path)
    vars(blobs)["_bucket"] = "not-there"
    with pytest.raises(Problem, match="storage_unavailable") as refusal:
        blobs.put(b"content")
    assert "very-secret" not in caplog.text + str(refusal.value)
    assert "NoSuchBucket" in caplog.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://bucket/", "no address of a bucket"),
        ("s3:///prefix", "no address of a bucket"),
        ("s3://bucket?acl=public", "no address of a bucket"),
        ("s3://bucket?endpoint=nowhere", "no address of a bucket"),
        ("s3://id:very-secret@bucket/", "holds credentials"),
        (f"s3://bucket?endpoint={NOWHERE}&region=x", "cannot be reached"),
    ],
)
def test_an_address_of_no_bucket_is_refused_at_the_start(
    url: str, said: str, tmp_path: Path, credentials: None
) -> None:
    del credentials
    with pytest.raises(UnusableBlobsError, match=said) as refusal:
        open_blobs(url, tmp_path)
    assert "very-secret" not in str(refusal.value)

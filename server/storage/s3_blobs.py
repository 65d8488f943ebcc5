"""Blobs as objects of a bucket: <prefix><sha256>, and <prefix>discarded/<sha256>; S3 or what speaks like it.

boto3 finds the credentials where it always does: environment, profile, role of the machine.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from server.problems import Problem
from server.storage.blob_keys import KEY, checked_content, checked_key, key_of, lost
from server.storage.blobs import Stored, UnusableBlobsError

log = logging.getLogger(__name__)
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 5, 20, 3
MISSING = {"404", "NoSuchKey", "NotFound"}
FULL = {"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507"}
FORM = "s3://bucket/prefix?endpoint=https://host&region=name"


class _Missing(Exception):
    """There is no such object."""


def open_s3(url: str) -> S3Blobs:
    """Raises UnusableBlobsError where the address is none, or the bucket cannot be reached."""
    parts = urlsplit(url)
    further = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme != "s3" or not parts.netloc or set(further) - {"endpoint", "region"}:
        raise UnusableBlobsError(f"LATENTLOOM_BLOBS_URL is no address of a bucket: {FORM}.")
    if "@" in parts.netloc:
        raise UnusableBlobsError(
            "LATENTLOOM_BLOBS_URL holds credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead."
        )
    endpoint, region = (further.get(name, [None])[0] for name in ("endpoint", "region"))
    blobs = S3Blobs(_client(endpoint, region), parts.netloc, parts.path.strip("/"))
    try:
        blobs.check()
    except (Problem, _Missing) as error:
        raise UnusableBlobsError(
            f"The bucket {parts.netloc} cannot be reached. Check LATENTLOOM_BLOBS_URL, the credentials in "
            "the environment, and that it exists."
        ) from error
    return blobs


class S3Blobs:
    """Each request is tried a few times, for some seconds; then it is a Problem, as BlobStore says."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client, self._bucket = client, bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def check(self) -> None:
        """The bucket answers."""
        with _as_problems():
            self._client.head_bucket(Bucket=self._bucket)

    def put(self, data: bytes) -> str:
        """The other side checks the hash before it says that it has it."""
        key = key_of(data)
        if self._size(self._name(key)) != len(data):
            checksum = base64.b64encode(bytes.fromhex(key)).decode()
            with _as_problems():
                self._client.put_object(
                    Bucket=self._bucket, Key=self._name(key), Body=data, ChecksumSHA256=checksum
                )
        return key

    def read(self, key: str) -> bytes:
        """A discarded one is brought back: somebody names it after all."""
        try:
            data = self._get(self._name(key))
        except _Missing:
            self.restore(key)
            try:
                data = self._get(self._name(key))
            except _Missing as error:
                raise lost(key) from error
        return checked_content(key, data)

    def discard(self, key: str) -> None:
        """It may be gone already."""
        self._move(self._name(key), self._discarded(key))

    def restore(self, key: str) -> None:
        """Nothing happens where it was not discarded."""
        self._move(self._discarded(key), self._name(key))

    def erase(self, key: str) -> None:
        """It may have been brought back meanwhile."""
        with _as_problems():
            self._client.delete_object(Bucket=self._bucket, Key=self._discarded(key))

    def stored(self) -> Iterator[Stored]:
        """Everything under the prefix that is named like a blob."""
        return self._listed(self._prefix)

    def discarded(self) -> Iterator[Stored]:
        """since: when it was discarded."""
        return self._listed(f"{self._prefix}discarded/")

    def _name(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _discarded(self, key: str) -> str:
        return f"{self._prefix}discarded/{checked_key(key)}"

    def _size(self, name: str) -> int | None:
        try:
            with _as_problems():
                return int(self._client.head_object(Bucket=self._bucket, Key=name)["ContentLength"])
        except _Missing:
            return None

    def _get(self, name: str) -> bytes:
        with _as_problems():
            answer = self._client.get_object(Bucket=self._bucket, Key=name)
            data: bytes = answer["Body"].read()
            return data

    def _move(self, source: str, target: str) -> None:
        try:
            with _as_problems():
                place = {"Bucket": self._bucket, "Key": source}
                self._client.copy_object(Bucket=self._bucket, Key=target, CopySource=place)
                self._client.delete_object(Bucket=self._bucket, Key=source)
        except _Missing:
            return

    def _listed(self, prefix: str) -> Iterator[Stored]:
        further: dict[str, str] = {}
        while True:
            with _as_problems():
                page = self._client.list_objects_v2(
                    Bucket=self._bucket, Prefix=prefix, Delimiter="/", **further
                )
            for entry in page.get("Contents", ()):
                key = entry["Key"].removeprefix(prefix)
                if KEY.fullmatch(key):
                    yield Stored(key, entry["LastModified"])
            if not page["IsTruncated"]:
                return
            further = {"ContinuationToken": page["NextContinuationToken"]}


def _client(endpoint: str | None, region: str | None) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise UnusableBlobsError(
            "S3-compatible storage needs a package: pip install 'latentloom[s3]', then start again."
        ) from error
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    try:
        return boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise UnusableBlobsError(f"LATENTLOOM_BLOBS_URL is no address of a bucket: {FORM}.") from error


@contextmanager
def _as_problems() -> Iterator[None]:
    """Errors of S3 without what the request was, which is in their texts."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in MISSING:
            raise _Missing from None
        log.warning("the storage of files refused a request: %s", code)
        if code in FULL:
            raise Problem("storage_full", "There is no room left in the storage of files.") from None
        raise _unavailable() from None
    except BotoCoreError as error:
        log.warning("the storage of files does not answer: %s", type(error).__name__)
        raise _unavailable() from None


def _unavailable() -> Problem:
    detail = "The storage of files does not answer."
    return Problem("storage_unavailable", detail, "Try again in a moment.", retry_after_s=5)

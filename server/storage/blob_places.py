"""Where blobs are kept: a folder, or a bucket."""

from __future__ import annotations

from pathlib import Path

from server.storage.blobs import BlobStore
from server.storage.folder_blobs import FolderBlobs
from server.storage.s3_blobs import open_s3


def open_blobs(url: str | None, folder: Path) -> BlobStore:
    """url: s3://bucket/prefix?endpoint=https://host; none: the folder. Raises UnusableBlobsError."""
    return open_s3(url) if url else FolderBlobs(folder)

"""Rows of latents, and reading the bytes behind one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from server.problems import Problem
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import LatentRow


def read(database: Database, blobs: BlobStore, latent_id: UUID) -> bytes:
    """The safetensors file of a latent. Raises Problem unknown_latent."""
    with database.read() as transaction:
        blob = transaction.scalar(select(LatentRow.blob).where(LatentRow.id == latent_id))
    if blob is None:
        raise Problem("unknown_latent", "There is no such latent: it was deleted, or made by another server.")
    return blobs.read(blob)

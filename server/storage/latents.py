"""Rows of latents, and reading the bytes behind one."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import select

from server.problems import Problem
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import LatentRow, now


def create(database: Database, session_id: UUID, model: str, blob: str) -> LatentRow:
    """A row for a stored file."""
    row = LatentRow(id=uuid4(), session_id=session_id, model=model, blob=blob, created_at=now())
    with database.write() as transaction:
        transaction.add(row)
    return row


def model_of(database: Database, latent_id: UUID) -> str:
    """The name of the model that it was made with. Raises Problem unknown_latent."""
    with database.read() as transaction:
        model = transaction.scalar(select(LatentRow.model).where(LatentRow.id == latent_id))
    if model is None:
        raise _unknown()
    return model


def read(database: Database, blobs: BlobStore, latent_id: UUID) -> bytes:
    """The safetensors file of a latent. Raises Problem unknown_latent."""
    with database.read() as transaction:
        blob = transaction.scalar(select(LatentRow.blob).where(LatentRow.id == latent_id))
    if blob is None:
        raise _unknown()
    return blobs.read(blob)


def _unknown() -> Problem:
    return Problem("unknown_latent", "There is no such latent: it was deleted, or made by another server.")

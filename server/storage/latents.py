"""Rows of latents, and reading the bytes behind one."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.problems import Problem
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.named import ids_in
from server.storage.tables import LatentRow, now


def create(database: Database, session_id: UUID, model: str, blob: str) -> LatentRow:
    """A row for a stored file."""
    row = LatentRow(id=uuid4(), session_id=session_id, model=model, blob=blob, created_at=now())
    with database.write() as transaction:
        transaction.add(row)
    return row


def find_or_create(database: Database, session_id: UUID, model: str, blob: str) -> LatentRow:
    """The session's row for a stored file that may have come before."""
    own = (LatentRow.session_id == session_id, LatentRow.model == model, LatentRow.blob == blob)
    with database.read() as transaction:
        row = transaction.scalar(select(LatentRow).where(*own).limit(1))
    return row or create(database, session_id, model, blob)


def hold(transaction: Session, document: dict[str, Any]) -> None:
    """Until the end of the transaction, which stores document, nobody collects the latents named there."""
    named = select(LatentRow.id).where(LatentRow.id.in_(ids_in(document))).order_by(LatentRow.id)
    transaction.execute(named.with_for_update(read=True, key_share=True)).all()


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

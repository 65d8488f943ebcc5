"""What crosses the wire about the history of a session."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from server.documents import STRICT, Document
from server.photo_messages import ANSWER
from server.storage.tables import HistoryRow

NodeName = Annotated[str, Field(max_length=80)]


class HistoryNode(BaseModel):
    """parent: null for the first. number: in the order in which they were made. visited: the highest is where
    the session stands; of several children the one with the highest is where redo leads.
    """

    model_config = ANSWER
    id: UUID
    parent: UUID | None
    number: int
    visited: int
    name: str
    document: Document
    created_at: datetime


class EditHistory(BaseModel):
    """nodes: oldest first, so parents before children. limit: how many there may be."""

    model_config = ANSWER
    nodes: list[HistoryNode]
    current: UUID
    limit: int


class NewHistoryNode(BaseModel):
    """id: a random UUID of the client's; the same one again adds nothing."""

    model_config = STRICT
    id: UUID
    parent: UUID
    document: Document
    name: NodeName = ""


class HistoryExtension(BaseModel):
    """nodes: parents before children; may be empty. current: which one to stand on, a new one or not."""

    model_config = STRICT
    nodes: Annotated[list[NewHistoryNode], Field(max_length=64)] = []
    current: UUID


class NodeChange(BaseModel):
    """An empty name is none."""

    model_config = STRICT
    name: NodeName


class RemovedNodes(BaseModel):
    model_config = ANSWER
    removed: list[UUID]


def node_answer(row: HistoryRow) -> HistoryNode:
    """The answer that describes a node."""
    return HistoryNode(
        id=row.id,
        parent=row.parent_id,
        number=row.number,
        visited=row.visited,
        name=row.name,
        document=Document.model_validate(row.document),
        created_at=row.created_at,
    )

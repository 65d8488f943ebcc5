"""The history of a session: a tree of documents, and the one in it that the session stands on."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from server.history_messages import (
    EditHistory,
    HistoryExtension,
    HistoryNode,
    NodeChange,
    RemovedNodes,
    node_answer,
)
from server.services import ServicesDep
from server.storage import history
from server.strict_json import StrictJsonRoute

router = APIRouter(
    prefix="/api/v1/sessions/{session_id}/history", tags=["history"], route_class=StrictJsonRoute
)


@router.get("")
def get_history(session_id: UUID, services: ServicesDep) -> EditHistory:
    """All of it."""
    rows = history.of_session(services.database, session_id)
    current = max(rows, key=lambda row: row.visited).id
    limit = services.settings.max_history_steps
    return EditHistory(nodes=[node_answer(row) for row in rows], current=current, limit=limit)


@router.post("")
def extend_history(session_id: UUID, body: HistoryExtension, services: ServicesDep) -> RemovedNodes:
    """Add nodes, if any, and stand on one. The answer names those that made room."""
    nodes = [
        history.NewNode(node.id, node.parent, node.document.model_dump(mode="json"), node.name)
        for node in body.nodes
    ]
    most = services.settings.max_history_steps
    return RemovedNodes(removed=history.extend(services.database, session_id, nodes, body.current, most))


@router.patch("/{node_id}")
def name_node(session_id: UUID, node_id: UUID, body: NodeChange, services: ServicesDep) -> HistoryNode:
    """Give a node a name."""
    return node_answer(history.rename(services.database, session_id, node_id, body.name))


@router.delete("/{node_id}")
def delete_branch(session_id: UUID, node_id: UUID, services: ServicesDep) -> RemovedNodes:
    """Delete a node with all that came of it; a session that stands there goes back to the one before."""
    return RemovedNodes(removed=history.delete(services.database, session_id, node_id))

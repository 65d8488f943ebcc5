"""The history of a session: a tree of its documents, whose newest visit is where the session stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from server.problems import Problem, unknown_session
from server.storage import latents
from server.storage.database import Database
from server.storage.tables import HistoryRow, SessionRow, now


@dataclass(frozen=True)
class NewNode:
    """A document that was made by changing that of parent. The id is its author's choice."""

    id: UUID
    parent: UUID
    document: dict[str, Any]
    name: str = ""


def root(session_id: UUID, document: dict[str, Any]) -> HistoryRow:
    """The row with which the history of a new session begins."""
    return HistoryRow(
        session_id=session_id,
        id=session_id,
        number=0,
        visited=0,
        name="",
        document=document,
        created_at=now(),
    )


def of_session(database: Database, session_id: UUID) -> list[HistoryRow]:
    """All nodes, oldest first. Raises Problem unknown_session."""
    query = select(HistoryRow).where(HistoryRow.session_id == session_id).order_by(HistoryRow.number)
    with database.read() as transaction:
        rows = list(transaction.scalars(query))
    if not rows:
        raise unknown_session()
    return rows


def standing(database: Database, session_id: UUID) -> HistoryRow:
    """The node that the session stands on. Raises Problem unknown_session."""
    query = select(HistoryRow).where(HistoryRow.session_id == session_id)
    with database.read() as transaction:
        row = transaction.scalar(query.order_by(HistoryRow.visited.desc()).limit(1))
    if row is None:
        raise unknown_session()
    return row


def extend(
    database: Database, session_id: UUID, nodes: Sequence[NewNode], current: UUID, most: int
) -> list[UUID]:
    """Add nodes, parents before children, and stand on one; a node that is there already stays as it is.

    most: nodes of a session. Returns the ids of those that made room: leaves away from where the session
    stands go first, the oldest without a name before the others; then the beginning of the way there. Raises
    Problem unknown_session, unknown_node.
    """
    with database.write() as transaction:
        session = _locked(transaction, session_id)
        known = _nodes(transaction, session_id)
        for node in nodes:
            if node.id in known:
                continue
            _found(known, node.parent)
            latents.hold(transaction, node.document)
            known[node.id] = _row(session_id, node, known.values())
            transaction.add(known[node.id])
        _stand_on(known, current)
        removed = _make_room(known, current, most)
        for row in removed:
            transaction.delete(row)
        session.updated_at = now()
    return [row.id for row in removed]


def rename(database: Database, session_id: UUID, node_id: UUID, name: str) -> HistoryRow:
    """Call a node something; an empty name is none. Raises Problem unknown_node."""
    with database.write() as transaction:
        row = transaction.get(HistoryRow, (session_id, node_id), with_for_update=True)
        if row is None:
            raise _unknown_node()
        row.name = name
    return row


def delete(database: Database, session_id: UUID, node_id: UUID) -> list[UUID]:
    """Delete a node and all that came of it. A session that stood there stands on its parent then.

    Returns the ids of the deleted. Raises Problem unknown_session, unknown_node, first_node.
    """
    with database.write() as transaction:
        session = _locked(transaction, session_id)
        known = _nodes(transaction, session_id)
        node = _found(known, node_id)
        if node.parent_id is None:
            hint = "Delete the branches that came of it instead."
            raise Problem("first_node", "A history cannot lose its first step.", hint)
        branch = _branch(known.values(), node_id)
        stood = max(known.values(), key=lambda row: row.visited)
        if stood in branch:
            _stand_on(known, node.parent_id)
        for row in branch:
            transaction.delete(row)
        session.updated_at = now()
    return [row.id for row in branch]


def _nodes(transaction: Session, session_id: UUID) -> dict[UUID, HistoryRow]:
    """All nodes by id, without their documents, oldest first."""
    query = select(HistoryRow).where(HistoryRow.session_id == session_id).order_by(HistoryRow.number)
    return {row.id: row for row in transaction.scalars(query.options(defer(HistoryRow.document)))}


def _row(session_id: UUID, node: NewNode, others: Iterable[HistoryRow]) -> HistoryRow:
    return HistoryRow(
        session_id=session_id,
        id=node.id,
        parent_id=node.parent,
        number=1 + max(row.number for row in others),
        visited=1 + max(row.visited for row in others),
        name=node.name,
        document=node.document,
        created_at=now(),
    )


def _stand_on(known: dict[UUID, HistoryRow], node_id: UUID) -> None:
    _found(known, node_id).visited = 1 + max(row.visited for row in known.values())


def _make_room(known: dict[UUID, HistoryRow], current: UUID, most: int) -> list[HistoryRow]:
    """Take out of known what is more than most."""
    path = _path(known, current)
    removed = []
    while len(known) > most:
        parents = {row.parent_id for row in known.values()}
        leaves = [row for row in known.values() if row.id not in parents and row.id not in path]
        if leaves:
            oldest = min(leaves, key=lambda row: (row.name != "", row.number))
        else:  # all lie on the way to where the session stands
            oldest = next(row for row in known.values() if row.parent_id is None)
            next(row for row in known.values() if row.parent_id == oldest.id).parent_id = None
        removed.append(known.pop(oldest.id))
    return removed


def _path(known: dict[UUID, HistoryRow], node_id: UUID) -> set[UUID]:
    """The node and all those before it."""
    path = set()
    step: UUID | None = node_id
    while step is not None:
        path.add(step)
        step = known[step].parent_id
    return path


def _branch(rows: Iterable[HistoryRow], node_id: UUID) -> list[HistoryRow]:
    """The node and all that came of it. Rows are oldest first, and so parents before children."""
    ids, branch = {node_id}, []
    for row in rows:
        if row.id in ids or row.parent_id in ids:
            ids.add(row.id)
            branch.append(row)
    return branch


def _locked(transaction: Session, session_id: UUID) -> SessionRow:
    """The session; nobody else changes its history meanwhile, whose numbers depend on all of it."""
    session = transaction.get(SessionRow, session_id, with_for_update=True)
    if session is None:
        raise unknown_session()
    return session


def _found(known: dict[UUID, HistoryRow], node_id: UUID) -> HistoryRow:
    if node_id not in known:
        raise _unknown_node()
    return known[node_id]


def _unknown_node() -> Problem:
    return Problem("unknown_node", "There is no such step in the history: it was deleted, or made room.")

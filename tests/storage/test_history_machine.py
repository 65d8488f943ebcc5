"""The history of a session: whatever is done to it in whatever order, it stays one tree, and bounded."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from server.problems import Problem
from server.storage import history, sessions
from server.storage.database import Database
from tests.server.harness import Json

SMALL = 6


class Histories(RuleBasedStateMachine):
    """Against a model of it: documents and parents by id, and the way to where the session stands."""

    database: Database
    nodes = Bundle("nodes")

    @initialize(target=nodes)
    def begin(self) -> UUID:
        self.session = sessions.create(self.database, {"of": "the first"}).id
        self.documents: dict[UUID, Json] = {self.session: {"of": "the first"}}
        self.parents: dict[UUID, UUID | None] = {self.session: None}
        self.names: dict[UUID, str] = {}
        self.current = self.session
        return self.session

    @rule(target=nodes, parent=nodes, name=st.sampled_from(["", "", "mine"]))
    def edit(self, parent: UUID, name: str) -> UUID:
        node = history.NewNode(uuid4(), parent, {"of": str(parent)}, name)
        if self._refused(parent, lambda: history.extend(self.database, self.session, [node], node.id, SMALL)):
            return parent
        self.documents[node.id], self.parents[node.id] = node.document, parent
        self.names[node.id], self.current = name, node.id
        self._made_room()
        return node.id

    @rule(node=nodes)
    def send_again(self, node: UUID) -> None:
        if node not in self.documents:
            return
        again = history.NewNode(node, self.session, {"of": "something else"}, "another")
        history.extend(self.database, self.session, [again], self.current, SMALL)

    @rule(node=nodes)
    def go(self, node: UUID) -> None:
        if not self._refused(node, lambda: history.extend(self.database, self.session, [], node, SMALL)):
            self.current = node

    @rule(node=nodes, name=st.sampled_from(["", "a name"]))
    def name(self, node: UUID, name: str) -> None:
        if not self._refused(node, lambda: history.rename(self.database, self.session, node, name)):
            self.names[node] = name

    @rule(node=nodes)
    def delete(self, node: UUID) -> None:
        if node in self.parents and self.parents[node] is None:
            with pytest.raises(Problem, match="first_node"):
                history.delete(self.database, self.session, node)
        elif not self._refused(node, lambda: history.delete(self.database, self.session, node)):
            branch = {each for each in self.documents if node in self._path(each)}
            parent = self.parents[node]
            assert parent is not None
            self.current = parent if self.current in branch else self.current
            self._forget(branch)

    def _refused(self, node: UUID, act: object) -> bool:
        """Whether the node is gone, in which case act must be refused; else it is done."""
        assert callable(act)
        if node in self.documents:
            act()
            return False
        with pytest.raises(Problem, match="unknown_node"):
            act()
        return True

    def _path(self, node: UUID) -> list[UUID]:
        path, step = [], self.parents.get(node)
        path.append(node)
        while step is not None:
            path.append(step)
            step = self.parents[step]
        return path

    def _forget(self, gone: set[UUID]) -> None:
        for node in gone:
            del self.documents[node], self.parents[node]
        self.parents = {node: None if up in gone else up for node, up in self.parents.items()}

    def _made_room(self) -> None:
        """What may be gone: never the way to where it stands while anything else could go."""
        stored = {row.id for row in history.of_session(self.database, self.session)}
        gone, path = set(self.documents) - stored, self._path(self.current)
        if gone & set(path):
            assert stored <= set(path)
            assert gone <= {path[-1]}, "the way there loses its beginning"
        for node in gone - set(path):
            unnamed = [leaf for leaf in self._leaves() - set(path) if not self.names.get(leaf)]
            assert not self.names.get(node) or not unnamed, "those without a name go first"
        self._forget(gone)

    def _leaves(self) -> set[UUID]:
        return set(self.documents) - set(self.parents.values())

    @invariant()
    def is_one_tree_with_all_that_was_not_taken_away(self) -> None:
        rows = history.of_session(self.database, self.session)
        assert len(rows) <= SMALL
        assert {row.id: row.document for row in rows} == self.documents
        assert {row.id: row.parent_id for row in rows} == self.parents
        assert [row.parent_id for row in rows].count(None) == 1
        earlier: set[UUID | None] = {None}
        for row in rows:
            assert row.parent_id in earlier, "parents come before children"
            earlier.add(row.id)

    @invariant()
    def stands_where_it_went_last(self) -> None:
        assert history.standing(self.database, self.session).id == self.current


def test_whatever_happens_a_history_stays_one_bounded_tree(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Histories, "database", database, raising=False)
    few = settings(max_examples=8, stateful_step_count=20, derandomize=True, database=None, deadline=None)
    run_state_machine_as_test(Histories, settings=few)

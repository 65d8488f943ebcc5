"""The history of a session: whatever is done to it in whatever order, it stays one tree, and bounded."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import httpx
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
from tests.server.harness import Json, keep, seed_document

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
        if self._refused(parent, lambda: history.extend(self.database, self.session, [node], node.id)):
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
        history.extend(self.database, self.session, [again], self.current)

    @rule(node=nodes)
    def go(self, node: UUID) -> None:
        if not self._refused(node, lambda: history.extend(self.database, self.session, [], node)):
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_NODES", SMALL)
    database = Database(f"sqlite:///{tmp_path / 'loom.sqlite'}")
    monkeypatch.setattr(Histories, "database", database, raising=False)
    few = settings(max_examples=12, stateful_step_count=20, derandomize=True, database=None, deadline=None)
    run_state_machine_as_test(Histories, settings=few)
    database.close()


def steps(*ids: str, parent: str, **changes: object) -> list[Json]:
    """New nodes, each made from the one before."""
    made = []
    for seed, node in enumerate(ids):
        made.append({"id": node, "parent": parent, "document": seed_document(seed), **changes})
        parent = node
    return made


@pytest.fixture
def url(session: Json) -> str:
    return f"/api/v1/sessions/{session['id']}/history"


def new_ids(count: int) -> list[str]:
    return [str(uuid4()) for _ in range(count)]


def test_a_history_begins_with_the_sessions_first_document(
    client: httpx.Client, session: Json, url: str
) -> None:
    answer = client.get(url).json()
    (first,) = answer["nodes"]
    assert (first["id"], first["parent"], answer["current"]) == (session["node"], None, session["node"])
    assert first["document"] == session["document"]
    assert answer["limit"] == history.MAX_NODES


def test_an_edit_after_undo_makes_a_branch_and_loses_nothing(
    client: httpx.Client, session: Json, url: str
) -> None:
    one, two, other = new_ids(3)
    client.post(url, json={"nodes": steps(one, two, parent=session["node"]), "current": two})
    client.post(url, json={"current": one})
    branch = steps(other, parent=one, name="the other way")
    assert client.post(url, json={"nodes": branch, "current": other}).json() == {"removed": []}
    answer = client.get(url).json()
    assert [node["parent"] for node in answer["nodes"]] == [None, session["node"], one, one]
    assert (answer["current"], answer["nodes"][-1]["name"]) == (other, "the other way")
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["document"] == branch[0]["document"]
    redo = max((node for node in answer["nodes"] if node["parent"] == one), key=lambda node: node["visited"])
    assert redo["id"] == other


def test_what_is_sent_twice_is_there_once(client: httpx.Client, session: Json, url: str) -> None:
    (node,) = new_ids(1)
    body = {"nodes": steps(node, parent=session["node"]), "current": node}
    assert client.post(url, json=body).status_code == client.post(url, json=body).status_code == 200
    assert len(client.get(url).json()["nodes"]) == 2


def test_nothing_is_added_where_one_of_several_does_not_fit(
    client: httpx.Client, session: Json, url: str
) -> None:
    good, bad = new_ids(2)
    nodes = steps(good, parent=session["node"]) + steps(bad, parent=str(uuid4()))
    answer = client.post(url, json={"nodes": nodes, "current": bad})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_node")
    assert len(client.get(url).json()["nodes"]) == 1


def test_a_node_has_a_name_until_it_is_taken_away(client: httpx.Client, session: Json, url: str) -> None:
    for name in ("At first <b>", ""):
        assert client.patch(f"{url}/{session['node']}", json={"name": name}).json()["name"] == name
        assert client.get(url).json()["nodes"][0]["name"] == name
    assert client.patch(f"{url}/{session['node']}", json={"name": "x" * 81}).status_code == 422


def test_a_deleted_branch_takes_all_with_it_and_the_session_stands_before_it(
    client: httpx.Client, session: Json, url: str
) -> None:
    one, two = new_ids(2)
    client.post(url, json={"nodes": steps(one, two, parent=session["node"]), "current": two})
    assert client.delete(f"{url}/{one}").json() == {"removed": [one, two]}
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["node"] == session["node"]
    assert client.delete(f"{url}/{session['node']}").json()["code"] == "first_node"


def test_the_same_ids_in_two_sessions_are_different_nodes(
    client: httpx.Client, session: Json, url: str
) -> None:
    other = client.post("/api/v1/sessions").json()
    (node,) = new_ids(1)
    client.post(url, json={"nodes": steps(node, parent=session["node"]), "current": node})
    theirs = f"/api/v1/sessions/{other['id']}/history"
    assert client.patch(f"{theirs}/{node}", json={"name": "mine"}).json()["code"] == "unknown_node"
    assert client.delete(f"{theirs}/{node}").json()["code"] == "unknown_node"
    again = steps(node, parent=other["node"], name="its own")
    assert client.post(theirs, json={"nodes": again, "current": node}).status_code == 200
    assert [each["name"] for each in client.get(url).json()["nodes"]] == ["", ""]


def test_a_document_of_a_model_that_is_gone_stays_known(client: httpx.Client, session: Json) -> None:
    gone = seed_document(model="gone")
    assert keep(client, session["id"], gone).status_code == 200
    assert client.get(f"/api/v1/sessions/{session['id']}").json()["document"] == gone

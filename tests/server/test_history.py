"""The history of a session over HTTP: steps, branches, names, and whose they are."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from tests.server.harness import Json, keep, seed_document


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
    assert answer["limit"] == 500


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

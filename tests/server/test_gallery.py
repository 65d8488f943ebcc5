"""Galleries: what is kept, starred, deleted and brought back, and the archive of it."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update

from server.recipes.containers import recipe_in
from server.recipes.recipe import unpack
from server.storage import gallery
from server.storage.tables import GalleryRow, now
from tests.server.harness import Json, RunningServer, seed_document


@pytest.fixture
def path(session: Json) -> str:
    """The address of an empty gallery."""
    return f"/api/v1/sessions/{session['id']}/gallery"


def kept(client: httpx.Client, path: str, seed: int, name: str = "") -> Json:
    answer = client.post(path, json={"document": seed_document(seed), "name": name})
    assert answer.status_code == 201, answer.text
    item: Json = answer.json()
    return item


def names(client: httpx.Client, path: str) -> list[str]:
    return [item["name"] for item in client.get(path).json()]


def test_what_was_kept_is_there_newest_first(client: httpx.Client, path: str) -> None:
    first, second = kept(client, path, 1, " First "), kept(client, path, 2, "Second")
    assert client.get(path).json() == [second, first]
    assert (first["name"], first["starred"], first["document"]) == ("First", False, seed_document(1))


def test_an_item_is_renamed_and_starred(client: httpx.Client, path: str) -> None:
    item = kept(client, path, 1)
    changed = client.patch(f"{path}/{item['id']}", json={"name": "Mona", "starred": True}).json()
    assert changed == {**item, "name": "Mona", "starred": True}
    assert client.patch(f"{path}/{item['id']}", json={"starred": False}).json()["name"] == "Mona"
    assert client.patch(f"{path}/{item['id']}", json={"name": "a\nb"}).status_code == 422


def test_what_is_deleted_comes_back_as_it_was(client: httpx.Client, path: str) -> None:
    items = [kept(client, path, seed, f"{seed}")["id"] for seed in (1, 2, 3)]
    assert client.post(f"{path}/delete", json={"items": items[:2]}).status_code == 204
    assert names(client, path) == ["3"]
    assert client.patch(f"{path}/{items[0]}", json={"starred": True}).status_code == 404
    assert len(client.post(f"{path}/restore", json={"items": items[:2]}).json()) == 2
    assert names(client, path) == ["3", "2", "1"]


def test_after_a_day_it_is_gone(client: httpx.Client, path: str, server: RunningServer) -> None:
    item = kept(client, path, 1)["id"]
    client.post(f"{path}/delete", json={"items": [item]})
    with server.app.state.services.database.write() as transaction:
        transaction.execute(update(GalleryRow).values(deleted_at=now() - timedelta(hours=25)))
    kept(client, path, 2)
    assert client.post(f"{path}/restore", json={"items": [item]}).json()["code"] == "unknown_item"


@pytest.mark.usefixtures("little_room")
def test_a_full_gallery_says_so(client: httpx.Client, path: str) -> None:
    item = kept(client, path, 1)["id"]
    refused = client.post(path, json={"document": seed_document(2)})
    assert (refused.status_code, refused.json()["code"]) == (409, "gallery_full")
    client.post(f"{path}/delete", json={"items": [item]})
    kept(client, path, 2)
    assert client.post(f"{path}/restore", json={"items": [item]}).json()["code"] == "gallery_full"


def test_of_what_is_deleted_only_so_much_can_be_brought_back(
    client: httpx.Client, path: str, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "MAX_DELETED", 1)
    for seed in (1, 2):
        item = kept(client, path, seed)["id"]
        client.post(f"{path}/delete", json={"items": [item]})
    with server.app.state.services.database.read() as transaction:
        rows = transaction.query(GalleryRow).where(GalleryRow.session_id == UUID(path.split("/")[4])).all()
    assert [str(row.id) for row in rows] == [item]


def test_a_gallery_is_its_sessions_own(client: httpx.Client, path: str) -> None:
    item = kept(client, path, 1)["id"]
    other = f"/api/v1/sessions/{client.post('/api/v1/sessions').json()['id']}/gallery"
    assert client.get(other).json() == []
    assert client.patch(f"{other}/{item}", json={"starred": True}).status_code == 404
    client.post(f"{other}/delete", json={"items": [item]})
    assert len(client.get(path).json()) == 1
    assert client.post(f"{other}/archive", json={"items": [item]}).json()["code"] == "unknown_item"


def test_the_archive_holds_pictures_with_their_recipes(client: httpx.Client, path: str) -> None:
    items = [kept(client, path, 1, "Mona / Lisa")["id"], kept(client, path, 2)["id"]]
    answer = client.post(f"{path}/archive", json={"items": items, "format": "jpeg"})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["001-Mona-Lisa.jpg", "002-tiny.jpg"]
        recipe = unpack(recipe_in(archive.read("001-Mona-Lisa.jpg")) or b"")
        assert recipe.document.model_dump(mode="json") == seed_document(1)


def test_in_the_archive_a_picture_that_cannot_be_made_says_why(
    client: httpx.Client, path: str, server: RunningServer
) -> None:
    items = [kept(client, path, seed)["id"] for seed in (1, 2)]
    lost = seed_document(base={"kind": "latent", "latent": str(uuid4()), "truncation_psi": 1.0})
    with server.app.state.services.database.write() as transaction:
        rows = [row for row in transaction.query(GalleryRow) if str(row.id) == items[0]]
        rows[0].document = lost
    answer = client.post(f"{path}/archive", json={"items": items})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["001-tiny.txt", "002-tiny.png"]
        assert b"no such latent" in archive.read("001-tiny.txt")

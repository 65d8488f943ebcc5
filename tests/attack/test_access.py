"""Who comes in, by which door, and how far: tokens, cookies, other users' things, quotas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from server.access.admission import Admission
from server.access.ownership import OWNED
from server.access.public import HEALTH, LOGIN, LOGIN_PAGE_FILES
from server.access.tokens import Entry, User, new_token, read_token_file, token_hash, write_token_file
from server.storage.directions import create, new_row
from server.storage.tables import SessionRow
from server.strict_json import StrictJsonRoute
from tests.attack.conftest import Guarded
from tests.server.harness import Json, keep, seed_document

# Other path parameters: a model is everybody's, a task says itself whose it is, numbers are parts of these.
OTHERS = {"model", "task_id", "node_id", "item_id", "index", "step"}
FOREIGN = {"Origin": "http://evil.test"}


def routes_of(app: FastAPI) -> list[tuple[str, RouteContext]]:
    """Method ("SOCKET" for WebSockets) and route of all that is answered, static files apart."""
    return [
        (method, route)
        for route in iter_route_contexts(app.routes)
        for method in sorted(route.methods or {"SOCKET"})
        if method != "HEAD"
    ]


def path_of(route: RouteContext, ids: Json) -> str:
    """An address of the route, with ids where it takes some."""
    names = {part.strip("{}").split(":")[0]: part for part in str(route.path).split("/") if "{" in part}
    path = str(route.path)
    for name, part in names.items():
        path = path.replace(part, str(ids.get(OWNED.get(name, ""), "0")))
    return path


@pytest.fixture(scope="session")
def anas(guarded_server: Guarded, astronaut: bytes) -> Json:
    """A session, a photo, a latent, a job and a direction of ana's."""
    with guarded_server.client(guarded_server.ana) as client:
        session = client.post("/api/v1/sessions").json()["id"]
        files = {"file": ("a.jpg", astronaut, "image/jpeg")}
        photo = client.post(f"/api/v1/sessions/{session}/photos", files=files).json()["id"]
        asked = {"photo": photo, "model": "tiny", "space": "w", "steps": 1}
        job = client.post(f"/api/v1/sessions/{session}/projections", json=asked).json()
        assert "id" in job, job
        while job["state"] not in ("succeeded", "failed"):
            job = client.get(f"/api/v1/jobs/{job['id']}").json()
        latent = job["result"]["latent"] if "result" in job else job["latent"]
        return {
            "session": session,
            "photo": photo,
            "job": job["id"],
            "latent": latent,
            "direction": direction_of(guarded_server, "ana"),
        }


def test_case_17_every_route_asks_for_a_token_but_for_those_of_the_login_page(guarded: Guarded) -> None:
    public = {*HEALTH, LOGIN}
    with guarded.client(None) as stranger:
        for method, route in routes_of(guarded.server.app):
            path = path_of(route, {})
            if method == "SOCKET":
                with pytest.raises(InvalidStatus) as denied, socket(guarded, path, None):
                    pass
                assert denied.value.response.status_code == 401, path
            elif path not in public:
                answer = stranger.request(method, path)
                assert (answer.status_code, answer.json()["code"]) == (401, "token_needed"), (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
        for path in (
            "/",
            "/main.js",
            "/views/app.js",
            "/nowhere",
            "/login.html/",
            "//login.html",
            "/Login.html",
        ):
            assert stranger.get(path).status_code == 401, path


def test_case_17_only_what_the_login_page_needs_is_public(guarded: Guarded) -> None:
    with guarded.client(None) as stranger:
        for path in (*HEALTH, *LOGIN_PAGE_FILES):
            assert stranger.get(path).status_code == 200, path
            assert stranger.post(path).status_code == 401, path


def test_case_17_every_id_in_a_path_is_checked(guarded: Guarded) -> None:
    for method, route in routes_of(guarded.server.app):
        names = {part.strip("{}").split(":")[0] for part in str(route.path).split("/") if "{" in part}
        assert names <= set(OWNED) | OTHERS, (method, route.path)


def test_case_17_every_json_body_is_read_strictly(guarded: Guarded) -> None:
    for method, route in routes_of(guarded.server.app):
        body = getattr(route, "body_field", None)
        if body is not None and "File" not in type(body.field_info).__name__:
            assert isinstance(route.original_route, StrictJsonRoute), (method, route.path)


def test_case_10_and_45_what_is_another_users_is_not_there(guarded: Guarded, anas: Json) -> None:
    unknown = {name: str(uuid4()) for name in anas}
    with guarded.client(guarded.ben) as ben:
        for method, route in routes_of(guarded.server.app):
            if "{" not in str(route.path) or method == "SOCKET":
                continue
            if not {part.strip("{}") for part in str(route.path).split("/")} & set(OWNED):
                continue
            theirs = ben.request(method, path_of(route, anas), json={})
            nobodys = ben.request(method, path_of(route, unknown), json={})
            for answer in (theirs, nobodys):
                assert answer.status_code in (404, 422), (method, route.path, answer.text)
            assert without_id(theirs) == without_id(nobodys), (method, route.path)


def test_case_45_a_socket_to_another_users_session_is_closed_as_unknown(guarded: Guarded, anas: Json) -> None:
    path = f"/api/v1/sessions/{anas['session']}/live"
    with socket(guarded, path, guarded.ben) as theirs:
        with pytest.raises(ConnectionClosed):
            theirs.recv(60)
        assert theirs.close_code == 4404
    with socket(guarded, path, guarded.ana) as own:
        assert json.loads(own.recv(60))["session"] == anas["session"]


def test_another_users_latent_cannot_be_rendered_kept_or_mixed_in(guarded: Guarded, anas: Json) -> None:
    latent = {"kind": "latent", "latent": anas["latent"]}
    mixed = seed_document(mix=[{"source": latent, "layers": [0], "strength": 1.0}])
    with guarded.client(guarded.ana) as ana:
        assert ana.post("/api/v1/render", json={"document": seed_document(base=latent)}).status_code == 200
    session = bens_session(guarded)
    with guarded.client(guarded.ben) as ben:
        for document in (seed_document(base=latent), mixed):
            rendered = ben.post("/api/v1/render", json={"document": document})
            kept = keep(ben, session, document)
            assert [rendered.json()["code"], kept.json()["code"]] == ["unknown_latent"] * 2
    with socket(guarded, f"/api/v1/sessions/{session}/live", guarded.ben) as live:
        live.recv(60)
        live.send(json.dumps({"type": "edit", "seq": 1, "document": mixed, "quality": "preview"}))
        assert json.loads(live.recv(60))["problem"]["code"] == "unknown_latent"


def test_another_users_photo_cannot_be_projected(guarded: Guarded, anas: Json) -> None:
    session = bens_session(guarded)
    with guarded.client(guarded.ben) as ben:
        asked = {"photo": anas["photo"], "model": "tiny"}
        answer = ben.post(f"/api/v1/sessions/{session}/projections", json=asked)
        assert answer.json()["code"] == "unknown_photo"


def test_a_quota_ends_with_a_problem_and_is_told(guarded: Guarded, astronaut: bytes) -> None:
    with guarded.client(guarded.ben) as ben:
        answers = [ben.post("/api/v1/sessions") for _ in range(4)]
        assert answers[-1].json()["code"] == "quota_reached"
        me = ben.get("/api/v1/me").json()
        assert (me["name"], me["signed_in"]) == ("ben", True)
        assert me["sessions"] == {"used": 3, "limit": 3}
        own = bens_session(guarded)
        files = {"file": ("a.jpg", astronaut, "image/jpeg")}
        assert ben.post(f"/api/v1/sessions/{own}/photos", files=files).json()["code"] == "quota_reached"


def test_the_login_page_gives_a_cookie_that_opens_everything(guarded: Guarded) -> None:
    with guarded.client(None) as browser:
        wrong = browser.post("/api/v1/login", json={"token": "x" * 43})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_token")
        assert browser.post("/api/v1/login", json={"token": guarded.ana}, headers=FOREIGN).status_code == 403
        answer = browser.post("/api/v1/login", json={"token": guarded.ana})
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith(f"latentloom_{guarded.server.port}=")
        assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/"))
        assert browser.get("/api/v1/me").json()["name"] == "ana"
        assert "Latent Loom" in browser.get("/").text
        assert browser.post("/api/v1/logout").status_code == 204
        assert browser.get("/api/v1/me").status_code == 401


def test_a_person_is_led_to_the_login_page_and_back(guarded: Guarded) -> None:
    with guarded.client(None) as browser:
        answer = browser.get("/?a=1&b=2", headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/login.html?next=%2F%3Fa%3D1%26b%3D2"


def test_many_wrong_tokens_are_slowed_and_the_right_one_is_not(guarded: Guarded) -> None:
    with guarded.client(None) as guesser:
        codes = [guesser.post("/api/v1/login", json={"token": f"guess-{i}"}).status_code for i in range(14)]
        assert codes[-1] == 429
        assert guesser.post("/api/v1/login", json={"token": guarded.ana}).status_code == 204


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "bearer wrong", "Bearer a b", "\xff"])
def test_what_is_no_token_opens_nothing(guarded: Guarded, header: str) -> None:
    admission = guarded.server.app.state.admission
    assert admission.user_of([(b"authorization", header.encode("latin-1"))]) is None
    assert admission.user_of([(b"host", b"a:1"), (b"cookie", f"latentloom_1={header}".encode())]) is None


def test_case_15_a_socket_needs_its_own_page_or_a_program_with_a_token(guarded: Guarded) -> None:
    path = f"/api/v1/sessions/{uuid4()}/live"
    for origin, token, status in (
        (guarded.server.origin, None, 401),
        ("http://evil.test", guarded.ana, 403),
        ("null", guarded.ana, 403),
        (None, None, 403),
    ):
        with pytest.raises(InvalidStatus) as denied, socket(guarded, path, token, origin):
            pass
        assert denied.value.response.status_code == status, (origin, token)
    with socket(guarded, path, guarded.ana, None) as program, pytest.raises(ConnectionClosed):
        program.recv(60)


def test_a_user_who_is_taken_off_the_file_is_out_at_once(tmp_path: Path) -> None:
    file, token = tmp_path / "tokens.toml", new_token()
    write_token_file(file, (Entry(User("ana"), token_hash(token)),))
    assert file.stat().st_mode & 0o777 == 0o600
    admission = Admission(None, file)
    assert admission.user_with(token) == User("ana")
    write_token_file(file, ())
    assert admission.user_with(token) is None
    assert not admission.is_open
    file.write_text("[users", "utf-8")
    assert admission.user_with(token) is None


def test_the_token_file_holds_no_token(tmp_path: Path) -> None:
    file, token = tmp_path / "tokens.toml", new_token()
    write_token_file(file, (Entry(User("ana"), token_hash(token)),))
    assert token not in file.read_text("utf-8")
    assert read_token_file(file) == (Entry(User("ana"), token_hash(token)),)


def socket(guarded: Guarded, path: str, token: str | None, origin: str | None = "") -> Any:
    """A socket with that token; of the server's own page unless another origin is said."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    shown = guarded.server.origin if origin == "" else origin
    return connect(
        f"ws://127.0.0.1:{guarded.server.port}{path}",
        origin=None if shown is None else Origin(shown),
        additional_headers=headers,
        proxy=None,
        close_timeout=1,
    )


def bens_session(guarded: Guarded) -> str:
    """A session of ben's, who may not have many."""
    query = select(SessionRow.id).where(SessionRow.owner == "ben")
    with guarded.server.app.state.services.database.read() as transaction:
        found = transaction.scalar(query)
    if found is not None:
        return str(found)
    with guarded.client(guarded.ben) as ben:
        return str(ben.post("/api/v1/sessions").json()["id"])


def direction_of(guarded: Guarded, owner: str) -> str:
    """A new direction of somebody's."""
    row = new_row(
        generator="0" * 64,
        owner=owner,
        name="a direction",
        method="sefa",
        layers=[0],
        scale=1.0,
        strengths=(-3.0, 3.0),
        explained=None,
        blob="0" * 64,
    )
    return str(create(guarded.server.app.state.services.database, row).id)


def without_id(answer: httpx.Response) -> Json:
    body: Json = answer.json()
    return {key: value for key, value in body.items() if key != "request_id"}

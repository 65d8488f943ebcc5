"""A disk that is full, a database that is taken or damaged, and what a version may depend on."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from starlette import formparsers
from typer.testing import CliRunner
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from server.access import ownership
from server.cli import cli
from server.problems import Problem
from server.storage import history
from server.storage.connections import UnusableDatabaseError
from server.storage.database import Database
from tests.server.harness import Json, RunningServer, keep
from tests.server.live_client import live

# Below these, a published hole of the package is open in a server like this one.
LOWEST = {
    "pillow": (12, 3),  # CVE-2026-40192, CVE-2026-55379: bombs and writes out of bounds in decoders
    "python-multipart": (0, 0, 18),  # CVE-2024-53981: endless logging of a bad form
    "ray": (2, 54),  # CVE-2026-27482: another site's page could delete jobs
    "starlette": (0, 49, 1),  # CVE-2025-62727: quadratic ranges
    "torch": (2, 10),  # CVE-2026-24747: memory of the process by weights_only
    "uvicorn": (0, 54),  # no flow control of frames before
}


@contextmanager
def on_every_connection(server: RunningServer, pragma: str) -> Iterator[None]:
    """Set a pragma on all connections of the server's database, and take it off again."""
    engine = server.app.state.services.database.engine

    def set_it(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", set_it)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", set_it)
        engine.dispose()


def database_file(server: RunningServer) -> Path:
    return Path(str(server.app.state.services.database.engine.url.database))


def test_case_40_a_full_disk_at_the_commit_is_said_and_nothing_is_half_done(
    server: RunningServer, client: httpx.Client, session: Json
) -> None:
    with closing(sqlite3.connect(database_file(server))) as looking:
        (pages,) = looking.execute("PRAGMA page_count").fetchone()
        before = looking.execute("SELECT count(*) FROM sessions").fetchone()
    with on_every_connection(server, f"max_page_count={pages}"):
        answers = [client.post("/api/v1/sessions") for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert refused
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(507, "storage_full")}
    with closing(sqlite3.connect(database_file(server))) as looking:
        after = looking.execute("SELECT count(*) FROM sessions").fetchone()
        assert after[0] - before[0] == len(answers) - len(refused)
    assert client.get(f"/api/v1/sessions/{session['id']}").status_code == 200


def test_case_40_a_full_folder_of_temporary_files_is_said_and_the_next_upload_works(
    upload: Callable[..., httpx.Response], astronaut: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(tempfile.SpooledTemporaryFile[bytes]):
        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(formparsers, "SpooledTemporaryFile", Full)
        refused = upload(astronaut)
    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
    assert upload(astronaut).status_code == 201


def test_case_41_a_database_that_another_program_holds_is_tried_again_later(
    server: RunningServer, client: httpx.Client, session: Json
) -> None:
    with on_every_connection(server, "busy_timeout=20"):
        with closing(sqlite3.connect(database_file(server), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = keep(client, session["id"], session["document"])
            assert (answer.status_code, answer.json()["code"]) == (503, "database_busy")
            assert answer.headers["retry-after"]
        assert keep(client, session["id"], session["document"]).status_code == 200


def test_case_41_a_database_that_does_not_answer_makes_no_session_unknown(
    server: RunningServer, session: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> Any:
        raise Problem("database_busy", "Another program keeps the database to itself.")

    for module, name in ((ownership, "owner_of"), (history, "standing")):
        with monkeypatch.context() as broken:
            broken.setattr(module, name, busy)
            with connect(server.live_url(session["id"]), origin=Origin(server.origin), proxy=None) as socket:
                with pytest.raises(ConnectionClosed):
                    socket.recv(60)
                assert socket.close_code == 1013, "a page forgets a session that is called unknown"
    with live(server, session["id"]) as again:
        assert again.hello["session"] == session["id"]


def test_case_42_a_damaged_database_is_refused_and_left_as_it_is(tmp_path: Path, page_folder: Path) -> None:
    damaged = tmp_path / "loom.sqlite"
    damaged.write_bytes(b"no database" * 1000)
    environment = {"LATENTLOOM_DATA_DIR": str(tmp_path), "LATENTLOOM_FRONTEND_DIR": str(page_folder)}
    result = CliRunner(env=environment).invoke(cli, ["serve"])
    assert result.exit_code == 2
    assert str(damaged) in result.output.replace("\n", "")
    assert "Traceback" not in result.output
    assert damaged.read_bytes() == b"no database" * 1000


def test_case_42_a_database_of_another_version_is_refused_by_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "loom.sqlite"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE sessions (id CHAR(32) PRIMARY KEY, document JSON)")
    before = file.read_bytes()
    with pytest.raises(UnusableDatabaseError, match="is missing"):
        Database(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_case_42_a_database_of_a_newer_version_is_refused_by_its_revision(tmp_path: Path) -> None:
    file = tmp_path / "loom.sqlite"
    Database(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    before = file.read_bytes()
    with pytest.raises(UnusableDatabaseError, match=r"its revision is 9999"):
        Database(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_case_50_no_package_may_be_older_than_its_last_known_hole(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    bounds = dict(re.sub(r"\[\w+\]", "", line).split(">=") for line in lines)
    for package, lowest in LOWEST.items():
        assert tuple(int(part) for part in bounds[package].split(".")) >= lowest, package

"""Everything into one file and back, from one kind of database into the other, and what is no such file."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner, Result

from server.cli import cli
from server.storage import archive as archive_form
from server.storage import directions, garbage, history, job_states, latents, photos, sessions
from server.storage.archive import Archive, UnusableArchiveError
from server.storage.backing_up import back_up
from server.storage.blob_keys import key_of
from server.storage.connections import database_url
from server.storage.database import Database
from server.storage.folder_blobs import FolderBlobs
from server.storage.restoring import OccupiedError, is_empty, restore_everything
from server.storage.session_archive import export_sessions
from server.storage.tables import Table, now
from tests.server.job_rows import ANCHORS, OWNER, claimed_job, new_job

MOST = 100  # steps of a history
Rows = dict[str, list[tuple[object, ...]]]


def rows(database: Database) -> Rows:
    """Everything in the tables."""
    with database.read() as transaction:
        return {
            table.name: sorted((tuple(row) for row in transaction.execute(table.select())), key=str)
            for table in Table.metadata.sorted_tables
        }


def fill(database: Database, blobs: FolderBlobs, owner: str = "") -> UUID:
    """A session with one of everything; its id."""
    session = sessions.create(database, {"model": "tiny"}, owner).id
    latent = latents.create(database, session, "tiny", blobs.put(uuid4().bytes))
    document = {"model": "tiny", "base": {"kind": "latent", "latent": str(latent.id)}, "mix": []}
    node = history.NewNode(uuid4(), session, document, "ä step")
    history.extend(database, session, [node], node.id, MOST)
    photos.create(database, session, name="Ана.jpg", size=(4, 3), faces=[ANCHORS], blob=blobs.put(b"jpeg"))
    job = new_job(database, session)
    while (claimed := claimed_job(database)) is not None and claimed.id != job.id:
        pass
    film = job_states.Progress({"loss": 0.25}, [{"loss": 0.5}], [{"blob": blobs.put(b"moment")}])
    result = job_states.Result(blobs.put(uuid4().bytes), blobs.put(b"preview"))
    job_states.end(database, job.id, OWNER, job_states.Ending("succeeded", film, result))
    with database.write() as transaction:
        transaction.connection().exec_driver_sql(f"UPDATE photos SET blob = '{blobs.put(b'jpeg')}'")  # noqa: S608
    found = directions.new_row(
        generator="d" * 64, owner=owner, name=uuid4().hex, method="sefa", layers=[1], scale=1.0,
        strengths=(-1.0, 1.0), explained=None, blob=blobs.put(b"direction"),
    )  # fmt: skip
    directions.create(database, found)
    return session


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> tuple[Database, FolderBlobs]:
    blobs = FolderBlobs(tmp_path / "blobs")
    for owner in ("", "ana"):
        fill(database, blobs, owner)
    return database, blobs


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "all.zip"


def restored(source: Path, url: str, folder: Path) -> tuple[Database, FolderBlobs]:
    blobs = FolderBlobs(folder)
    with closing(Archive(source)) as archive:
        restore_everything(archive, database_url(url), blobs)
    return Database(url), blobs


def test_everything_comes_back_as_it_was(
    filled: tuple[Database, FolderBlobs], target: Path, empty_url: str, tmp_path: Path
) -> None:
    database, blobs = filled
    written = back_up(database, blobs, target)
    assert not written.missing
    url = empty_url.replace("loom.sqlite", "restored.sqlite")
    again, files = restored(target, url, tmp_path / "restored")
    assert rows(again) == rows(database)
    stored = {entry.key for entry in blobs.stored()}
    assert {entry.key for entry in files.stored()} == stored
    with closing(Archive(target)) as archive, pytest.raises(OccupiedError):
        restore_everything(archive, database_url(url), files)
    again.close()


def test_a_backup_moves_to_the_other_kind_of_database(
    filled: tuple[Database, FolderBlobs], target: Path, tmp_path: Path
) -> None:
    database, blobs = filled
    back_up(database, blobs, target)
    again, _ = restored(target, f"sqlite:///{tmp_path / 'moved.sqlite'}", tmp_path / "moved")
    assert rows(again) == rows(database)
    again.close()


def test_a_backup_beside_writers_lacks_nothing_that_it_names(
    database: Database, tmp_path: Path, target: Path
) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    session = sessions.create(database, {}).id

    def write(_: int) -> None:
        latents.create(database, session, "tiny", blobs.put(uuid4().bytes))

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, i) for i in range(24)]
        written = pool.submit(back_up, database, blobs, target).result()
        for writer in writers:
            writer.result()
    assert not written.missing
    with closing(Archive(target)) as archive:
        archive.check()
        (table,) = [table for table in archive.manifest.tables if table.name == "latents"]
        named = {row["blob"] for row in archive.rows(table)}
        assert named <= set(archive.keys())


def test_a_lost_file_is_said_and_the_rest_is_kept(
    lone_database: Database, blobs: FolderBlobs, target: Path
) -> None:
    session = fill(lone_database, blobs)
    lost = blobs.put(b"to be lost")
    latents.create(lone_database, session, "tiny", lost)
    (blobs.folder / lost[:2] / lost).unlink()
    written = back_up(lone_database, blobs, target)
    assert written.missing == {lost}
    with closing(Archive(target)) as archive:
        archive.check()
        assert archive.manifest.missing == (lost,)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with the sessions of two users."""
    folder = tmp_path / "home"
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'loom.sqlite'}")
    for owner in ("", "ana"):
        fill(database, FolderBlobs(folder / "blobs"), owner)
    database.close()
    return folder


def data(folder: Path) -> Database:
    return Database(f"sqlite:///{folder / 'loom.sqlite'}")


def test_the_commands_move_an_installation(home: Path, target: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    assert run("backup", target, "--data-dir", home).exit_code == 0
    assert target.stat().st_mode & 0o077 == 0
    assert run("backup", target, "--data-dir", home).exit_code == 2  # it exists
    result = run("restore", target, "--data-dir", there)
    assert result.exit_code == 0, result.output
    before = rows(data(home))
    assert rows(data(there)) == before
    again = run("restore", target, "--data-dir", there)
    assert (again.exit_code, "--force replaces it" in again.output) == (1, True)
    database = data(there)
    sessions.create(database, {})
    database.close()
    assert run("restore", target, "--data-dir", there, "--force").exit_code == 0
    assert rows(data(there)) == before


def test_one_person_s_work_opens_elsewhere_and_no_one_else_s(
    home: Path, target: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    assert run("export-session", target, "--user", "ana", "--data-dir", home).exit_code == 0
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        documents = json.loads(archive.read("readable/documents.json"))
        (photo,) = [name for name in names if name.startswith("readable/photos/")][:1]
        assert archive.read(photo) == b"jpeg"
    database = data(home)
    (ana,) = [row for row in rows(database)["sessions"] if "ana" in row]
    assert list(documents) == [str(ana[0])]
    assert [step["name"] for step in documents[str(ana[0])]] == ["", "ä step"]
    result = run("restore", target, "--data-dir", there, "--user", "ben")
    assert result.exit_code == 0, result.output
    moved = rows(data(there))
    assert [row[1] for row in moved["sessions"]] == ["ben"]
    assert len(moved["photos"]) == 2  # hers, and the one that her projection searches for
    assert len(moved["jobs"]) == len(moved["job_histories"]) == 1
    twice = run("restore", target, "--data-dir", there)
    assert (twice.exit_code, "there already" in twice.output) == (1, True)
    garbage.collect(data(there), FolderBlobs(there / "blobs"))
    for row in moved["latents"]:
        assert isinstance(row[0], UUID)
        latents.read(data(there), FolderBlobs(there / "blobs"), row[0])


def test_latents_of_another_session_come_along(
    lone_database: Database, blobs: FolderBlobs, target: Path, tmp_path: Path
) -> None:
    first, second = (sessions.create(lone_database, {}).id for _ in range(2))
    latent = latents.create(lone_database, first, "tiny", blobs.put(b"latent")).id
    node = history.NewNode(uuid4(), second, {"base": {"kind": "latent", "latent": str(latent)}})
    history.extend(lone_database, second, [node], node.id, MOST)
    export_sessions(lone_database, blobs, (second,), target)
    lone_database.close()
    there = tmp_path / "there"
    assert run("restore", target, "--data-dir", there).exit_code == 0
    assert latents.read(data(there), FolderBlobs(there / "blobs"), latent) == b"latent"


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound archive, to be spoilt."""
    folder = tmp_path_factory.mktemp("good")
    database, blobs = Database(f"sqlite:///{folder / 'loom.sqlite'}"), FolderBlobs(folder / "blobs")
    fill(database, blobs)
    back_up(database, blobs, folder / "good.zip")
    database.close()
    return folder / "good.zip"


Entries = dict[str, bytes]
KEY = key_of(b"moment")


def manifest_with(**changes: Any) -> Callable[[Entries], None]:
    def change(entries: Entries) -> None:
        manifest = json.loads(entries["manifest.json"])
        entries["manifest.json"] = json.dumps(manifest | changes).encode()

    return change


def entry_with(name: str, content: bytes) -> Callable[[Entries], None]:
    return lambda entries: entries.update({name: content})


HOSTILE: dict[str, tuple[Callable[[Entries], None], str]] = {
    "a path out of the folder": (entry_with("../../evil", b"x"), "does not belong"),
    "a path out through a folder": (entry_with("readable/../../evil", b"x"), "does not belong"),
    "an absolute path": (entry_with("/etc/passwd", b"x"), "does not belong"),
    "a database file": (entry_with("loom.sqlite", b"x"), "does not belong"),
    "a blob with another hash": (entry_with(f"blobs/{KEY}", b"changed"), "another hash"),
    "a table with another hash": (entry_with("tables/sessions.jsonl", b""), "another hash"),
    "a table of no rows": (entry_with("tables/sessions.jsonl", b"[[[["), "cannot be read|ends in a row"),
    "a bomb of rows": (entry_with("tables/sessions.jsonl", b"\n" * 5000), "cannot be read"),
    "a bomb of one row": (entry_with("tables/sessions.jsonl", b"0" * 3 * 2**20), "too long"),
    "a bomb in a manifest": (entry_with("manifest.json", b" " * 3 * 2**20), "larger than any real one"),
    "a table that is not ours": (entry_with("tables/sqlite_master.jsonl", b""), "other tables"),
    "no manifest": (lambda entries: entries.__delitem__("manifest.json"), "no manifest"),
    "another program's": (manifest_with(format="zip"), "no archive that this version"),
    "a newer form": (manifest_with(version=2), "no archive that this version"),
    "a newer revision": (manifest_with(revision="9999"), "newer version"),
    "tables of no revision": (manifest_with(revision="0001"), "is none of its revision"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_nothing_is_restored(
    case: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_form, "MOST_LINE_BYTES", 2**20)
    change, said = HOSTILE[case]
    with zipfile.ZipFile(good) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    evil = tmp_path / "sub" / "evil.zip"
    evil.parent.mkdir()
    with zipfile.ZipFile(evil, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            how = zipfile.ZIP_STORED if name.startswith("blobs/") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, how)
    with pytest.raises(UnusableArchiveError, match=said):
        restored(evil, f"sqlite:///{tmp_path / 'sub' / 'new.sqlite'}", tmp_path / "sub" / "blobs")
    assert {path.name for path in tmp_path.iterdir()} == {"sub"}
    assert is_empty(database_url(f"sqlite:///{tmp_path / 'sub' / 'new.sqlite'}"))


def test_a_table_that_unpacks_to_more_than_any_real_one_is_refused(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_form, "LEAST_ALLOWED", 100)
    monkeypatch.setattr(archive_form, "MOST_RATIO", 1)
    with pytest.raises(UnusableArchiveError, match="larger than any real one"):
        restored(good, f"sqlite:///{tmp_path / 'new.sqlite'}", tmp_path / "blobs")


def test_files_that_lie_in_each_other_are_refused(good: Path, tmp_path: Path) -> None:
    data_, directory = bytearray(good.read_bytes()), 0
    with zipfile.ZipFile(good) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.compress_size)
        directory = archive.start_dir
    while data_[directory : directory + 4] == b"PK\x01\x02":  # every entry of the directory: the largest one
        lengths = struct.unpack_from("<HHH", data_, directory + 28)
        struct.pack_into("<II", data_, directory + 20, good.stat().st_size, largest.file_size)
        directory += 46 + sum(lengths)
    evil = tmp_path / "evil.zip"
    evil.write_bytes(data_)
    with pytest.raises(UnusableArchiveError):
        Archive(evil)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"no archive" * 1000, b"PK\x03\x04" + b"\xff" * 100])
def test_what_is_no_archive_is_refused_by_the_command(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.zip").write_bytes(content)
    result = run("restore", tmp_path / "file.zip", "--data-dir", tmp_path / "new")
    assert result.exit_code == 3
    assert "Nothing was restored" in result.output
    assert not (tmp_path / "new").exists()


def test_an_archive_that_was_cut_off_is_refused(good: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.zip"
    shutil.copy(good, part)
    with part.open("r+b") as file:
        file.truncate(good.stat().st_size // 2)
    with pytest.raises(UnusableArchiveError):
        Archive(part)


def test_a_backup_of_an_older_version_is_restored_into_this_one(good: Path, tmp_path: Path) -> None:
    moment, session = now().isoformat(), str(uuid4())
    row = [session, "", {"model": "tiny"}, moment, moment]
    with zipfile.ZipFile(good) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    lines = json.dumps(row).encode() + b"\n"
    columns = {"id": "uuid", "owner": "text", "document": "json"}
    columns |= {"created_at": "moment", "updated_at": "moment"}
    table = {"name": "sessions", "columns": columns, "rows": 1, "sha256": key_of(lines)}
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr("tables/sessions.jsonl", lines)
        archive.writestr("manifest.json", json.dumps(manifest | {"revision": "0001", "tables": [table]}))
    database, _ = restored(tmp_path / "old.zip", f"sqlite:///{tmp_path / 'new.sqlite'}", tmp_path / "blobs")
    assert history.standing(database, UUID(session)).document == {"model": "tiny"}
    database.close()

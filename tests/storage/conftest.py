"""Fixtures of the storage tests: each runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from server.storage import sessions
from server.storage.database import Database
from server.storage.folder_blobs import FolderBlobs
from tests.storage.postgresql import Cluster, programs, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for all tests."""
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    with running_cluster(binaries) as cluster:
        yield cluster


@dataclass(frozen=True)
class Kind:
    """A kind of database, and where empty ones of it come from."""

    name: str
    cluster: Cluster | None


@pytest.fixture(params=["sqlite", "postgresql"], scope="session")
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind in turn."""
    return Kind(request.param, request.getfixturevalue("cluster") if request.param != "sqlite" else None)


@pytest.fixture
def empty_url(kind: Kind, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if kind.cluster is None:
        yield f"sqlite:///{tmp_path / 'loom.sqlite'}"
        return
    name = kind.cluster.create()
    yield kind.cluster.url(name)
    kind.cluster.drop(name)


@pytest.fixture(scope="session")
def template(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with all tables, to be copied: its file, or its name."""
    if kind.cluster is None:
        file = tmp_path_factory.mktemp("template") / "loom.sqlite"
        Database(f"sqlite:///{file}").close()
        return str(file)
    name = kind.cluster.create()
    Database(kind.cluster.url(name)).close()
    return name


@pytest.fixture
def url(kind: Kind, template: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database with all tables, and nothing in them."""
    if kind.cluster is None:
        shutil.copy(template, tmp_path / "loom.sqlite")
        yield f"sqlite:///{tmp_path / 'loom.sqlite'}"
        return
    name = kind.cluster.create(like=template)
    yield kind.cluster.url(name)
    kind.cluster.drop(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The same, open."""
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def session_id(database: Database) -> UUID:
    """A session in it."""
    return sessions.create(database, {}).id


@pytest.fixture
def lone_database(tmp_path: Path) -> Iterator[Database]:
    """A SQLite one, where the kind makes no difference."""
    database = Database(f"sqlite:///{tmp_path / 'loom.sqlite'}")
    yield database
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    """An empty folder of blobs."""
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """A server of buckets, which are gone with it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment, where boto3 looks for them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loom")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")


@pytest.fixture
def bucket(endpoint: str, credentials: None) -> str:
    """The address of an empty place in a bucket."""
    del credentials
    name = f"loom-{uuid4().hex}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=name)
    return f"s3://{name}/faces?endpoint={endpoint}&region=us-east-1"

"""A PostgreSQL of the machine's own packages, in a temporary folder and reached through its socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

PATIENCE_S = 60
# What is lost in a power failure does not matter here.
HASTE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60")


@dataclass(frozen=True)
class Cluster:
    """A running server."""

    folder: Path
    process: subprocess.Popen[bytes]

    def url(self, name: str) -> str:
        """Of one of its databases."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def create(self, like: str = "template0") -> str:
        """A new database, a copy of another that nobody is connected to; its name."""
        name = f"loom_{uuid4().hex}"
        self.say("CREATE DATABASE {} TEMPLATE {}", name, like)
        return name

    def drop(self, name: str) -> None:
        """Whoever is connected to it is not any more."""
        self.say("DROP DATABASE {} WITH (FORCE)", name)

    def close_connections(self, name: str) -> None:
        """As a restart does it to those of a database."""
        address = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(query, [name])

    def say(self, command: str, *names: str) -> None:
        """Run a command about databases, whose names take the places of {}."""
        address = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


def programs() -> Path | None:
    """The folder of postgres and initdb; None where there is none. Debian keeps it out of PATH."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def prefix() -> list[str | Path]:
    """PostgreSQL refuses to run as root: the user that its package made does it then."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


@contextmanager
def running_cluster(binaries: Path) -> Iterator[Cluster]:
    """Made, started, and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="loom-pg-"))  # a socket's path may be no longer than 107 bytes
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        made = [*prefix(), binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        quick = ["--locale=C", "--no-sync", "--no-instructions"]
        subprocess.run([*made, *quick], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        settings = [part for setting in HASTE for part in ("-c", setting)]
        command = [*prefix(), binaries / "postgres", "-D", data, "-k", folder, "-h", "", *settings]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            _wait_for(folder, process)
            yield Cluster(folder, process)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(PATIENCE_S)
    finally:
        shutil.rmtree(folder)


def _wait_for(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError((folder / "log").read_text("utf-8"))

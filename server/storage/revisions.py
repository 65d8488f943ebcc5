"""The revisions of the tables, by Alembic: which there are, and going from one to another."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect
from sqlalchemy.engine import make_url

from server.storage.connections import single_engine

FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
FIRST = "0001"  # the tables of the time before databases had a revision
_ALEMBIC = threading.Lock()  # a revision finds its database by a variable of the module alembic.op


@cache
def known_revisions() -> tuple[str, ...]:
    """Oldest first; each follows the one before."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def newest() -> str:
    """The revision that this program works with."""
    return known_revisions()[-1]


def recorded_revision(connection: Connection) -> str | None:
    """What the database says of itself; None where it says nothing."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return MigrationContext.configure(connection).get_current_revision()


def record(connection: Connection, revision: str) -> None:
    """Write down the revision of tables that have none recorded."""
    with _ALEMBIC:
        command.stamp(_config(connection), revision)


def upgrade(connection: Connection, revision: str) -> None:
    """Go up to a revision, in the transaction of the connection."""
    with _ALEMBIC:
        command.upgrade(_config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Go down to a revision, or to "base": no tables at all."""
    with _ALEMBIC:
        command.downgrade(_config(connection), revision)


def tables_of(revision: str) -> MetaData:
    """The tables as they are at a revision, found by making them in memory."""
    engine = single_engine(make_url("sqlite://"))
    tables = MetaData()
    with engine.begin() as connection:
        upgrade(connection, revision)
        tables.reflect(connection)
    tables.remove(tables.tables[VERSION_TABLE])
    return tables


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config

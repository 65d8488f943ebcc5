"""How a database is reached: its address, a pool of connections for a server, single ones for a command."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

PRAGMAS = ("busy_timeout=5000", "synchronous=NORMAL", "foreign_keys=ON")
ALONE_WITHIN_S, ASKED_EVERY_S = 30.0, 0.02
# The routes use up to 40 threads at once, each for some milliseconds.
POOL = {"pool_size": 10, "max_overflow": 20, "pool_timeout": 10, "pool_recycle": 1800, "pool_pre_ping": True}
# How soon a PostgreSQL that went away without a word is noticed, as libpq's parameters say it.
PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# In ms. Every transaction is short: one that is not, or whose server was lost, must not keep others waiting.
POSTGRES_LIMITS = {
    "statement_timeout": 30_000,
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 60_000,
}


class UnusableDatabaseError(Exception):
    """str() is a sentence that names the database and what is wrong with it."""


def database_url(text: str) -> URL:
    """The address with the driver that this program brings. Raises UnusableDatabaseError."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise UnusableDatabaseError(
            "LATENTLOOM_DATABASE_URL is no address of a database, such as postgresql://user@host/name."
        ) from error
    if url.get_backend_name() in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite")
    raise UnusableDatabaseError(
        f"LATENTLOOM_DATABASE_URL names {url.get_backend_name()}: only SQLite and PostgreSQL are supported."
    )


def pooled_engine(url: URL) -> Engine:
    """For a server: connections are kept, checked before use, and given up after some time."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url)
        _use_sqlite_safely(engine, PRAGMAS)
        return engine
    limits = " ".join(f"-c {name}={value}" for name, value in POSTGRES_LIMITS.items())
    return _postgres_engine(url, {"options": limits}, POOL)


def single_engine(url: URL) -> Engine:
    """For migrations, backups and restoring: a connection for each use, and patience.

    SQLite checks no foreign keys on it: Alembic makes a table anew to change it, and whoever uses it says
    PRAGMA foreign_key_check before the end.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, poolclass=NullPool)
        _use_sqlite_safely(engine, ("busy_timeout=30000",))
        return engine
    return _postgres_engine(url, {}, {"poolclass": NullPool})


def use_write_ahead_log(url: URL) -> None:
    """Readers and a writer of a SQLite file do not wait for each other; the file remembers it.

    The change needs the file for itself, and SQLite does not wait for that, whatever busy_timeout says: two
    that change it would wait for one another. Raises UnusableDatabaseError.
    """
    if url.get_backend_name() != "sqlite":
        return
    deadline = time.monotonic() + ALONE_WITHIN_S
    with closing(sqlite3.connect(str(url.database or ":memory:"))) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise UnusableDatabaseError(
                        f"The database {shown_name(url)} cannot be prepared for several readers: {error}. "
                        "Stop the programs that use it, and start again."
                    ) from error
            time.sleep(ASKED_EVERY_S)


def shown_name(url: URL) -> str:
    """The file, or the address without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)


def _postgres_engine(url: URL, further: dict[str, str], pool: dict[str, Any]) -> Engine:
    try:
        return create_engine(url, connect_args={**PATIENCE, **further}, **pool)
    except (NoSuchModuleError, ImportError) as error:
        raise UnusableDatabaseError(
            "PostgreSQL needs its driver: pip install 'latentloom[postgres]', then start again."
        ) from error


def _use_sqlite_safely(engine: Engine, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing; `begin` below does
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes fails at once where another one wrote
        # in between, whatever busy_timeout says. So writers take the lock first.
        immediate = connection.get_execution_options().get("begin_immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

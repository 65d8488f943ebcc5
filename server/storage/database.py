"""Connections and transactions: SQLite in WAL mode by default, any SQLAlchemy URL otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

from server.storage.schema import check_schema
from server.storage.tables import Table

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON")


class Database:
    """Short transactions only, each in one thread; rows stay readable after their transaction."""

    def __init__(self, url: str) -> None:
        """Raises UnusableDatabaseError."""
        self.engine = create_engine(url)
        check_schema(self.engine)
        self.engine.dispose()  # the connection of the check, which is as it was opened
        if self.engine.dialect.name == "sqlite":
            _use_sqlite_safely(self.engine)
        Table.metadata.create_all(self.engine)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end, or rolled back by an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.connection(execution_options={"begin_immediate": True})
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _use_sqlite_safely(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing; `begin` below does
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes fails at once where another one wrote
        # in between, whatever busy_timeout says. So writers take the lock first.
        immediate = connection.get_execution_options().get("begin_immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

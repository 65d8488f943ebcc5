"""Transactions: short ones only, and what becomes of one that the database cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from server.problems import Problem
from server.storage.connections import database_url, pooled_engine, use_write_ahead_log
from server.storage.schema import migrate

RETRY_AFTER_S = 2
# SQLSTATE classes and codes of PostgreSQL (its manual, appendix A).
BUSY = ("40001", "40P01", "55P03", "57014")  # serialisation, deadlock, lock and statement timeouts
FULL = ("53100",)
REFERS_TO_NOTHING = ("23503", "FOREIGN KEY constraint failed")  # as PostgreSQL and SQLite say it


class Database:
    """Each transaction in one thread; rows stay readable after it."""

    def __init__(self, url: str) -> None:
        """An older database is brought to this version first. Raises UnusableDatabaseError."""
        address = database_url(url)
        migrate(address)
        use_write_ahead_log(address)
        self.engine = pooled_engine(address)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that changes nothing. Raises Problem database_busy, storage_unavailable."""
        with _as_problems(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end, or rolled back by an exception.

        In SQLite it is the only one; elsewhere others write meanwhile, so a row that decides something is
        read with FOR UPDATE. Raises Problem database_busy, storage_unavailable, storage_full, and
        unknown_session where what a new row belongs to was deleted meanwhile.
        """
        with _as_problems(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.connection(execution_options={"begin_immediate": True})
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise _busy("All connections to the database are in use.") from error
    except IntegrityError as error:
        if {str(error.orig), getattr(error.orig, "sqlstate", None)} & set(REFERS_TO_NOTHING):
            detail = "The session that this belongs to was just deleted."
            raise Problem("unknown_session", detail, "Reload the page to start a new one.") from error
        raise
    except DBAPIError as error:
        if isinstance(error, OperationalError) or error.connection_invalidated:
            raise _problem_of(error) from error
        raise


def _problem_of(error: DBAPIError) -> Problem:
    """What passes by itself is said so."""
    reason, code = str(error.orig), getattr(error.orig, "sqlstate", None)
    if code in FULL or "disk is full" in reason or "disk I/O error" in reason:
        return Problem("storage_full", "The disk of the server is full: nothing more can be kept.")
    if code in BUSY or "locked" in reason or "busy" in reason:
        return _busy("Another program keeps the database to itself.")
    detail = "The database of the server does not answer; nothing was changed."
    return Problem("storage_unavailable", detail, "Try again in a moment.", RETRY_AFTER_S)


def _busy(detail: str) -> Problem:
    return Problem("database_busy", detail, "Try again in a moment.", RETRY_AFTER_S)

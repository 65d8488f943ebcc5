"""Whether a database is one that this version can work with; if not, it is left as it is."""

from __future__ import annotations

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DatabaseError

from server.storage.tables import Table


class UnusableDatabaseError(Exception):
    """str() is a sentence that names the database and what is wrong with it."""


def check_schema(engine: Engine) -> None:
    """Tables may be missing, which are then made, but not columns. Raises UnusableDatabaseError."""
    name = engine.url.database or engine.url.render_as_string(hide_password=True)
    try:
        inspector = inspect(engine)
        present = {table: inspector.get_columns(table) for table in inspector.get_table_names()}
    except DatabaseError as error:
        raise UnusableDatabaseError(_unreadable(engine, name, str(error.orig))) from error
    for table in Table.metadata.sorted_tables:
        columns = {column["name"] for column in present.get(table.name, [])}
        missing = {column.name for column in table.columns} - columns
        if columns and missing:
            raise UnusableDatabaseError(
                f"The database {name} is another version's: {table.name}.{min(missing)} is missing. Start "
                "the version that made it, or move it away to begin with an empty one."
            )


def _unreadable(engine: Engine, name: str, reason: str) -> str:
    if engine.dialect.name != "sqlite":
        return f"The database {name} cannot be opened. Check LATENTLOOM_DATABASE_URL, and that it runs."
    if "locked" in reason:
        return f"The database {name} is held by another program. Stop that one, and start again."
    return (
        f"The database {name} cannot be read: it is damaged or no database. Restore a backup of it, or "
        "move it away to begin with an empty one."
    )

"""What Alembic runs: it is given the connection, in a transaction that is not its own."""

from __future__ import annotations

from alembic import context

from server.storage.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,  # SQLite cannot alter a column: the table is made anew
)
context.run_migrations()

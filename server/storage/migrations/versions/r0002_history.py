"""The history of a session; what was its only document becomes the first node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table, and move the documents of sessions there."""
    op.create_table(
        "history",
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("visited", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(
        "INSERT INTO history (session_id, id, number, visited, name, document, created_at) "
        "SELECT id, id, 0, 0, '', document, updated_at FROM sessions"
    )
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("document")


def downgrade() -> None:
    """Keep the document on which each session stands, and nothing else of its history."""
    op.add_column("sessions", sa.Column("document", sa.JSON()))
    op.execute(
        "UPDATE sessions SET document = (SELECT document FROM history "
        "WHERE history.session_id = sessions.id ORDER BY visited DESC LIMIT 1)"
    )
    with op.batch_alter_table("sessions") as sessions:
        sessions.alter_column("document", existing_type=sa.JSON(), nullable=False)
    op.drop_table("history")

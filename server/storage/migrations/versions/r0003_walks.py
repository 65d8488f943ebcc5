"""The walk between faces that a session has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "walks",
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("walk", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("walks")

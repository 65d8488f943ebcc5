"""Sessions, photos, latents, directions, layer rules and projection jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _make_sessions_and_what_is_in_them()
    _make_jobs()
    op.create_table(
        "directions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("generator", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("layers", sa.JSON(), nullable=False),
        sa.Column("scale", sa.Float(), nullable=False),
        sa.Column("minimum", sa.Float(), nullable=False),
        sa.Column("maximum", sa.Float(), nullable=False),
        sa.Column("explained", sa.Float()),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.UniqueConstraint("generator", "owner", "name"),
    )
    op.create_table(
        "layer_rules",
        sa.Column("generator", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(32), primary_key=True),
        sa.Column("layers", sa.JSON(), nullable=False),
    )


def downgrade() -> None:
    """Remove them, with all that is in them."""
    for table in ("layer_rules", "directions", "job_histories", "jobs", "latents", "photos", "sessions"):
        op.drop_table(table)


def _make_sessions_and_what_is_in_them() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner", sa.String(32), server_default="", nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
    op.create_index("ix_sessions_owner", "sessions", ["owner"])
    op.create_table(
        "photos",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("faces", sa.JSON(), nullable=False),
        sa.Column("anchors", sa.JSON()),
        sa.Column("face", sa.Integer(), nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_index("ix_photos_session_id", "photos", ["session_id"])
    op.create_table(
        "latents",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_index("ix_latents_session_id", "latents", ["session_id"])
    op.create_index("ix_latents_blob", "latents", ["blob"])


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("idempotency_key", sa.String(128)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("generator", sa.String(64)),
        sa.Column("photo_id", sa.Uuid(), sa.ForeignKey("photos.id"), nullable=False),
        sa.Column("face", sa.Integer()),
        sa.Column("anchors", sa.JSON(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("rungs", sa.JSON(), nullable=False),
        sa.Column("continues", sa.Uuid()),
        sa.Column("start_latent_id", sa.Uuid(), sa.ForeignKey("latents.id")),
        sa.Column("began_at", sa.String(16)),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(16)),
        sa.Column("loss", sa.Float()),
        sa.Column("terms", sa.JSON()),
        sa.Column("distance", sa.Float()),
        sa.Column("metric", sa.String(64), nullable=False),
        sa.Column("pixel_error", sa.Float()),
        sa.Column("psnr", sa.Float()),
        sa.Column("identity", sa.Float()),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("latent_id", sa.Uuid(), sa.ForeignKey("latents.id")),
        sa.Column("preview_blob", sa.String(64)),
        sa.Column("state_blob", sa.String(64)),
        sa.Column("wish", sa.String(16)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(36)),
        sa.Column("lease_until", MOMENT),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_detail", sa.String(500)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.UniqueConstraint("session_id", "idempotency_key"),
    )
    op.create_index("ix_jobs_session_id", "jobs", ["session_id"])
    op.create_index("ix_jobs_state_created", "jobs", ["state", "created_at"])
    op.create_table(
        "job_histories",
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("moments", sa.JSON(), nullable=False),
    )

"""The database tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, DateTime, Dialect, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Points in time with their zone, also where the database (SQLite) keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class Table(DeclarativeBase):
    """The declarative base."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
    }


class SessionRow(Table):
    """One person's work: the document that a reload brings back."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PhotoRow(Table):
    """An uploaded photo as we re-encoded it. faces: box [4], score, landmarks [5][2], largest face first."""

    __tablename__ = "photos"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    width: Mapped[int]
    height: Mapped[int]
    faces: Mapped[list[dict[str, Any]]]
    blob: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class LatentRow(Table):
    """A stored latent of one model; rows and their blobs never change."""

    __tablename__ = "latents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    model: Mapped[str] = mapped_column(String(64))
    blob: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]


class JobRow(Table):
    """A projection: queued -> running -> succeeded | failed | cancelled; the last three never change."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("session_id", "idempotency_key"),
        Index("ix_jobs_state_created", "state", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(64))
    photo_id: Mapped[UUID] = mapped_column(ForeignKey("photos.id"))
    face: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(Integer, default=0)
    loss: Mapped[float | None] = mapped_column(Float)
    distance: Mapped[float | None] = mapped_column(Float)
    metric: Mapped[str] = mapped_column(String(64), default="")
    latent_id: Mapped[UUID | None] = mapped_column(ForeignKey("latents.id"))
    preview_blob: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

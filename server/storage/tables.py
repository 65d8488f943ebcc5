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
        list[int]: JSON,
    }


class SessionRow(Table):
    """One person's work, whose documents are its history. owner: a user, empty for the only one.

    updated_at: when a step was last made, or within an hour of when it was last opened.
    """

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(32), default="", server_default="", index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class HistoryRow(Table):
    """A node of a session's history: a document, and the one that it was made from (None: the first).

    number: in the order in which they were made. visited: counted in the session, each time that it came to
    stand here; so it stands where this is highest.
    """

    __tablename__ = "history"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None]
    number: Mapped[int]
    visited: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class PhotoRow(Table):
    """An uploaded photo as we re-encoded it. faces: box [4], score, landmarks [5][2], largest face first.

    anchors: left_eye, right_eye, mouth as x, y, where somebody set them by hand; face: which one they chose.
    """

    __tablename__ = "photos"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    width: Mapped[int]
    height: Mapped[int]
    faces: Mapped[list[dict[str, Any]]]
    anchors: Mapped[dict[str, Any] | None]
    face: Mapped[int] = mapped_column(Integer, default=0)
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


class DirectionRow(Table):
    """A direction of a generator (sha256), as a file of models.editing.directions; that never changes.

    minimum, maximum: of the strength, for a slider. owner: a user, empty for the only one.
    """

    __tablename__ = "directions"
    __table_args__ = (UniqueConstraint("generator", "owner", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    generator: Mapped[str] = mapped_column(String(64))
    owner: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(80))
    method: Mapped[str] = mapped_column(String(32))
    layers: Mapped[list[int]]
    scale: Mapped[float] = mapped_column(Float)
    minimum: Mapped[float] = mapped_column(Float)
    maximum: Mapped[float] = mapped_column(Float)
    explained: Mapped[float | None] = mapped_column(Float)
    blob: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class LayerRulesRow(Table):
    """The rows that edits of a generator's (sha256) faces change, {attribute: rows}: somebody's default."""

    __tablename__ = "layer_rules"

    generator: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(32), primary_key=True)
    layers: Mapped[dict[str, Any]]


class JobRow(Table):
    """A projection: queued -> running -> succeeded | failed | cancelled, which never change. A running one
    may also become paused or queued again; its state_blob is where it goes on.

    request: what was asked for, which also tells what an idempotency key stands for. rungs: rung and steps of
    each; rung, step, loss, terms, distance: of the newest step. generator: sha256 of the weights it began
    with; start_latent_id: the result it began with, of the job continues. wish: what a running job is to
    become ("cancelled", "paused"). lease_owner, lease_until: the server that runs it, and until when others
    believe that. claimed_at: when it last began to run; started_at: when it first did.
    """

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
    generator: Mapped[str | None] = mapped_column(String(64))
    photo_id: Mapped[UUID] = mapped_column(ForeignKey("photos.id"))
    face: Mapped[int | None] = mapped_column(Integer)
    anchors: Mapped[dict[str, Any]]
    request: Mapped[dict[str, Any]]
    rungs: Mapped[list[dict[str, Any]]]
    continues: Mapped[UUID | None]
    start_latent_id: Mapped[UUID | None] = mapped_column(ForeignKey("latents.id"))
    began_at: Mapped[str | None] = mapped_column(String(16))
    total: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(Integer, default=0)
    rung: Mapped[str | None] = mapped_column(String(16))
    loss: Mapped[float | None] = mapped_column(Float)
    terms: Mapped[dict[str, Any] | None]
    distance: Mapped[float | None] = mapped_column(Float)
    metric: Mapped[str] = mapped_column(String(64), default="")
    pixel_error: Mapped[float | None] = mapped_column(Float)
    psnr: Mapped[float | None] = mapped_column(Float)
    identity: Mapped[float | None] = mapped_column(Float)
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    latent_id: Mapped[UUID | None] = mapped_column(ForeignKey("latents.id"))
    preview_blob: Mapped[str | None] = mapped_column(String(64))
    state_blob: Mapped[str | None] = mapped_column(String(64))
    wish: Mapped[str | None] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class WalkRow(Table):
    """The walk between faces (server.walks) that somebody makes in a session."""

    __tablename__ = "walks"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    walk: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class GalleryRow(Table):
    """A document that somebody liked. deleted_at: since when it can only be brought back."""

    __tablename__ = "gallery"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    document: Mapped[dict[str, Any]]
    starred: Mapped[bool]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class JobHistoryRow(Table):
    """How a projection went until its newest checkpoint.

    points: step, rung, loss, distance, terms of some steps. moments: step, rung, distance, width, height and
    blob of a few pictures.
    """

    __tablename__ = "job_histories"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    points: Mapped[list[dict[str, Any]]]
    moments: Mapped[list[dict[str, Any]]]

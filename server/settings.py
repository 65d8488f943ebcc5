"""The settings of one server: environment variables LATENTLOOM_*, read once, never changed."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.logs import LogFormat

REPOSITORY = Path(__file__).resolve().parents[1]
MIB = 2**20


class Settings(BaseSettings):
    """Each field is the environment variable LATENTLOOM_<NAME>; the command line overrides it."""

    model_config = SettingsConfigDict(env_prefix="LATENTLOOM_", frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=7860, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    token: SecretStr | None = Field(
        default=None, description="Access token of the only user; needed where other machines can reach it."
    )
    token_file: Path | None = Field(
        default=None, description="Access tokens of several users, written by `latentloom token add`."
    )
    first_token: bool = Field(
        default=False, description="Where the token file has no user yet, make one and print the token once."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description='Further names (JSON list) by which browsers may call this server, e.g. ["loom.lan"].',
    )
    data_dir: Path = Field(
        default=Path("data"),
        description="Where sessions, photos, latents and converted checkpoints are kept.",
    )
    checkpoints_dir: Path = Field(
        default=Path("checkpoints"), description="Folder of models: bundle folders and checkpoint files."
    )
    frontend_dir: Path = Field(default=REPOSITORY / "frontend", description="Folder of the page.")
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL of the database; unset: loom.sqlite in the data folder."
    )
    blobs_url: str | None = Field(
        default=None,
        description="Where files are kept: s3://bucket/prefix?endpoint=URL; unset: blobs in the data folder.",
    )
    keep_unnamed_hours: float = Field(
        default=24, ge=0, description="Hours after which latents go that nothing names; 0 keeps them."
    )
    expire_sessions_days: float = Field(
        default=0, ge=0, description="Days after which sessions go that nobody opened; 0 keeps them all."
    )
    device: str = Field(
        default="auto", description='"auto" takes CUDA where there is one; or "cpu", "cuda", "cuda:1".'
    )
    perceptual: str = Field(
        default="auto", description='Perceptual distance of projections: "auto" or the name of one.'
    )
    frame_cache_mib: int = Field(default=64, ge=0, description="Memory for finished pictures, in MiB.")
    model_cache_mib: int = Field(
        default=1024, ge=0, description="Memory for the weights of loaded models, in MiB."
    )
    max_upload_mib: int = Field(default=20, ge=1, description="Largest photo upload, in MiB.")
    max_json_kib: int = Field(
        default=256, ge=1, description="Largest request body that is not an upload, in KiB."
    )
    max_queued_per_session: int = Field(
        default=8, ge=1, description="Projections a session may have waiting."
    )
    projections_at_once: int = Field(
        default=2, ge=1, description="Projections that a device computes in turns; the others wait."
    )
    max_queued: int = Field(default=64, ge=1, description="Projections that may wait in all.")
    max_history_steps: int = Field(
        default=500, ge=2, description="Steps that a session's history keeps; the oldest make room."
    )
    max_gallery_items: int = Field(default=1000, ge=1, description="Pictures in a session's gallery.")
    max_latents_per_session: int = Field(
        default=5000, ge=1, description="Faces stored of a session: found, brought and sampled ones."
    )
    max_photos_per_session: int = Field(default=500, ge=1, description="Photos of a session.")
    max_projections_per_session: int = Field(
        default=1000, ge=1, description="Projections of a session, finished ones included."
    )
    max_requests_per_second: float = Field(
        default=100, gt=0, description="Requests of a client per second; those of ten may come at once."
    )
    max_requests_at_once: int = Field(default=32, ge=1, description="Requests of one client under way.")
    max_sockets: int = Field(default=200, ge=1, description="Live connections in all.")
    max_sockets_per_client: int = Field(default=64, ge=1, description="Live connections of a client.")
    max_sockets_per_session: int = Field(default=8, ge=1, description="Live connections of a session.")
    request_timeout_s: float = Field(
        default=30, gt=0, description="Seconds for a request to arrive, and between parts of an upload."
    )
    ack_timeout_s: float = Field(
        default=30, gt=0, description="Seconds after which a page that takes no pictures is disconnected."
    )
    log_format: LogFormat = Field(default="human", description='"human", or "json": one object a line.')

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'loom.sqlite'}"

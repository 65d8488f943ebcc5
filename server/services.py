"""What the routes work with, made once when the application starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from server.access.ownership import Ownership
from server.engine.interface import Engine
from server.jobs import JobRunner
from server.photo_pixels import PhotoPixels
from server.progress import ProgressHub
from server.settings import Settings
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.films import FilmStore
from server.tasks import TaskRunner


@dataclass(frozen=True)
class Services:
    """One of each, for the life of the application."""

    settings: Settings
    engine: Engine
    database: Database
    blobs: BlobStore
    pixels: PhotoPixels
    hub: ProgressHub
    jobs: JobRunner
    ownership: Ownership
    tasks: TaskRunner
    films: FilmStore


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that a request or socket belongs to."""
    services: Services = connection.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]

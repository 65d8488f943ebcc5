"""The application: routes, gate and error answers put together, and what lives as long as it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from fastapi import Depends, FastAPI

from server.access.admission import Admission
from server.access.caller import only_own
from server.access.clients import ClientLimits, Clients
from server.access.ownership import Ownership
from server.engine.editing_interface import DirectionSource
from server.engine.interface import Engine, LatentSource
from server.errors import install_error_handlers
from server.gate import Gate
from server.housekeeping import Housekeeping, Kept
from server.jobs import JobRunner
from server.messages import Problem as ProblemBody
from server.observation import Observation
from server.page_compression import PageCompression
from server.photo_pixels import PhotoPixels
from server.problems import Problem
from server.progress import ProgressHub
from server.routes import (
    about,
    access,
    activations,
    directions,
    docs,
    exports,
    films,
    gallery,
    health,
    history,
    layer_rules,
    live,
    maps,
    metrics,
    models,
    photos,
    projections,
    putting_back,
    render,
    samples,
    sessions,
    tasks,
    walks,
)
from server.services import Services
from server.settings import Settings
from server.storage import directions as stored_directions
from server.storage import latents
from server.storage.blob_places import open_blobs
from server.storage.database import Database
from server.storage.films import FilmStore
from server.tasks import TaskRunner
from server.telemetry import Telemetry
from server.version import product_version

log = logging.getLogger(__name__)

EngineFactory = Callable[[LatentSource, DirectionSource], Engine]
ROUTES = (
    health, about, access, metrics, models, sessions, history, photos, projections, putting_back, render,
    directions, samples, walks, maps, activations, exports, gallery, films, tasks, layer_rules, live, docs,
)  # fmt: skip


def create_app(settings: Settings, make_engine: EngineFactory) -> FastAPI:
    """The ASGI application. Nothing is opened before it starts.

    Raises ValueError where the page is missing, and TokenFileError.
    """
    if not (settings.frontend_dir / "index.html").is_file():
        raise ValueError(f"there is no page: {settings.frontend_dir / 'index.html'} is missing")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running_services(settings, make_engine) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="Latent Loom",
        version=product_version(),
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": ProblemBody}, "5XX": {"model": ProblemBody}},
        form_limits={"max_files": 1, "max_fields": 4},
    )
    install_error_handlers(app)
    for module in ROUTES:
        app.include_router(module.router, dependencies=[Depends(only_own)])
    app.frontend("/", directory=settings.frontend_dir, fallback=None, check_dir=True)
    app.add_middleware(PageCompression)
    _guard(app, settings)
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    """Every request passes the observation, which is the outermost layer, and then the gate."""
    limits = ClientLimits(
        requests_per_second=settings.max_requests_per_second,
        requests_at_once=settings.max_requests_at_once,
        sockets=settings.max_sockets,
        sockets_per_client=settings.max_sockets_per_client,
        sockets_per_session=settings.max_sockets_per_session,
    )
    token = settings.token.get_secret_value() if settings.token else None
    app.state.admission = Admission(token, settings.token_file)
    app.state.clients = Clients(limits)
    app.state.telemetry = Telemetry()
    app.add_middleware(Gate, settings=settings, admission=app.state.admission, clients=app.state.clients)
    app.add_middleware(Observation, telemetry=app.state.telemetry)


@asynccontextmanager
async def running_services(settings: Settings, make_engine: EngineFactory) -> AsyncIterator[Services]:
    """Database, engine and job runner, started in this order and stopped in the other."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    blobs = open_blobs(settings.blobs_url, settings.data_dir / "blobs")
    engine = make_engine(
        lambda latent_id: latents.read(database, blobs, latent_id),
        lambda direction_id: stored_directions.read(database, blobs, direction_id),
    )
    hub = ProgressHub()
    pixels = PhotoPixels(blobs)
    runner = JobRunner(database, blobs, pixels, engine, hub, settings.projections_at_once)
    work, finished_films = TaskRunner(), FilmStore(settings.data_dir / "films")
    await engine.start()
    await runner.start()
    kept = Kept(timedelta(hours=settings.keep_unnamed_hours), timedelta(days=settings.expire_sessions_days))
    housekeeping = Housekeeping(database, blobs, kept)
    housekeeping.start()
    # It may need a download; whoever asks for it first should not have to wait for that.
    early = asyncio.create_task(_load_perceptual(engine))
    try:
        owned = Ownership(database)
        yield Services(settings, engine, database, blobs, pixels, hub, runner, owned, work, finished_films)
    finally:
        early.cancel()
        await housekeeping.stop()
        await work.stop()
        await runner.stop()
        await engine.stop()
        database.close()


async def _load_perceptual(engine: Engine) -> None:
    with suppress(Problem):  # whoever asks for it is told
        used = await engine.perceptual()
        log.info("perceptual distance: %s", used.note)

"""The application: routes, gate and error answers put together, and what lives as long as it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from server.engine.interface import Engine, LatentSource
from server.errors import install_error_handlers
from server.gate import Gate
from server.jobs import JobRunner
from server.messages import Problem as ProblemBody
from server.problems import Problem
from server.progress import ProgressHub
from server.routes import about, docs, health, live, models, photos, projections, render, sessions
from server.services import Services
from server.settings import Settings
from server.storage import latents
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.version import product_version

log = logging.getLogger(__name__)

EngineFactory = Callable[[LatentSource], Engine]


def create_app(settings: Settings, make_engine: EngineFactory) -> FastAPI:
    """The ASGI application. Nothing is opened before it starts.

    Raises ValueError where the page is missing.
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
    for module in (health, about, models, sessions, photos, projections, render, live, docs):
        app.include_router(module.router)
    app.frontend("/", directory=settings.frontend_dir, fallback=None, check_dir=True)
    app.add_middleware(Gate, settings=settings)
    return app


@asynccontextmanager
async def running_services(settings: Settings, make_engine: EngineFactory) -> AsyncIterator[Services]:
    """Database, engine and job runner, started in this order and stopped in the other."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    blobs = BlobStore(settings.data_dir / "blobs")
    engine = make_engine(lambda latent_id: latents.read(database, blobs, latent_id))
    hub = ProgressHub()
    runner = JobRunner(database, blobs, engine, hub)
    await engine.start()
    await runner.start()
    # It may need a download; whoever asks for it first should not have to wait for that.
    early = asyncio.create_task(_load_perceptual(engine))
    try:
        yield Services(settings, engine, database, blobs, hub, runner)
    finally:
        early.cancel()
        await runner.stop()
        await engine.stop()
        database.close()


async def _load_perceptual(engine: Engine) -> None:
    with suppress(Problem):  # whoever asks for it is told
        used = await engine.perceptual()
        log.info("perceptual distance: %s", used.note)

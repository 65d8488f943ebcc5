"""The baseline of benchmarks.live: every edit is rendered, first in, first out.

    python -m benchmarks.naive_server PORT CHECKPOINTS_DIR

Engine, pictures and frames are ours; what is missing is the mailbox in which the newest edit wins, the
credits, and the order of priorities: a projection simply runs on a thread of its own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import UUID, uuid4

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from models.bundle import load_bundle
from models.projection.perceptual import load_perceptual
from models.projection.projector import ProjectionSettings, prepare_target, project
from server.documents import Document, SeedBase
from server.engine.frames import live_frame
from server.engine.interface import RenderRequest
from server.engine.local import LocalEngine
from server.engine.local_options import LocalEngineOptions


def main() -> None:
    """Arguments: port, folder of checkpoints."""
    port, checkpoints = int(sys.argv[1]), Path(sys.argv[2])
    uvicorn.run(naive_app(checkpoints), host="127.0.0.1", port=port, log_level="warning")


def naive_app(checkpoints: Path) -> Starlette:
    """Sessions, their live sockets, and a projection that runs for ever."""
    options = LocalEngineOptions(checkpoints, Path(gettempdir()) / "latentloom-naive", "cpu")
    engine = LocalEngine(options, _no_latents)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await engine.start()
        yield
        await engine.stop()

    async def create_session(_: Request) -> JSONResponse:
        model = engine.default_model()
        base = SeedBase(kind="seed", seed=0, truncation_psi=model.default_psi)
        document = Document(model=model.name, base=base).model_dump(mode="json")
        return JSONResponse({"id": str(uuid4()), "document": document})

    async def start_projection(_: Request) -> JSONResponse:
        threading.Thread(target=_project_for_ever, args=(checkpoints,), daemon=True).start()
        return JSONResponse({})

    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json({"type": "hello"})
        try:
            while True:
                message: dict[str, Any] = await websocket.receive_json()
                if message["type"] == "edit":
                    document = Document.model_validate(message["document"])
                    rendered = await engine.render(RenderRequest(document, quality=message["quality"]))
                    await websocket.send_bytes(live_frame(message["quality"], message["seq"], rendered))
        except WebSocketDisconnect:
            return

    routes = [
        Route("/readyz", lambda _: JSONResponse({})),
        Route("/api/v1/sessions", create_session, methods=["POST"]),
        Route("/projection", start_projection, methods=["POST"]),
        WebSocketRoute("/api/v1/sessions/{session}/live", live),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _no_latents(_: UUID) -> bytes:
    raise LookupError("this server keeps no latents")


def _project_for_ever(checkpoints: Path) -> None:
    bundle = load_bundle(next(path.parent for path in checkpoints.glob("*/manifest.json")))
    generator = bundle.generator
    picture = generator.synthesis(generator.mapping(torch.randn(1, generator.z_dim)))
    pixels = ((picture[0].permute(1, 2, 0) + 1) * 127.5).clamp(0, 255).to(torch.uint8).numpy()
    target = prepare_target(pixels, generator.img_resolution)
    perceptual = load_perceptual("efficientnet-lite0", "cpu")
    while True:
        for _ in project(generator, target, ProjectionSettings(), perceptual):
            pass


if __name__ == "__main__":
    main()

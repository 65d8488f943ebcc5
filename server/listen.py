"""How uvicorn serves the application."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from server.settings import Settings

MAX_SOCKET_MESSAGE = 64 * 1024
SHUTDOWN_S = 5


def uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Frames are JPEG already: compressing them again would cost several times the rest of the way."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=MAX_SOCKET_MESSAGE,
        timeout_graceful_shutdown=SHUTDOWN_S,
        server_header=False,
        log_level="info",
    )

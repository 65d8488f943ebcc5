"""How uvicorn serves the application, and for how long it waits for whom."""

from __future__ import annotations

import asyncio

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.logs import log_config
from server.settings import Settings

MAX_SOCKET_MESSAGE = 64 * 1024
# So slow may a client take an answer, once the seconds that every request has are over.
SLOWEST_BYTES_PER_SECOND = 16 * 1024
SHUTDOWN_S = 5
# A page that is gone without a word is noticed after two of these.
PING_S = 20.0


def uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Frames are JPEG already: compressing them again would cost several times the rest of the way."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=prompt_http(settings.request_timeout_s),
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=MAX_SOCKET_MESSAGE,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        server_header=False,
        access_log=False,  # server.observation writes it, with request ids
        log_config=log_config(settings.log_format),
        log_level="info",
    )


def prompt_http(seconds: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, which would wait for ever for the headers of a request, and for a client that takes
    none of an answer, with limits to both.
    """

    class PromptHttp(HttpToolsProtocol):
        """Closes connections whose request line and headers take too long, or which let an answer lie."""

        _waiting: asyncio.TimerHandle | None = None
        _lying: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._wait()

        def on_headers_complete(self) -> None:
            self._wait_no_more()
            super().on_headers_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            allowed = seconds + self.transport.get_write_buffer_size() / SLOWEST_BYTES_PER_SECOND
            self._lying = self.loop.call_later(allowed, self.transport.abort)

        def resume_writing(self) -> None:
            self._lie_no_more()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            self._lie_no_more()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._wait_no_more()
            self._waiting = self.loop.call_later(seconds, self.transport.close)

        def _wait_no_more(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()

        def _lie_no_more(self) -> None:
            if self._lying is not None:
                self._lying.cancel()

    return PromptHttp

"""The page's own files, compressed on their way. What the API answers is not: its pictures are compressed
already, and answers that hold secrets should not tell by their length what is in them."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PAGE_SUFFIXES = (".js", ".css", ".html", ".svg", "/")
SMALLEST = 1024  # bytes: below, the headers outweigh what is saved


class PageCompression:
    """Gzip for the files of the page, for those who take it; parts of files are sent as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressing = GZipMiddleware(app, minimum_size=SMALLEST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        compressed = (
            scope["type"] == "http"
            and not scope["path"].startswith("/api/")
            and scope["path"].endswith(PAGE_SUFFIXES)
            and "range" not in Headers(scope=scope)
        )
        await (self._compressing if compressed else self._plain)(scope, receive, send)

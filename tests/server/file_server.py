"""A real HTTP server on this machine that hands out files, well or badly as a test wants it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch


@dataclass
class ServedFile:
    """One file and the manners of the server with it."""

    content: bytes
    etag: str | None = '"first"'
    modified: str | None = None
    ranges: bool = True  # answers Range, and compares If-Range
    careless: bool = False  # answers Range with whatever the file is by now
    says_length: bool = True
    encoding: str | None = None
    hang_up_after: list[int] = field(default_factory=list)  # bytes of the body, one number a request
    statuses: list[int] = field(default_factory=list)  # answers before the file is handed out
    stalled: threading.Event | None = None  # while unset, the second half does not come


@dataclass
class Seen:
    """What was asked for."""

    path: str
    range: str | None
    if_range: str | None


class FileServer:
    """Files and redirects by path, and the requests so far."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.files: dict[str, ServedFile] = {}
        self.redirects: dict[str, str] = {}
        self.seen: list[Seen] = []

    def url(self, path: str) -> str:
        return self.origin + path


@contextmanager
def file_server() -> Iterator[FileServer]:
    """Running in a thread of its own, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen = Seen(self.path, self.headers.get("Range"), self.headers.get("If-Range"))
            server.seen.append(seen)
            if self.path in server.redirects:
                self._head(302, {"Location": server.redirects[self.path], "Content-Length": "0"})
            elif self.path not in server.files:
                self._head(404, {"Content-Length": "0"})
            else:
                self._hand_out(server.files[self.path], seen)

        def log_message(self, *_: object) -> None:
            pass

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _hand_out(self, file: ServedFile, seen: Seen) -> None:
            if file.statuses:
                self._head(file.statuses.pop(0), {"Content-Length": "0"})
                return
            version = file.etag or file.modified
            headers = {"ETag": file.etag, "Last-Modified": file.modified, "Content-Encoding": file.encoding}
            start = int((seen.range or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            status, total = 200, len(file.content)
            if seen.range and (file.careless or (file.ranges and seen.if_range == version)):
                status = 206 if start < total else 416
                headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            else:
                start = 0
            body = b"" if status == 416 else file.content[start:]
            if file.says_length:
                headers["Content-Length"] = str(len(body))
            else:
                headers["Transfer-Encoding"] = "chunked"
            self._head(status, {name: value for name, value in headers.items() if value is not None})
            self._send(file, body)

        def _send(self, file: ServedFile, body: bytes) -> None:
            if file.hang_up_after:
                body = body[: file.hang_up_after.pop(0)]
                self.close_connection = True
            parts = [body]
            if file.stalled is not None:
                parts = [body[: len(body) // 2], body[len(body) // 2 :]]
            for number, part in enumerate(parts):
                if number and file.stalled is not None:
                    file.stalled.wait(60)
                if file.says_length:
                    self.wfile.write(part)
                else:
                    self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.wfile.flush()
            if not file.says_length and not self.close_connection:
                self.wfile.write(b"0\r\n\r\n")

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that go away are what these tests are about."""

    listening = Quiet(("127.0.0.1", 0), Handler)  # which no proxy of the environment could reach
    server = FileServer(listening.server_address[1])
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with patch.dict(os.environ, {"NO_PROXY": "*"}):
            yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()

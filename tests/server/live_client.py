"""A client of the live socket that speaks its protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from server.engine.frames import HEADER, FrameHeader, read_header
from tests.server.harness import Json, RunningServer

PATIENCE_S = 60
QUIET_S = 1.0


class Live:
    """A client that speaks the protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.hello = self.message("hello")

    def edit(self, seq: int, document: Json, quality: str = "preview") -> None:
        self.send({"type": "edit", "seq": seq, "document": document, "quality": quality})

    def ack(self, seq: int) -> None:
        self.send({"type": "ack", "seq": seq})

    def send(self, message: Any) -> None:
        self.connection.send(json.dumps(message))

    def receive(self, timeout: float = PATIENCE_S) -> Json | tuple[FrameHeader, bytes]:
        data = self.connection.recv(timeout)
        if isinstance(data, bytes):
            return read_header(data), data[HEADER.size :]
        message: Json = json.loads(data)
        return message

    def message(self, kind: str) -> Json:
        """The next JSON message, which must be of that kind."""
        message = self.receive()
        assert isinstance(message, dict), message
        assert message["type"] == kind, message
        return message

    def frame(self) -> tuple[FrameHeader, bytes]:
        """The next message, which must be a picture."""
        frame = self.receive()
        assert isinstance(frame, tuple), frame
        return frame

    def is_quiet(self) -> bool:
        try:
            self.receive(QUIET_S)
        except TimeoutError:
            return True
        return False


@contextmanager
def live(server: RunningServer, session: str) -> Iterator[Live]:
    url, origin = server.live_url(session), Origin(server.origin)
    with connect(url, origin=origin, proxy=None, close_timeout=1) as connection:
        yield Live(connection)

"""Fixtures of the attacks: the server's, and one with two users and tight limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from server.access.tokens import Entry, Quotas, User, new_token, token_hash, write_token_file
from server.settings import REPOSITORY
from tests.server.conftest import (  # noqa: F401 (fixtures)
    astronaut,
    checkpoints,
    client,
    page_folder,
    photo,
    server,
    session,
    settings,
    upload,
)
from tests.server.harness import RunningServer, make_settings, serving

PATIENCE_S = 1.0
LONGEST_S = 60.0


@dataclass(frozen=True)
class Guarded:
    """A server that asks for tokens, and the tokens of two users of it; ben may have little."""

    server: RunningServer
    ana: str
    ben: str

    def client(self, token: str | None) -> httpx.Client:
        """A program with that token, or with none."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.server.origin, headers=headers, timeout=120)


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> Iterator[Guarded]:  # noqa: F811
    """It serves the real page, and waits for nobody longer than PATIENCE_S."""
    folder = tmp_path_factory.mktemp("guarded")
    ana, ben = new_token(), new_token()
    entries = (
        Entry(User("ana"), token_hash(ana)),
        Entry(User("ben", Quotas(max_sessions=3, max_photos=0, max_queued=0)), token_hash(ben)),
    )
    write_token_file(folder / "tokens.toml", entries)
    tight = {
        "token_file": folder / "tokens.toml",
        "max_sockets": 3,
        "max_sockets_per_session": 2,
        "request_timeout_s": PATIENCE_S,
        "ack_timeout_s": PATIENCE_S,
    }
    own = make_settings(folder / "data", checkpoints, REPOSITORY / "frontend").model_copy(update=tight)
    with serving(own) as running:
        yield Guarded(running, ana, ben)


@pytest.fixture
def guarded(guarded_server: Guarded) -> Guarded:
    """The same, once it has noticed that the sockets of the test before are closed."""
    deadline = time.monotonic() + LONGEST_S
    while guarded_server.server.app.state.clients.sockets:
        assert time.monotonic() < deadline, "sockets stay open"
        time.sleep(0.01)
    return guarded_server

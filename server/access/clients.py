"""How much each client asks for at once: requests per second, requests under way, live sockets."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from server.flow_control import RateLimit
from server.problems import Problem

REMEMBERED = 4096  # clients; whoever was away for longest is forgotten, and begins anew with full buckets
WRONG_TOKENS_PER_SECOND, WRONG_TOKENS_AT_ONCE = 1 / 6, 10.0
BURST_SECONDS = 10  # a client that was quiet may send as much at once as in that time
RETRY_AFTER_S = 5


@dataclass(frozen=True)
class ClientLimits:
    """Requests of a client: per second, and under way. Live sockets: in all, of a client, of a session."""

    requests_per_second: float
    requests_at_once: int
    sockets: int
    sockets_per_client: int
    sockets_per_session: int


class Clients:
    """Counts by client: a user's name, or a network address. Only the event loop's thread uses it."""

    def __init__(self, limits: ClientLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._requests: OrderedDict[str, RateLimit] = OrderedDict()
        self._wrong_tokens: OrderedDict[str, RateLimit] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        self._sockets: Counter[str] = Counter()  # by client
        self._paths: Counter[str] = Counter()

    @property
    def sockets(self) -> int:
        """Live sockets that are open."""
        return self._sockets.total()

    def check_rate(self, client: str) -> None:
        """Count a request. Raises Problem too_many_requests."""
        rate = self._limits.requests_per_second
        if not self._bucket(self._requests, client, rate, rate * BURST_SECONDS).allows():
            raise _too_many_requests("Requests come faster than this server takes them from one client.")

    def check_wrong_token(self, client: str) -> None:
        """Count a wrong token. Raises Problem too_many_requests. A right one is never refused for it."""
        bucket = self._bucket(self._wrong_tokens, client, WRONG_TOKENS_PER_SECOND, WRONG_TOKENS_AT_ONCE)
        if not bucket.allows():
            raise _too_many_requests("Too many wrong tokens were sent.")

    @contextmanager
    def request(self, client: str) -> Iterator[None]:
        """A request under way. Raises Problem too_many_requests."""
        if self._under_way[client] >= self._limits.requests_at_once:
            raise _too_many_requests("Too many requests of this client are under way.")
        with _counted(self._under_way, client):
            yield

    @contextmanager
    def socket(self, client: str, path: str) -> Iterator[None]:
        """A live socket at that path, which names its session. Raises Problem too_many_connections."""
        limits = self._limits
        if (
            self.sockets >= limits.sockets
            or self._sockets[client] >= limits.sockets_per_client
            or self._paths[path] >= limits.sockets_per_session
        ):
            hint = "Close another window of this page, or try again later."
            detail = "Too many live connections are open."
            raise Problem("too_many_connections", detail, hint, retry_after_s=RETRY_AFTER_S)
        with _counted(self._sockets, client), _counted(self._paths, path):
            yield

    def _bucket(
        self, buckets: OrderedDict[str, RateLimit], client: str, per_second: float, burst: float
    ) -> RateLimit:
        if client not in buckets:
            buckets[client] = RateLimit(per_second, burst, self._clock)
        buckets.move_to_end(client)
        if len(buckets) > REMEMBERED:
            buckets.popitem(last=False)
        return buckets[client]


@contextmanager
def _counted(counter: Counter[str], key: str) -> Iterator[None]:
    counter[key] += 1
    try:
        yield
    finally:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]


def _too_many_requests(detail: str) -> Problem:
    return Problem("too_many_requests", detail, "Try again in a moment.", retry_after_s=RETRY_AFTER_S)

"""How much one client may ask for, by a clock that the tests move."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from server.access.clients import REMEMBERED, ClientLimits, Clients
from server.problems import Problem

LIMITS = ClientLimits(
    requests_per_second=2.0, requests_at_once=2, sockets=4, sockets_per_client=3, sockets_per_session=2
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(clients: Clients, client: str) -> int:
    """How many of 100 requests that come together are refused."""
    count = 0
    for _ in range(100):
        try:
            clients.check_rate(client)
        except Problem as problem:
            assert (problem.code, problem.retry_after_s) == ("too_many_requests", 5)
            count += 1
    return count


def test_a_client_may_send_ten_seconds_worth_at_once_and_then_its_rate() -> None:
    clock = Clock()
    clients = Clients(LIMITS, clock)
    assert refused(clients, "ana") == 80
    assert refused(clients, "ben") == 80
    clock.now = 1.0
    assert refused(clients, "ana") == 98


def test_who_was_away_for_longest_is_forgotten_so_that_memory_is_bounded() -> None:
    clients = Clients(LIMITS, Clock())
    assert refused(clients, "ana") == 80
    for i in range(REMEMBERED):
        clients.check_rate(f"client {i}")
    assert refused(clients, "ana") == 80


def test_wrong_tokens_have_a_bucket_of_their_own() -> None:
    clients = Clients(LIMITS, Clock())
    for _ in range(10):
        clients.check_wrong_token("10.0.0.1")
    with pytest.raises(Problem, match="too_many_requests"):
        clients.check_wrong_token("10.0.0.1")
    clients.check_wrong_token("10.0.0.2")
    clients.check_rate("10.0.0.1")


def test_what_is_over_makes_room_again() -> None:
    clients = Clients(LIMITS, Clock())
    for _ in range(5):
        with ExitStack() as held:
            for path in ("/a", "/a", "/b"):
                held.enter_context(clients.socket("ana", path))
            for _ in range(2):
                held.enter_context(clients.request("ana"))
            assert clients.sockets == 3
            of_session, of_client = clients.socket("ben", "/a"), clients.socket("ana", "/c")
            for full in (of_session, of_client, clients.request("ana")):
                with pytest.raises(Problem), full:
                    pass
            held.enter_context(clients.socket("ben", "/c"))
            with pytest.raises(Problem, match="too_many_connections"), clients.socket("cay", "/d"):
                pass
    assert clients.sockets == 0

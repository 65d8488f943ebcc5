"""The parts that keep a live socket from piling up work."""

from __future__ import annotations

import asyncio

from server.flow_control import FrameCredits, Mailbox, RateLimit


def test_a_mailbox_holds_only_the_newest() -> None:
    async def scenario() -> list[int]:
        mailbox: Mailbox[int] = Mailbox()
        waiting = asyncio.create_task(mailbox.take())
        await asyncio.sleep(0)
        for number in (1, 2, 3):
            mailbox.put(number)
        first = await waiting
        mailbox.put(4)
        return [first, await mailbox.take()]

    assert asyncio.run(scenario()) == [3, 4]


def test_two_frames_may_be_under_way() -> None:
    async def scenario() -> list[bool]:
        credits, free = FrameCredits(), []
        for seq in (1, 2, 3):
            try:
                async with asyncio.timeout(0):
                    await credits.available()
                free.append(True)
            except TimeoutError:
                free.append(False)
            credits.spend(seq)
        return free

    assert asyncio.run(scenario()) == [True, True, False]


def test_an_unknown_ack_frees_nothing() -> None:
    credits = FrameCredits()
    credits.spend(1)
    credits.spend(2)
    credits.acknowledge(3)
    assert not credits._free.is_set()
    credits.acknowledge(2)
    assert credits._free.is_set()


def test_a_rate_limit_allows_a_burst_and_then_its_rate() -> None:
    moment = 100.0
    limit = RateLimit(per_second=2, burst=3, clock=lambda: moment)
    assert [limit.allows() for _ in range(5)] == [True, True, True, False, False]
    moment += 1
    assert [limit.allows() for _ in range(3)] == [True, True, False]
    moment += 1000
    assert sum(limit.allows() for _ in range(10)) == 3

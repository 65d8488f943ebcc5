"""Threads that end with the one piece of work they were started for.

PyTorch gives each thread that computes a team of OpenMP workers. Where two teams have more workers than
there are cores, both wait by sleeping, and every step of the compute thread would take twice as long for as
long as the other thread lives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def on_passing_thread(work: Callable[[], T]) -> T:
    """The result of work, beside the compute thread; its exceptions come out here.

    Work that nobody awaits any more runs to its end, but nothing waits for it, not even the program's end.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="passing", daemon=True).start()
    return await asyncio.wrap_future(future)

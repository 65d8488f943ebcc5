"""What the engine can tell of itself at any moment, as plain values: times of its stages, queues, caches."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

# Upper bounds in seconds: a picture of the demo model takes milliseconds, one of 1024 x 1024 about a second.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24)


@dataclass(frozen=True)
class Distribution:
    """counts: of values up to each of BOUNDS and, last, above them, none counted twice; total: their sum."""

    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True)
class EngineMeasures:
    """times: seconds by stage and kind of work, since the start. waiting: work items by kind. models: loaded
    ones. hits and misses: of finished pictures that were asked for. Sizes in bytes.
    """

    times: Mapping[tuple[str, str], Distribution]
    waiting: Mapping[str, int]
    models: int
    model_bytes: int
    model_budget_bytes: int
    frame_bytes: int
    frame_hits: int
    frame_misses: int


class StageTimes:
    """Counts how long stages take. Any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self._totals: defaultdict[tuple[str, str], float] = defaultdict(float)

    def add(self, stage: str, kind: str, seconds: float) -> None:
        """Count one."""
        with self._lock:
            self._counts[stage, kind][bisect_left(BOUNDS, seconds)] += 1
            self._totals[stage, kind] += seconds

    @contextmanager
    def measured(self, stage: str, kind: str) -> Iterator[None]:
        """Count the time that the block takes, if it ends well."""
        begun = perf_counter()
        yield
        self.add(stage, kind, perf_counter() - begun)

    def distributions(self) -> dict[tuple[str, str], Distribution]:
        """All of them so far."""
        with self._lock:
            return {
                key: Distribution(tuple(counts), self._totals[key]) for key, counts in self._counts.items()
            }

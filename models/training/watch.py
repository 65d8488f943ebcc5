"""How a run is followed and stopped from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Watch:
    """Times in seconds. should_stop is asked before every step. report gets the phase, the steps done in it,
    their number, and the latest figures.
    """

    save_every: float = 300.0
    log_every: float = 30.0
    should_stop: Callable[[], bool] = lambda: False
    report: Callable[[str, int, int, Mapping[str, float]], None] = lambda _phase, _step, _steps, _figures: (
        None
    )

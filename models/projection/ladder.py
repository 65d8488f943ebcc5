"""The ladder of projections: which rungs follow each other for the quality that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.projection.settings import ProjectionSettings, RungSettings, TuningSettings, WPlusSettings

Space = Literal["start", "w", "w+", "pti"]
Schedule = Literal["published", "fast"]
SPACES: tuple[Space, ...] = ("start", "w", "w+", "pti")
STEPS: dict[Schedule, int] = {"published": 1000, "fast": 250}


@dataclass(frozen=True)
class Plan:
    """rungs: in their order; none for a guess alone. from_guess: whether the first begins at the encoder's
    guess instead of the mean face, where the model has an encoder.
    """

    rungs: tuple[RungSettings, ...]
    from_guess: bool

    @property
    def steps(self) -> int:
        """Of all rungs."""
        return sum(settings.steps for settings in self.rungs)


def ladder(
    space: Space, *, schedule: Schedule = "published", steps: int | None = None, faithfulness: float = 0.5
) -> Plan:
    """The rungs up to space; "start" is a guess and no search. Tuning has its pivot in W, where edits are
    at their best (Roich et al., section 3.1), and not in W+.

    schedule: of W. steps: of W; None: what the schedule has. Where fewer are asked for, the rungs above are
    shortened alike. faithfulness 0..1: of W+.
    """
    if space == "start":
        return Plan((), from_guess=True)
    fast = schedule == "fast"
    steps = STEPS[schedule] if steps is None else steps
    share = min(1.0, steps / STEPS[schedule])
    w = fast_w(steps) if fast else ProjectionSettings(steps=steps)
    w_plus = WPlusSettings(steps=_part(WPlusSettings.steps, share), faithfulness=faithfulness)
    tuning = TuningSettings(steps=_part(TuningSettings.steps, share))
    above: dict[Space, tuple[RungSettings, ...]] = {"w": (), "w+": (w_plus,), "pti": (tuning,)}
    return Plan((w, *above[space]), from_guess=fast)


def _part(steps: int, share: float) -> int:
    return max(1, round(steps * share))


def fast_w(steps: int = STEPS["fast"]) -> ProjectionSettings:
    """W in a quarter of the steps: less noise on w, which begins near its end, and noise maps that are held
    less tightly, since these are what most of the published steps go into.
    """
    return ProjectionSettings(steps=steps, initial_noise_factor=0.01, regularize_noise_weight=1e4)

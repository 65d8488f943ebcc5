"""What can go wrong with a projection, in words for users."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.projection.steps import Best


class ProjectionError(ValueError):
    """This picture or generator cannot be projected; the message is meant for users."""


class ProjectionDiverged(ProjectionError):
    """The loss is not a finite number. best: the closest picture until then, None where there was none."""

    def __init__(self, step: int, loss: float, best: Best | None) -> None:
        super().__init__(f"The projection diverged at step {step}: its loss is {loss}.")
        self.step, self.best = step, best

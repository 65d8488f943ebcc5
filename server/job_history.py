"""How a projection went, in little: a thinned loss curve, and a few pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.engine.projecting_interface import ProjectionEvent

MAX_POINTS = 400


class JobHistory:
    """points: step, rung, loss, distance, terms. moments: step, rung, distance, width, height, blob."""

    def __init__(self, points: Sequence[dict[str, Any]], moments: Sequence[dict[str, Any]]) -> None:
        """As an earlier run of the job left them."""
        self.points, self.moments = list(points), list(moments)
        self._stride = 1
        for earlier, later in zip(self.points, self.points[1:], strict=False):
            self._stride = max(self._stride, later["step"] - earlier["step"])

    def add(self, event: ProjectionEvent) -> None:
        """A point for a step that the curve has room for. Steps a power of two apart stay: however long a
        search is, the curve has between half of MAX_POINTS and all of them.
        """
        if event.loss is None or (event.step - 1) % self._stride:
            return
        self.points.append(
            {
                "step": event.step,
                "rung": event.rung,
                "loss": event.loss,
                "distance": event.distance,
                "terms": dict(event.terms),
            }
        )
        if len(self.points) > MAX_POINTS:
            self._stride *= 2
            self.points = [point for point in self.points if (point["step"] - 1) % self._stride == 0]

    def add_moment(self, event: ProjectionEvent, blob: str) -> None:
        """The event's small picture, which is stored as blob."""
        assert event.moment is not None
        self.moments.append(
            {
                "step": event.step,
                "rung": event.rung,
                "distance": event.distance,
                "width": event.moment.side,
                "height": event.moment.side,
                "blob": blob,
            }
        )

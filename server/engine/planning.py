"""Which rungs a projection consists of: what was asked for, less what an earlier one has done already."""

from __future__ import annotations

from dataclasses import replace

from models.projection.ladder import SPACES, Plan, ladder
from server.engine.projecting_interface import PlannedRung, ProjectionRequest, Space
from server.problems import Problem

REPEATED: tuple[Space, ...] = ("w+", "pti")  # whose search may begin again at its own result


def plan_of(request: ProjectionRequest) -> Plan:
    """The rungs in their order. Raises Problem not_continuable."""
    plan = ladder(
        request.space,
        schedule=request.schedule,
        steps=request.steps,
        faithfulness=request.faithfulness,
    )
    if request.after is None:
        return plan
    _check_continues(request.after, request.space)
    left = tuple(rung for rung in plan.rungs if SPACES.index(rung.rung) > SPACES.index(request.after))
    return replace(plan, rungs=left or plan.rungs[-1:], from_guess=False)


def planned_rungs(request: ProjectionRequest) -> tuple[PlannedRung, ...]:
    """The same for people; none for a guess alone. Raises Problem not_continuable."""
    return tuple(PlannedRung(rung.rung, rung.steps) for rung in plan_of(request).rungs)


def _check_continues(after: Space, space: Space) -> None:
    rank = SPACES.index(space) - SPACES.index(after)
    if rank < 0 or (rank == 0 and space not in REPEATED):
        raise Problem(
            "not_continuable",
            f"The result is from {after.upper()}: {space.upper()} does not come after it.",
            "Start a new search of the photo, or choose a higher quality.",
        )

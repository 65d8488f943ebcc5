"""What the models' own errors about an edit are to a user."""

from __future__ import annotations

from models.editing.errors import BadDirection, EditError, FlowDoesNotFit
from models.styleflow.fixed_steps import FlowTooSteep
from models.styleflow.network import IntegrationError
from server.problems import Problem


def edit_problem(error: EditError | IntegrationError) -> Problem:
    """The problem with the sentence that the error carries, or one that says more to a person."""
    if isinstance(error, FlowTooSteep):
        hint = "Its flow is damaged or was trained badly; use another one."
        return Problem("flow_does_not_converge", f"Attributes cannot be edited here: {error}.", hint)
    if isinstance(error, IntegrationError):
        hint = "Move the sliders back towards the middle."
        return Problem("not_finite", "These attribute values lead to no picture.", hint)
    if isinstance(error, FlowDoesNotFit):
        return Problem("flow_does_not_fit", str(error))
    if isinstance(error, BadDirection):
        return Problem("bad_direction", str(error))
    return Problem("document_does_not_fit", f"This does not fit the model: {error}")

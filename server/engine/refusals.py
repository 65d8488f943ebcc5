"""Why a model cannot be had, as problems for whoever asked for it."""

from __future__ import annotations

from collections.abc import Sequence

from server.engine.interface import ListedModel
from server.problems import Problem

RETRY_AFTER_S = 2
MOMENT = "It takes a moment."
ADD_ONE = "Put a bundle or a checkpoint into the checkpoints folder."


def no_such_model(listing: Sequence[ListedModel]) -> Problem:
    """The name is not in the listing: unknown_model; or no_model, where no other one is usable either."""
    usable = [model.name for model in listing if model.description]
    if usable:
        return Problem("unknown_model", f"The models here are: {', '.join(usable)}.")
    preparing = [model.name for model in listing if model.state == "preparing"]
    if preparing:
        detail = f"There is no model yet: {preparing[0]} is being prepared."
        return Problem("no_model", detail, MOMENT, RETRY_AFTER_S)
    if not listing:
        return Problem("no_model", "There is no model.", ADD_ONE)
    first, others = listing[0], len(listing) - 1
    more = f" {others} more cannot be used either." if others else ""
    return Problem("no_model", f"The model {first.name} cannot be used: {first.reason}{more}", ADD_ONE)


def unusable(model: ListedModel) -> Problem:
    """The model is listed, but not usable: model_preparing or model_unavailable."""
    if model.state == "preparing":
        detail = f"The model {model.name} is being prepared."
        return Problem("model_preparing", detail, MOMENT, RETRY_AFTER_S)
    return unavailable(model.name, model.reason)


def unavailable(name: str, reason: str) -> Problem:
    """The model was refused, or could not be loaded."""
    hint = "Repair or replace its file, then refresh the list of models."
    return Problem("model_unavailable", f"The model {name} cannot be used: {reason}", hint)

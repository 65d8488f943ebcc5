"""Ways to change one attribute of many faces at once, each with one number a face to say how far.

The flow's own edit, the two linear ones, and StyleFlow's, which encodes again after every event of a
slider. To compare what else they change, all are taken to the same change of the attribute as it is read:
`match_change`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.editing.attribute_edit import EditStart, apply_edit
from models.editing.directions import Direction
from models.editing.layer_rules import LayerRules, all_layers
from models.editing.locks import PictureReader
from models.editing.styleflow_sequence import move_attribute, pick
from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.flow import ConditionalFlow

SLIDER_EVENTS = 4  # of StyleFlow's slider on its way to the value; each one edits and encodes again
_ROUNDS = 2  # corrections of the amount beyond the first guess
_LARGEST_CORRECTION = 3.0  # factor between two amounts
_NEAR = 0.2  # deviations of the population: a change this near to the wanted one is the same change

ByAmount = Callable[[Tensor], Tensor]
"""Amounts [N] -> ws [N, L, C]."""


def flow_edit(
    flow: ConditionalFlow, start: EditStart, column: int, values: Tensor, rules: LayerRules
) -> Tensor:
    """The attribute of that column at values [N], as the page edits it without corrections."""
    target = start.base.clone()
    target[:, column] = values
    return apply_edit(flow, start, target, rules)


def linear_edit(ws: Tensor, direction: Direction, strengths: Tensor) -> Tensor:
    """ws moved along a direction by strengths [N]."""
    moved = ws.clone()
    step = strengths[:, None] * direction.scale * direction.vector.to(ws)
    moved[:, list(direction.layers)] += step[:, None]
    return moved


def styleflow_edit(
    flow: ConditionalFlow, start: EditStart, column: int, values: Tensor, rules: LayerRules
) -> Tensor:
    """A face attribute dragged to values [N] in SLIDER_EVENTS events, as StyleFlow's window does it.

    All rows of a drawn face are equal and each goes its own way, so one stands for all that the rules let
    change.
    """
    state = pick(flow, start.ws[:, :1], start.base, all_layers(1))
    base = start.base[:, column]
    for event in range(SLIDER_EVENTS):
        part = (event + 1) / SLIDER_EVENTS
        state = move_attribute(flow, state, ATTRIBUTES[column].name, base + part * (values - base))
    ws = start.ws.clone()
    ws[:, list(rules.layers[column])] = state.ws
    return ws


@dataclass(frozen=True)
class MatchedEdit:
    """An edit whose reading changed as much as was wanted, as far as that could be had."""

    ws: Tensor  # [N, L, C]
    reading: Tensor  # [N, 17], not cut off
    matched: Tensor  # [N] bool


def is_near(missed: Tensor, deviation: float) -> Tensor:
    """Whether changes that missed the wanted one by that much still are the same change."""
    return missed <= _NEAR * deviation


def match_change(
    edit: ByAmount,
    reader: PictureReader,
    column: int,
    first: Tensor,
    before: Tensor,
    wanted: Tensor,
    deviation: float,
) -> MatchedEdit:
    """Secant steps, face by face, on the amounts from the guess `first` [N], until the reading of the
    column has changed from before [N, 17] by wanted [N]; the nearest of all amounts tried is taken.

    deviation: of the attribute in the population, the unit of what is near enough.
    """
    tiny = 1e-3 * deviation
    amount, last_amount, last_change = first, torch.zeros_like(first), torch.zeros_like(wanted)
    best: MatchedEdit | None = None
    error = torch.full_like(wanted, torch.inf)
    for round_ in range(_ROUNDS + 1):
        ws = edit(amount)
        reading = reader(ws)
        change = reading[:, column] - before[:, column]
        better = (change - wanted).abs() < error
        error = torch.where(better, (change - wanted).abs(), error)
        near = is_near(error, deviation)
        best = (
            MatchedEdit(ws, reading, near)
            if best is None
            else MatchedEdit(
                torch.where(better[:, None, None], ws, best.ws),
                torch.where(better[:, None], reading, best.reading),
                near,
            )
        )
        if round_ < _ROUNDS:
            rise, run = change - last_change, amount - last_amount
            flat = rise.abs() < tiny
            step = (wanted - change) * run / torch.where(flat, torch.ones_like(rise), rise)
            limit = _LARGEST_CORRECTION * run.abs().clamp(min=1e-6)
            step = torch.where(flat, 0.5 * amount, torch.minimum(torch.maximum(step, -limit), limit))
            last_amount, last_change, amount = amount, change, amount + step
    assert best is not None
    return best

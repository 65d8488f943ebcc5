"""Attribute edits through the flow: take the attributes out at their base values, put the target's in.

An edit always starts from the same base with the whole target vector: several changes are one target, their
order does not matter, and the target at its base value is the base itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.editing.errors import EditError
from models.editing.layer_rules import LayerRules, all_layers
from models.editing.targets import check_finite
from models.styleflow.fixed_steps import FixedStepFlow, fixed_step_flow
from models.styleflow.flow import ConditionalFlow


@dataclass(frozen=True)
class EditStart:
    """What every edit of the same ws and base attributes shares; cache it while a slider is dragged."""

    ws: Tensor  # [N, L, C]
    base: Tensor  # [N, 17] raw units
    u: Tensor  # [N, U, C]: the U different rows of ws without their attributes
    reconstruction: Tensor  # [N, U, C]: u decoded at base
    row: tuple[int, ...]  # L: which of the U rows each layer uses


def start_edit(flow: ConditionalFlow, ws: Tensor, base: Tensor) -> EditStart:
    """Encode ws [N, L, C] at its attributes base [N, 17]; equal layers are encoded once.

    Raises ValueError on wrong shapes, IntegrationError where the flow diverges or the base is not finite.
    """
    check_finite(base)
    rows, row = torch.unique(ws, dim=1, return_inverse=True)
    u = flow.encode(rows, base)
    count = u.shape[1]
    decoded = fixed_step_flow(flow).decode(u.flatten(0, 1), base.repeat_interleave(count, dim=0))
    return EditStart(ws, base, u, decoded.view_as(u), tuple(row.tolist()))


def apply_edit(
    flow: ConditionalFlow, start: EditStart, target: Tensor, rules: LayerRules | None = None
) -> Tensor:
    """ws with the attributes target [N, 17]; start.ws itself where target equals the base.

    rules: row l goes to the base with those attributes of the target that may change row l; None: all may.
    Only the rows that go anywhere are decoded, those with the same u and the same target once. The difference
    of two decodings is added to ws, so that the solver's error at the base cancels.

    Raises EditError where the rules are another generator's, IntegrationError where the flow diverges.
    """
    if torch.equal(target, start.base):
        return start.ws
    layers = start.ws.shape[1]
    rules = rules or all_layers(layers)
    if rules.num_ws != layers:
        raise EditError(f"The layer rules are for {rules.num_ws} layers, this face has {layers}.")
    changed = tuple(torch.nonzero((target != start.base).any(dim=0)).flatten().tolist())
    groups = _groups(start.row, rules, changed)
    if not groups:
        return start.ws
    change = _changes(fixed_step_flow(flow), start, target, list(groups))
    ws = start.ws.clone()
    for i, layer_list in enumerate(groups.values()):
        ws[:, layer_list] += change[:, i, None]
    return ws


def edit_attributes(
    flow: ConditionalFlow, ws: Tensor, base: Tensor, target: Tensor, rules: LayerRules | None = None
) -> Tensor:
    """ws [N, L, C] with attributes base [N, 17] moved to target [N, 17]; ws itself where they are equal.

    Raises as start_edit and apply_edit do.
    """
    if torch.equal(target, base):
        return ws
    return apply_edit(flow, start_edit(flow, ws, base), target, rules)


_Group = tuple[int, tuple[int, ...]]  # which u, and the columns of the target that its layers take


def _groups(row: tuple[int, ...], rules: LayerRules, changed: tuple[int, ...]) -> dict[_Group, list[int]]:
    """The layers that change, by what they are decoded from."""
    groups: dict[_Group, list[int]] = {}
    for layer, u in enumerate(row):
        columns = tuple(column for column in changed if layer in rules.layers[column])
        if columns:
            groups.setdefault((u, columns), []).append(layer)
    return groups


def _changes(decoder: FixedStepFlow, start: EditStart, target: Tensor, groups: list[_Group]) -> Tensor:
    """By how much w changes for each group, [N, G, C]; exactly zero where a sample's target is its base."""
    wanted = torch.stack([_taking(start.base, target, columns) for _, columns in groups], dim=1)
    rows = [u for u, _ in groups]
    decoded = decoder.decode(start.u[:, rows].flatten(0, 1), wanted.flatten(0, 1))
    change = decoded.view(*wanted.shape[:2], -1) - start.reconstruction[:, rows]
    moves = (wanted != start.base[:, None]).any(dim=2, keepdim=True)
    return torch.where(moves, change, torch.zeros_like(change))


def _taking(base: Tensor, target: Tensor, columns: tuple[int, ...]) -> Tensor:
    mixed = base.clone()
    mixed[:, columns] = target[:, columns]
    return mixed

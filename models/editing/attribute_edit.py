"""Attribute edits through the flow: take the attributes out at their base values, put the target's in.

An edit always starts from the same base with the whole target vector: several changes are one target, their
order does not matter, and the target at its base value is the base itself.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Edit:
    """One edit to apply: the attributes target [N, 17], of which row l takes those that may change row l.

    rules None: all may change all rows.
    """

    start: EditStart
    target: Tensor
    rules: LayerRules | None = None


def apply_edit(
    flow: ConditionalFlow, start: EditStart, target: Tensor, rules: LayerRules | None = None
) -> Tensor:
    """ws [N, L, C] of one edit. Raises as apply_edits does."""
    return apply_edits(flow, [Edit(start, target, rules)])[0]


def apply_edits(flow: ConditionalFlow, edits: Sequence[Edit]) -> list[Tensor]:
    """ws [N, L, C] of each edit, start.ws itself where its target equals its base; all in one decoding.

    Only the rows that go anywhere are decoded, those with the same u and the same target once. The difference
    of two decodings is added to ws, so that the solver's error at the base cancels.

    Raises EditError where rules are another generator's, IntegrationError where the flow diverges.
    """
    found = [edit.start.ws for edit in edits]
    groups = {index: grouped for index, edit in enumerate(edits) if (grouped := _groups(edit))}
    if not groups:
        return found
    changes = _changes(fixed_step_flow(flow), [(edits[i], list(grouped)) for i, grouped in groups.items()])
    for (index, grouped), change in zip(groups.items(), changes, strict=True):
        found[index] = found[index].clone()
        for i, layer_list in enumerate(grouped.values()):
            found[index][:, layer_list] += change[:, i, None]
    return found


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


def _groups(edit: Edit) -> dict[_Group, list[int]]:
    """The layers that change, by what they are decoded from."""
    start, layers = edit.start, edit.start.ws.shape[1]
    rules = edit.rules or all_layers(layers)
    if rules.num_ws != layers:
        raise EditError(f"The layer rules are for {rules.num_ws} layers, this face has {layers}.")
    changed = tuple(torch.nonzero((edit.target != start.base).any(dim=0)).flatten().tolist())
    groups: dict[_Group, list[int]] = {}
    for layer, u in enumerate(start.row):
        columns = tuple(column for column in changed if layer in rules.layers[column])
        if columns:
            groups.setdefault((u, columns), []).append(layer)
    return groups


def _changes(decoder: FixedStepFlow, wanted: Sequence[tuple[Edit, list[_Group]]]) -> list[Tensor]:
    """By how much w changes for each group of each edit, [N, G, C] an edit; exactly zero where a sample's
    target is its base.
    """
    targets = [
        torch.stack([_taking(edit.start.base, edit.target, columns) for _, columns in groups], dim=1)
        for edit, groups in wanted
    ]
    rows = [edit.start.u[:, [u for u, _ in groups]] for edit, groups in wanted]
    decoded = decoder.decode(
        torch.cat([u.flatten(0, 1) for u in rows]), torch.cat([target.flatten(0, 1) for target in targets])
    )
    changes = []
    parts = decoded.split([target.shape[0] * target.shape[1] for target in targets])
    for (edit, groups), target, part in zip(wanted, targets, parts, strict=True):
        change = part.view(*target.shape[:2], -1) - edit.start.reconstruction[:, [u for u, _ in groups]]
        moves = (target != edit.start.base[:, None]).any(dim=2, keepdim=True)
        changes.append(torch.where(moves, change, torch.zeros_like(change)))
    return changes


def _taking(base: Tensor, target: Tensor, columns: tuple[int, ...]) -> Tensor:
    mixed = base.clone()
    mixed[:, columns] = target[:, columns]
    return mixed

"""Attribute edits through the flow: take the attributes out at their base values, put the target's in."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.styleflow.flow import ConditionalFlow


@dataclass(frozen=True)
class EditStart:
    """What every edit of the same ws and base attributes shares; cache it while a slider is dragged."""

    ws: Tensor  # [N, L, C]
    base: Tensor  # [N, 17] raw units
    u: Tensor  # [N, U, C]: the U different rows of ws without their attributes
    reconstruction: Tensor  # [N, U, C]: u decoded at base
    row: Tensor  # [L]: which of the U rows each layer uses


def start_edit(flow: ConditionalFlow, ws: Tensor, base: Tensor) -> EditStart:
    """Encode ws [N, L, C] at its attributes base [N, 17]; equal layers are encoded once.

    Raises ValueError on wrong shapes, IntegrationError where the flow diverges.
    """
    rows, row = torch.unique(ws, dim=1, return_inverse=True)
    u = flow.encode(rows, base)
    return EditStart(ws, base, u, flow.decode(u, base), row)


def apply_edit(flow: ConditionalFlow, start: EditStart, target: Tensor) -> Tensor:
    """ws with the attributes target [N, 17]; start.ws itself where target equals the base.

    The difference between two decodings is added to ws, so that the solver's error at the base cancels.
    """
    if torch.equal(target, start.base):
        return start.ws
    change = flow.decode(start.u, target) - start.reconstruction
    return start.ws + change[:, start.row]


def edit_attributes(flow: ConditionalFlow, ws: Tensor, base: Tensor, target: Tensor) -> Tensor:
    """ws [N, L, C] with attributes base [N, 17] moved to target [N, 17]; ws itself where they are equal.

    Raises ValueError on wrong shapes, IntegrationError where the flow diverges.
    """
    if torch.equal(target, base):
        return ws
    return apply_edit(flow, start_edit(flow, ws, base), target)

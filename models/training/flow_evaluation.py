"""How well a flow edits: round trip, and where held-out rows go when one attribute is changed.

The attributes of an edited row are read by a linear probe (ridge regression from w to attributes, fitted
on the training rows), which knows nothing of the flow.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.editing.attribute_edit import apply_edit, start_edit
from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.flow import ConditionalFlow

AGE_EDIT_YEARS = 20.0


@dataclass(frozen=True)
class LinearProbe:
    """attributes = w @ weight + bias."""

    weight: Tensor  # [D, C]
    bias: Tensor  # [C]

    def __call__(self, w: Tensor) -> Tensor:
        """w [N, D] -> attributes [N, C] in raw units."""
        return w @ self.weight + self.bias


def fit_probe(w: Tensor, attributes: Tensor, ridge: float = 1e-3) -> LinearProbe:
    """Least squares with a penalty of `ridge` times the mean variance of w."""
    x, y = w.double(), attributes.double()
    x_mean, y_mean = x.mean(dim=0), y.mean(dim=0)
    covariance = (x - x_mean).T @ (x - x_mean) / len(x)
    penalty = (
        ridge * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=x.dtype, device=x.device)
    )
    weight = torch.linalg.solve(covariance + penalty, (x - x_mean).T @ (y - y_mean) / len(x))
    return LinearProbe(weight.to(w.dtype), (y_mean - x_mean @ weight).to(w.dtype))


@dataclass(frozen=True)
class AttributeEdit:
    """One attribute raised by `asked` on every held-out row.

    A probe that explains a share r2 of an attribute also shows only that share of a change: an edit that
    does what was asked has moved = asked * probe_r2.
    """

    name: str
    asked: float  # raw units
    moved: float  # by how much the probe's reading rose on average, raw units
    moved_spread: float  # standard deviation of that over the rows
    probe_r2: float  # coefficient of determination of the probe on the unedited rows
    largest_other: str  # the attribute that moved most although it should not
    largest_other_deviations: float  # by how much, in its standard deviations
    change_of_w: float  # root mean square change of w, in root mean square deviations of w


@dataclass(frozen=True)
class FlowEvaluation:
    """Measured on held-out rows."""

    rows: int
    round_trip: float  # root mean square of decode(encode(w, a), a) - w over the deviation of w
    edits: tuple[AttributeEdit, ...]


@torch.no_grad()
def evaluate_flow(
    flow: ConditionalFlow,
    w: Tensor,
    attributes: Tensor,
    held_out_w: Tensor,
    held_out_attributes: Tensor,
    rows: int = 256,
) -> FlowEvaluation:
    """Edit up to `rows` held-out rows: age by +20 years, the others by one standard deviation.

    w [N, D] and attributes [N, 17] fit the probe. All edits start from the true attributes.
    """
    device = flow.chain[0].running_mean.device
    assert isinstance(device, torch.device)
    w, attributes = w.to(device), attributes.to(device)
    probe, deviation = fit_probe(w, attributes), attributes.std(dim=0)
    tested, base = held_out_w[:rows].to(device), held_out_attributes[:rows].to(device)
    residual = (probe(tested) - base).square().mean(dim=0)
    r2 = 1 - residual / base.var(dim=0, correction=0).clamp(min=1e-12)
    spread = float(w.var(dim=0).mean().sqrt())
    start = start_edit(flow, tested[:, None], base)
    edits = []
    for i, attribute in enumerate(ATTRIBUTES):
        asked = AGE_EDIT_YEARS if attribute.name == "age" else float(deviation[i])
        target = base.clone()
        target[:, i] += asked
        edited = apply_edit(flow, start, target)[:, 0]
        moved = probe(edited) - probe(tested)
        others = (moved.mean(dim=0) / deviation.clamp(min=1e-6)).abs()
        others[i] = 0
        edits.append(
            AttributeEdit(
                name=attribute.name,
                asked=asked,
                moved=float(moved[:, i].mean()),
                moved_spread=float(moved[:, i].std()),
                probe_r2=float(r2[i]),
                largest_other=ATTRIBUTES[int(others.argmax())].name,
                largest_other_deviations=float(others.max()),
                change_of_w=float((edited - tested).square().mean().sqrt()) / spread,
            )
        )
    back = flow.decode(start.u, base)[:, start.row] - start.ws
    return FlowEvaluation(len(tested), float(back.square().mean().sqrt()) / spread, tuple(edits))

"""Attribute directions by linear regression in W: what the flow is compared with, and sliders without a flow.

`regression_normals` are the normals of the hyperplanes on which a linear reading of an attribute is
constant, as InterFaceGAN's boundaries are; `joint_regression` regresses w on all attributes together, so
that moving along one of its columns holds the others, as far as everything is linear.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.editing.directions import Direction
from models.editing.errors import EditError
from models.styleflow.attributes import ATTRIBUTES

_RIDGE = 1e-3  # times the mean variance


def regression_normals(w: Tensor, attributes: Tensor, num_ws: int) -> list[Direction]:
    """One direction an attribute: the gradient of the ridge regression of it on w [N, C].

    attributes [N, 17]. Strength 1 moves the linear reading by one deviation of the attribute. Raises
    EditError for fewer than two faces or an attribute that is the same on all.
    """
    x, y = _centred(w), _standardized(attributes)
    gram = x.T @ x / len(x)
    penalty = _RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=x.dtype)
    slope = torch.linalg.solve(gram + penalty, x.T @ y / len(x))  # [C, 17] deviations a unit of w
    normals = slope / slope.square().sum(dim=0).clamp(min=1e-12)
    return _directions(normals, "regression normal", num_ws)


def joint_regression(w: Tensor, attributes: Tensor, num_ws: int) -> list[Direction]:
    """One direction an attribute: the column of the least squares fit w = mean + B (a - mean a).

    Strength 1 is one deviation of the attribute. Raises as regression_normals does.
    """
    x, y = _centred(w), _standardized(attributes)
    gram = y.T @ y / len(y) + _RIDGE * torch.eye(y.shape[1], dtype=y.dtype)
    columns = torch.linalg.solve(gram, y.T @ x / len(x)).T  # [C, 17]
    return _directions(columns, "joint regression", num_ws)


def _centred(w: Tensor) -> Tensor:
    if w.ndim != 2 or len(w) < 2:
        raise EditError("A regression needs the latents of at least two faces.")
    x = w.double().cpu()
    return x - x.mean(dim=0)


def _standardized(attributes: Tensor) -> Tensor:
    y = attributes.double().cpu()
    deviation = y.std(dim=0)
    same = (deviation < 1e-9).nonzero().flatten().tolist()
    if same:
        raise EditError(f"{ATTRIBUTES[same[0]].label} is the same on all of these faces.")
    return (y - y.mean(dim=0)) / deviation


def _directions(steps: Tensor, method: str, num_ws: int) -> list[Direction]:
    rows = tuple(range(num_ws))
    found = []
    for i, attribute in enumerate(ATTRIBUTES):
        length = float(steps[:, i].norm())
        vector = (steps[:, i] / max(length, 1e-12)).float()
        found.append(Direction(attribute.label, vector, rows, method, max(length, 1e-12)))
    return found

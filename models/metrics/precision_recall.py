"""Precision and recall of generated pictures: Kynkäänniemi et al., "Improved Precision and Recall Metric
for Assessing Generative Models", 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor

NEIGHBOUR = 3  # the paper's k
_ROWS = 2000  # distances are computed for so many rows at once


def neighbour_radii(features: Tensor, neighbour: int = NEIGHBOUR) -> Tensor:
    """Distance [N] of every row of features [N, D] to its k-th nearest other row.

    Raises ValueError where there are not more than k rows.
    """
    if len(features) <= neighbour:
        raise ValueError(f"{len(features)} rows are too few for the {neighbour}. nearest neighbour")
    radii = [
        torch.cdist(rows, features).kthvalue(neighbour + 1, dim=1).values  # the nearest is the row itself
        for rows in features.split(_ROWS)
    ]
    return torch.cat(radii)


def coverage(points: Tensor, features: Tensor, radii: Tensor) -> float:
    """Share of points [M, D] inside at least one ball of radius radii [N] about features [N, D]."""
    inside = [(torch.cdist(rows, features) <= radii).any(dim=1) for rows in points.split(_ROWS)]
    return float(torch.cat(inside).double().mean())


def precision_recall(real: Tensor, fake: Tensor, neighbour: int = NEIGHBOUR) -> tuple[float, float]:
    """Share of fake pictures that look real, and share of real ones that could be drawn (equations 1, 2)."""
    precision = coverage(fake, real, neighbour_radii(real, neighbour))
    recall = coverage(real, fake, neighbour_radii(fake, neighbour))
    return precision, recall

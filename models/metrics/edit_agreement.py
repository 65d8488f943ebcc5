"""How well what was reached follows what was asked."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Agreement:
    """Of asked and reached values over many faces; nan where either is the same on all."""

    slope: float  # of the regression of reached on asked; 1 is exact
    r: float  # correlation
    error: float  # mean of |reached - asked|, in the attribute's units
    right_side: float  # share of the faces whose reached value is on the asked side of the range's middle


def agreement(asked: Tensor, reached: Tensor, middle: float | None = None) -> Agreement:
    """asked and reached [N]; middle None: that of what was asked."""
    x, y = asked.double(), reached.double()
    centre = (x.min() + x.max()) / 2 if middle is None else x.new_tensor(middle)
    dx, dy = x - x.mean(), y - y.mean()
    spread_x, spread_y = float(dx.square().sum()), float(dy.square().sum())
    product = float((dx * dy).sum())
    return Agreement(
        slope=product / spread_x if spread_x > 0 else math.nan,
        r=product / math.sqrt(spread_x * spread_y) if spread_x > 0 and spread_y > 0 else math.nan,
        error=float((y - x).abs().mean()),
        right_side=float(torch.eq(y > centre, x > centre).double().mean()),
    )


def share_switched(before: Tensor, after: Tensor, middle: float) -> float:
    """before, after [N]: the share that is on the other side of the middle after."""
    return float(torch.ne(before > middle, after > middle).double().mean())

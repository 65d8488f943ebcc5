"""How far a latent lies from those the mapping network draws: what an edit can do wrong without any reading
showing it.

A direction can leave all 17 readings in place and still make a blue beard: it goes where no face is. The
squared Mahalanobis distance from the mean of w, over the number of dimensions, is 1 for a typical draw and
psi^2 for a truncated one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.editing.population import draw_w
from models.stylegan2.generator import Generator

_DRAWS_A_DIMENSION = 20
_RIDGE = 1e-3  # of the mean variance, for dimensions in which w does not move


@dataclass(frozen=True)
class Strangeness:
    """Mean and inverse covariance of w."""

    mean: Tensor  # [C]
    precision: Tensor  # [C, C]

    def __call__(self, ws: Tensor) -> Tensor:
        """[N] for ws [N, L, C]: the mean over the rows."""
        offset = ws.double().cpu() - self.mean
        return ((offset @ self.precision) * offset).mean(dim=(1, 2))


def measure_strangeness(generator: Generator, seed: int = 0) -> Strangeness:
    """From twenty draws a dimension."""
    w = draw_w(generator, _DRAWS_A_DIMENSION * generator.w_dim, seed).double().cpu()
    covariance = torch.cov(w.T)
    ridge = _RIDGE * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=w.dtype)
    return Strangeness(w.mean(dim=0), torch.linalg.inv(covariance + ridge))

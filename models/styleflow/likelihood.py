"""Attributes of a latent without looking at its picture: those under which the flow finds it most likely.

For checkpoints that come without an attribute network, such as StyleFlow's for FFHQ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.flow import ConditionalFlow
from models.styleflow.network import IntegrationError, Solver

SOLVER_STEPS = 3
PROBES = 4
MAX_ITERATIONS = 25


@dataclass(frozen=True)
class LikelihoodEstimate:
    """The most likely attributes of N latents."""

    attributes: Tensor  # [N, 17] raw units, within the ranges
    log_likelihood: Tensor  # [N] nats a row, up to the constant error of the trace estimate


def estimate_attributes(
    flow: ConditionalFlow,
    ws: Tensor,
    *,
    low: Tensor | None = None,
    high: Tensor | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> LikelihoodEstimate:
    """Maximise the mean over the rows of log p(w | a) over a within low..high [17] (None: the sliders'
    ranges).

    ws [N, L, D]; equal rows are worked on once. L-BFGS-B with gradients through the solver, from the middle
    of the population; the trace of the Jacobian is estimated with the same random probes throughout, so
    that the function to maximise is a smooth one and the result is the same each time. A likelihood knows
    what is consistent with w and not what is frequent: where w says nothing of an attribute, neither does
    the estimate.

    Raises ValueError on wrong shapes, IntegrationError where the flow diverges at the start.
    """
    place = ws[:1, 0, 0]
    limits = [(a.minimum, a.maximum) for a in ATTRIBUTES]
    low = place.new_tensor([x for x, _ in limits]) if low is None else low.to(place)
    high = place.new_tensor([x for _, x in limits]) if high is None else high.to(place)
    if not bool((low < high).all()):
        raise ValueError("every attribute needs a range with low < high")
    found, values = [], []
    for i, sample in enumerate(ws):
        attributes, value = _maximise(flow, torch.unique(sample, dim=0), low, high, seed)
        found.append(attributes)
        values.append(value)
        if progress:
            progress(i + 1, len(ws))
    return LikelihoodEstimate(torch.stack(found), place.new_tensor(values))


def _maximise(
    flow: ConditionalFlow, rows: Tensor, low: Tensor, high: Tensor, seed: int
) -> tuple[Tensor, float]:
    """For the rows [U, D] of one latent."""
    random = torch.Generator().manual_seed(seed)
    shape = (PROBES, 1, *rows.shape)
    signs = torch.randint(0, 2, shape, generator=random).to(rows) * 2 - 1  # less spread than normal probes
    solver = Solver("rk4", steps=SOLVER_STEPS)
    middle, scale = _middle_and_scale(flow, low, high)

    def loss(position: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        units = torch.tensor(position, dtype=rows.dtype, device=rows.device, requires_grad=True)
        with torch.enable_grad():
            value = flow.log_likelihood(rows[None], (middle + units * scale)[None], signs, solver).mean()
            (slope,) = torch.autograd.grad(-value, units)
        if not math.isfinite(float(value.detach())):
            raise IntegrationError("the likelihood of these attributes is not finite")
        return -float(value.detach()), slope.double().cpu().numpy()

    bounds = list(zip(((low - middle) / scale).tolist(), ((high - middle) / scale).tolist(), strict=True))
    result = minimize(
        loss,
        np.zeros(len(ATTRIBUTES)),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": MAX_ITERATIONS},
    )
    best = middle + torch.tensor(result.x, dtype=rows.dtype, device=rows.device) * scale
    return best.clamp(low, high), -float(result.fun)


def _middle_and_scale(flow: ConditionalFlow, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Where to start and the unit of a step: the population the flow was trained on, where its file says
    so.
    """
    config = flow.config
    if config.attribute_mean is None or config.attribute_std is None:
        return (low + high) / 2, (high - low) / 4
    mean = low.new_tensor(config.attribute_mean)
    return mean.clamp(low, high), low.new_tensor(config.attribute_std)

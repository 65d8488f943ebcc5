"""First lesson of the generator: the mapping network learns w(z) by regression, without pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.stylegan2.generator import MappingNetwork, SynthesisNetwork
from models.stylegan2.operations import FullyConnected

_THRESHOLDS = (-1.6, -1.0, -0.5, 0.0, 0.5, 1.0, 1.6)
W_OFFSET = (
    2.0  # three standard deviations: the last leaky ReLU of the mapping stays linear in nearly all of w
)
_OPEN = -2.0  # a threshold so low that the unit is nearly linear


@torch.no_grad()
def spread_thresholds(mapping: MappingNetwork, plain: Sequence[int], bent: Sequence[int]) -> None:
    """Initialise the first layer with one unit for each plain coordinate of z and seven, bending at
    different values, for each bent one; units left over stay random.

    With random weights every unit sees the noise of all coordinates, and one-hot choices (a hair
    style, glasses or none) take ten times as many steps to learn. Raises ValueError where the layer
    is too narrow.
    """
    layer = mapping.get_submodule("fc0")
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    units = [(i, _OPEN) for i in plain] + [(i, t) for i in bent for t in _THRESHOLDS]
    if len(units) > len(weight):
        raise ValueError(f"the first layer of the mapping needs {len(units)} units, it has {len(weight)}")
    multiplier = _lr_multiplier(mapping)
    for row, (coordinate, threshold) in enumerate(units):
        weight[row] = 0
        weight[row, coordinate] = math.sqrt(weight.shape[1]) / multiplier
        bias[row] = -threshold / multiplier


@torch.no_grad()
def shift_w(synthesis: SynthesisNetwork, offset: float) -> None:
    """Make synthesis draw from w + offset what it drew from w: the affine biases take the difference."""
    for name, layer in synthesis.named_modules():
        if name.endswith("affine"):
            assert isinstance(layer, FullyConnected)
            gain = layer.lr_multiplier / math.sqrt(layer.weight.shape[1])
            layer.bias.sub_(gain * layer.weight.sum(dim=1) * offset / layer.lr_multiplier)


def teach_mapping(
    mapping: MappingNetwork,
    target: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    steps: int,
    *,
    batch: int = 512,
    learning_rate: float = 3.5e-2,
    seed: int = 0,
    report: Callable[[int, float], None],
) -> Tensor:
    """Minimise the squared error of w against target(z) and set w_avg; returns the held-out
    coefficient of determination of every direction of w, [w_dim].

    Stored weights are 1 / lr_multiplier times what acts, so Adam's step is enlarged to match; biases
    learn slower, since a weight acts divided by the root of the layer's width and a bias does not.
    """
    rate = learning_rate / _lr_multiplier(mapping)
    weights = [value for name, value in mapping.named_parameters() if name.endswith("weight")]
    biases = [value for name, value in mapping.named_parameters() if name.endswith("bias")]
    rates = [rate, rate / 25]
    optimizer = torch.optim.Adam(
        [{"params": weights, "lr": rates[0]}, {"params": biases, "lr": rates[1]}], betas=(0.9, 0.99)
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rates, total_steps=steps, pct_start=0.1)
    random = np.random.RandomState(seed)
    pool_z = random.randn(64 * batch, mapping.z_dim).astype(np.float32)
    pool_w = target(pool_z)
    for step in range(steps):
        if step and step % 256 == 0:  # fresh faces all the time: nothing to overfit
            half = random.choice(len(pool_z), len(pool_z) // 2, replace=False)
            pool_z[half] = random.randn(len(half), mapping.z_dim)
            pool_w[half] = target(pool_z[half])
        index = random.choice(len(pool_z), batch, replace=False)
        w = mapping(torch.from_numpy(pool_z[index]))[:, 0]
        loss = F.mse_loss(w, torch.from_numpy(pool_w[index]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 200 == 0 or step == steps - 1:
            report(step, float(loss.detach()))
    return _held_out_score(mapping, target, random)


def _lr_multiplier(mapping: MappingNetwork) -> float:
    layer = mapping.get_submodule("fc0")
    assert isinstance(layer, FullyConnected)
    return layer.lr_multiplier


@torch.no_grad()
def _held_out_score(
    mapping: MappingNetwork,
    target: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    random: np.random.RandomState,
) -> Tensor:
    z = random.randn(8192, mapping.z_dim).astype(np.float32)
    truth, w = torch.from_numpy(target(z)), mapping(torch.from_numpy(z))[:, 0]
    mapping.w_avg.copy_(w.mean(dim=0))
    score: Tensor = 1 - (w - truth).square().mean(dim=0) / truth.var(dim=0)
    return score

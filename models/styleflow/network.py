"""The invertible parts of the conditional flow: moving batch norm and the continuous normalizing flow.

FFJORD (Grathwohl et al., 2019) conditioned as in StyleFlow (Abdal et al., 2021). Module names are those
of StyleFlow's state dict. x is [N, L, D]; context [N, C] holds for all L rows of a sample, and every row
is transformed by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchdiffeq import odeint

BATCH_NORM_EPSILON = 1e-4
MAX_ADAPTIVE_STEPS = 1000  # about a hundred times what a trained flow needs

Direction = Literal["forward", "reverse"]


class IntegrationError(RuntimeError):
    """The solver could not integrate the flow at this input: it diverges or is not finite."""


@dataclass(frozen=True)
class Solver:
    """dopri5 holds the tolerance, absolute and relative; rk4 takes `steps` equal steps."""

    method: Literal["dopri5", "rk4"] = "dopri5"
    tolerance: float = 1e-5
    steps: int = 8


class MovingBatchNorm1d(nn.Module):
    """y = (x - running_mean) / sqrt(running_var + 1e-4) * exp(weight) + bias; weight is a log scale.

    StyleFlow normalises with the running statistics in training as well, so this is one fixed affine map.
    """

    running_mean: Tensor
    running_var: Tensor
    step: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.register_buffer("step", torch.zeros(1))
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def _log_scale(self) -> Tensor:
        return self.weight - 0.5 * torch.log(self.running_var + BATCH_NORM_EPSILON)

    def forward(self, x: Tensor, direction: Direction = "forward") -> Tensor:
        """x [..., D] -> y, or back."""
        if direction == "forward":
            return (x - self.running_mean) * self._log_scale().exp() + self.bias
        return (x - self.bias) * (-self._log_scale()).exp() + self.running_mean

    def log_determinant(self) -> Tensor:
        """log |det dy/dx| of one row, a scalar."""
        return self._log_scale().sum()


class Whitening(nn.Module):
    """y = (x - mean) @ basis / scale with an orthonormal basis [D, D]: uncorrelated, unit variance.

    Not part of StyleFlow. Batch norm scales each axis; here the axes are those of the data, so the flow
    need not spend its layers on learning a covariance.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("basis", torch.eye(dim))
        self.register_buffer("scale", torch.ones(dim))

    def forward(self, x: Tensor, direction: Direction = "forward") -> Tensor:
        """x [..., D] -> y, or back."""
        if direction == "forward":
            return ((x - self.mean) @ self.basis) / self.scale
        return (x * self.scale) @ self.basis.T + self.mean

    def log_determinant(self) -> Tensor:
        """log |det dy/dx| of one row, a scalar."""
        return -self.scale.log().sum()


class Condition(NamedTuple):
    """What a layer needs of the context; gate and bias are linear in [t, context], so t is split off."""

    gate: Tensor  # [N, 1, out]
    gate_slope: Tensor  # [out], times t
    bias: Tensor  # [N, 1, out]
    bias_slope: Tensor  # [out], times t


class ConcatSquashLinear(nn.Module):
    """Linear(x) * sigmoid(gate([t, context])) + bias([t, context])."""

    def __init__(self, in_dim: int, out_dim: int, context_dim: int) -> None:
        super().__init__()
        self._layer = nn.Linear(in_dim, out_dim)
        self._hyper_bias = nn.Linear(1 + context_dim, out_dim, bias=False)
        self._hyper_gate = nn.Linear(1 + context_dim, out_dim)

    @property
    def weight(self) -> Tensor:
        """[out, in] of the linear part."""
        return self._layer.weight

    @property
    def bias(self) -> Tensor:
        """[out] of the linear part."""
        assert self._layer.bias is not None
        return self._layer.bias

    def condition(self, context: Tensor) -> Condition:
        """Evaluate once per call what does not depend on t."""
        gate_weight, bias_weight = self._hyper_gate.weight, self._hyper_bias.weight
        gate = F.linear(context, gate_weight[:, 1:], self._hyper_gate.bias)
        bias = F.linear(context, bias_weight[:, 1:])
        return Condition(gate[:, None], gate_weight[:, 0], bias[:, None], bias_weight[:, 0])

    def forward(self, t: Tensor, x: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """x [N, L, in] -> output [N, L, out] and the gate [N, 1, out] it was multiplied by."""
        gate = torch.sigmoid(condition.gate + t * condition.gate_slope)
        return self._layer(x) * gate + (condition.bias + t * condition.bias_slope), gate


class ODENet(nn.Module):
    """The vector field dx/dt: ConcatSquash layers with tanh between, none after the last."""

    def __init__(self, dim: int, hidden: Sequence[int], context_dim: int) -> None:
        super().__init__()
        widths = [dim, *hidden, dim]
        self.layers = nn.ModuleList(
            ConcatSquashLinear(before, after, context_dim) for before, after in pairwise(widths)
        )

    def squash_layers(self) -> list[ConcatSquashLinear]:
        """From the first to the last."""
        return [layer for layer in self.layers if isinstance(layer, ConcatSquashLinear)]

    def conditions(self, context: Tensor) -> list[Condition]:
        """One per layer, for context [N, C]."""
        return [layer.condition(context) for layer in self.squash_layers()]

    def forward(self, t: Tensor, x: Tensor, conditions: Sequence[Condition]) -> Tensor:
        """dx/dt at time t."""
        layers = self.squash_layers()
        for layer, condition in zip(layers[:-1], conditions[:-1], strict=True):
            x = torch.tanh(layer(t, x, condition)[0])
        velocity: Tensor = layers[-1](t, x, conditions[-1])[0]
        return velocity

    def with_divergence(
        self, t: Tensor, x: Tensor, conditions: Sequence[Condition], probes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """dx/dt and the estimate of its divergence [N, L, 1], the mean of e^T J e over probes e [P, N, L, D].

        e^T J is the reverse sweep through the layers written out, so that neither editing nor training
        needs autograd inside the solver.
        """
        layers = self.squash_layers()
        inputs, gates = [], []
        for i, (layer, condition) in enumerate(zip(layers, conditions, strict=True)):
            inputs.append(x)
            x, gate = layer(t, x, condition)
            gates.append(gate)
            if i < len(layers) - 1:
                x = torch.tanh(x)
        row = probes
        for i in reversed(range(len(layers))):
            row = (row * gates[i]) @ layers[i].weight
            if i > 0:
                row = row * (1 - inputs[i].square())
        return x, (row * probes).sum(dim=-1, keepdim=True).mean(dim=0)


class ODEFunction(nn.Module):
    """Holds the vector field under StyleFlow's name, and its counter, which nothing here reads."""

    def __init__(self, dim: int, hidden: Sequence[int], context_dim: int) -> None:
        super().__init__()
        self.register_buffer("_num_evals", torch.tensor(0.0))
        self.diffeq = ODENet(dim, hidden, context_dim)


class CNF(nn.Module):
    """x at t = 0 to x at T = sqrt_end_time^2 (learned) along the vector field, or back."""

    def __init__(self, dim: int, hidden: Sequence[int], context_dim: int) -> None:
        super().__init__()
        self.sqrt_end_time = nn.Parameter(torch.tensor(1.0))
        self.odefunc = ODEFunction(dim, hidden, context_dim)

    def forward(self, x: Tensor, context: Tensor, direction: Direction, solver: Solver) -> Tensor:
        """x [N, L, D], context [N, C] -> the same shape. Raises IntegrationError."""
        net = self.odefunc.diffeq
        conditions = net.conditions(context)

        def velocity(t: Tensor, state: tuple[Tensor]) -> tuple[Tensor]:
            return (net(t, state[0], conditions),)

        return _solve(velocity, (x,), self._times(direction, solver), solver)[0]

    def with_log_density(
        self, x: Tensor, context: Tensor, direction: Direction, solver: Solver, probes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Also returns the integral of minus the divergence [N, L, 1] (FFJORD, equation 4)."""
        net = self.odefunc.diffeq
        conditions = net.conditions(context)

        def velocity(t: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            speed, divergence = net.with_divergence(t, state[0], conditions, probes)
            return speed, -divergence

        start = (x, x.new_zeros(*x.shape[:-1], 1))
        end = _solve(velocity, start, self._times(direction, solver), solver)
        return end[0], end[1]

    def _times(self, direction: Direction, solver: Solver) -> Tensor:
        intervals = solver.steps if solver.method == "rk4" else 1
        end = self.sqrt_end_time.square()
        times = end * torch.linspace(0, 1, intervals + 1, dtype=end.dtype, device=end.device)
        return times if direction == "forward" else times.flip(0)


def _solve(velocity: object, start: tuple[Tensor, ...], times: Tensor, solver: Solver) -> list[Tensor]:
    options = {"max_num_steps": MAX_ADAPTIVE_STEPS} if solver.method == "dopri5" else {}
    tolerance = solver.tolerance
    try:
        path = odeint(
            velocity, start, times, rtol=tolerance, atol=tolerance, method=solver.method, options=options
        )
    except AssertionError as error:  # how torchdiffeq says that the step size vanished or the state is NaN
        raise IntegrationError(f"the flow cannot be integrated here: {error}") from error
    return [values[-1] for values in path]

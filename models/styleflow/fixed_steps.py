"""Decoding for editing: equal steps, no log density, everything that depends on the attributes alone
beforehand.

An edit needs w and not its density, so no trace is estimated. The gates and biases of the concatsquash layers
depend on time and attributes only; with equal steps all times are known beforehand, and the gates of all
steps, layers and rows come out of one matrix product. What is left per evaluation of the vector field is one
matrix product a layer. How many steps a flow needs is found once, by comparison with the adaptive solution.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.flow import ConditionalFlow
from models.styleflow.network import CNF, IntegrationError, Solver

# Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption", 2011,
# Table 1, without its error estimate. Row s: what stage s adds to x of the slopes before it.
_STAGES: tuple[tuple[float, ...], ...] = (
    (),
    (0.161,),
    (-0.008480655492356989, 0.335480655492357),
    (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
    (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
    (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
)
_RESULT = (
    0.09646076681806523,
    0.01,
    0.4798896504144996,
    1.379008574103742,
    -3.290069515436081,
    2.324710524099774,
)
_TIMES = (0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0)
STAGES = len(_STAGES)

AGREEMENT = 1e-3  # with the adaptive solution, largest absolute difference of any number in w
_MARGIN = 2.0  # other rows than those tried may be harder by this much
_TRIED_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_TRIED_ROWS = 64
_REFERENCE = Solver(tolerance=1e-8)


class FlowTooSteep(IntegrationError):
    """No number of steps that is tried brings the flow near its adaptive solution."""


@dataclass(frozen=True)
class _Gates:
    """One concatsquash layer at all evaluations: out = (x @ weight) * gate + offset."""

    weight: Tensor  # [in, out]
    gate: Tensor  # [E, M, out]
    offset: Tensor  # [E, M, out]


class FixedStepFlow:
    """The reverse direction u -> w of a flow in `steps` equal steps of a fifth-order method."""

    def __init__(self, flow: ConditionalFlow, steps: int) -> None:
        if steps < 1:
            raise ValueError("a flow is integrated in at least one step")
        self.flow, self.steps = flow, steps

    @property
    def evaluations(self) -> int:
        """Evaluations of the vector field in one decoding."""
        return self.steps * STAGES * self.flow.config.num_blocks

    @torch.no_grad()
    def decode(self, u: Tensor, attributes: Tensor) -> Tensor:
        """u [M, D], every row under its own attributes [M, 17] in raw units -> rows of w [M, D].

        Raises ValueError on wrong shapes, IntegrationError where the result is not finite.
        """
        context = self.flow.standardized(u[:, None], attributes)
        x = u
        for part in self.flow.parts("reverse"):
            x = self._integrate(part, x, context) if isinstance(part, CNF) else part(x, "reverse")
        if not bool(torch.isfinite(x).all()):
            raise IntegrationError("the flow cannot be integrated here: its result is not finite")
        return x

    def _integrate(self, block: CNF, x: Tensor, context: Tensor) -> Tensor:
        """From t = T to t = 0 along the vector field of one block."""
        end = float(block.sqrt_end_time) ** 2
        step = -end / self.steps
        times = x.new_tensor([end + step * (k + c) for k in range(self.steps) for c in _TIMES])
        layers = _gates(block, context, times)
        slopes = x.new_empty(STAGES, x.numel())
        weights = [x.new_tensor(row) * step for row in (*_STAGES[1:], _RESULT)]
        start = x.reshape(-1)
        for k in range(self.steps):
            at = start
            for s in range(STAGES):
                slopes[s] = _velocity(layers, k * STAGES + s, at.view(x.shape)).view(-1)
                at = torch.addmv(start, slopes[: s + 1].T, weights[s])
            start = at
        return start.view(x.shape)


def _gates(block: CNF, context: Tensor, times: Tensor) -> list[_Gates]:
    """Every layer of a block for contexts [M, C] at all times [E]."""
    found = []
    for layer in block.odefunc.diffeq.squash_layers():
        condition = layer.condition(context)
        t = times[:, None, None]
        gate = torch.sigmoid(condition.gate[:, 0] + t * condition.gate_slope)
        offset = condition.bias[:, 0] + t * condition.bias_slope + gate * layer.bias
        found.append(_Gates(layer.weight.T, gate, offset))
    return found


def _velocity(layers: list[_Gates], evaluation: int, x: Tensor) -> Tensor:
    last = len(layers) - 1
    for i, layer in enumerate(layers):
        x = torch.addcmul(layer.offset[evaluation], torch.mm(x, layer.weight), layer.gate[evaluation])
        if i < last:
            x = x.tanh_()
    return x


def fixed_step_flow(flow: ConditionalFlow) -> FixedStepFlow:
    """The flow in as few steps as agree with its adaptive solution within 1e-3, found at the first call.

    The rows tried are draws of the flow's own prior under attributes over their whole range; the fewest steps
    whose largest error on them is half of that are taken. A flow that is being trained is tried every time.
    Raises FlowTooSteep where 64 steps do not suffice, IntegrationError where the flow diverges.
    """
    known = flow.editing_steps
    if known is None or any(p.requires_grad for p in flow.parameters()):
        known = flow.editing_steps = fewest_steps(flow)
    return FixedStepFlow(flow, known)


def fewest_steps(flow: ConditionalFlow, agreement: float = AGREEMENT) -> int:
    """How many steps keep the largest error on drawn rows below half of `agreement`.

    Raises FlowTooSteep, or IntegrationError where the adaptive solution diverges.
    """
    random = torch.Generator().manual_seed(0)
    place = next(flow.parameters())
    u = torch.randn(_TRIED_ROWS, flow.config.dim, generator=random).to(place)
    low = torch.tensor([attribute.minimum for attribute in ATTRIBUTES])
    high = torch.tensor([attribute.maximum for attribute in ATTRIBUTES])
    share = torch.rand(_TRIED_ROWS, len(ATTRIBUTES), generator=random)
    attributes = (low + share * (high - low)).to(place)
    # In float32 the adaptive solver's own error can be as large as the agreement asked for.
    exact_flow = deepcopy(flow).double()
    exact_flow.editing_solver = _REFERENCE
    exact = exact_flow.decode(u[:, None].double(), attributes.double())[:, 0].to(u)
    for steps in _TRIED_STEPS:
        try:
            error = float((FixedStepFlow(flow, steps).decode(u, attributes) - exact).abs().max())
        except IntegrationError:  # too few steps may leave the numbers altogether
            continue
        if error <= agreement / _MARGIN:
            return steps
    raise FlowTooSteep(
        f"the flow cannot be integrated in {_TRIED_STEPS[-1]} steps to within {agreement:g}:"
        " it is too steep for editing"
    )

"""The conditional flow w <-> z of StyleFlow (Abdal et al., 2021), and loading and saving it.

Forward (w to z) takes the attributes out of a row w; reverse puts attributes, the same or others, in.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from models.convert import network_bytes
from models.styleflow.checkpoint import FORMAT, FlowConfig, read_flow
from models.styleflow.network import CNF, Direction, MovingBatchNorm1d, Solver, Whitening
from models.weights import CheckpointError, write_weights


class ConditionalFlow(nn.Module):
    """[whitening,] batch norm, then (CNF, batch norm) x num_blocks, every row [D] of ws by itself.

    attributes [N, 17] are in raw units (models.styleflow.attributes). A log density `dlogp` [N, L, 1] is
    -log |det dz/dw| forward and -log |det dw/dz| in reverse, so log p(w) = log N(z; 0, I) - dlogp.
    `probes` [P, N, L, D] are draws e with E[e e^T] = I for Hutchinson's trace estimate; all blocks
    share them.
    """

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        self.solver = Solver(tolerance=1e-5)  # StyleFlow's, for log densities
        # Without the log density in its error norm dopri5 takes longer steps and loses a digit or two
        # of StyleFlow's accuracy; this tolerance restores it in as many evaluations.
        self.editing_solver = Solver(tolerance=1e-6)
        self.editing_steps: int | None = None  # models.styleflow.fixed_steps; None: not tried yet
        self.whitening = Whitening(config.dim) if config.whitened else None
        chain: list[nn.Module] = [MovingBatchNorm1d(config.dim)]
        for _ in range(config.num_blocks):
            chain += [CNF(config.dim, config.hidden, config.context_dim), MovingBatchNorm1d(config.dim)]
        self.chain = nn.ModuleList(chain)

    @torch.no_grad()
    def encode(self, ws: Tensor, attributes: Tensor) -> Tensor:
        """ws [N, L, D] -> z of the same shape, without gradients.

        Raises ValueError on wrong shapes, IntegrationError where the flow diverges.
        """
        return self(ws, attributes)  # type: ignore[no-any-return]

    @torch.no_grad()
    def decode(self, z: Tensor, attributes: Tensor) -> Tensor:
        """z [N, L, D] -> ws, the inverse of encode. Raises as encode does."""
        return self.reverse(z, attributes)

    def forward(self, ws: Tensor, attributes: Tensor) -> Tensor:
        """w to z, without the log density."""
        return self._transform(ws, attributes, "forward")

    def reverse(self, z: Tensor, attributes: Tensor) -> Tensor:
        """z to w, without the log density."""
        return self._transform(z, attributes, "reverse")

    def forward_with_log_density(
        self, ws: Tensor, attributes: Tensor, probes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """w to z, and dlogp."""
        return self._transform_with_log_density(ws, attributes, probes, "forward")

    def reverse_with_log_density(
        self, z: Tensor, attributes: Tensor, probes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """z to w, and dlogp."""
        return self._transform_with_log_density(z, attributes, probes, "reverse")

    def log_likelihood(
        self, ws: Tensor, attributes: Tensor, probes: Tensor, solver: Solver | None = None
    ) -> Tensor:
        """log p(w | attributes) in nats, [N, L]; differentiable. solver None: StyleFlow's."""
        z, dlogp = self._transform_with_log_density(ws, attributes, probes, "forward", solver)
        return (-0.5 * (z.square() + math.log(2 * math.pi))).sum(dim=-1) - dlogp.squeeze(-1)

    def parts(self, direction: Direction) -> list[nn.Module]:
        """The invertible maps in the order in which that direction takes them."""
        parts = [*([] if self.whitening is None else [self.whitening]), *self.chain]
        return parts if direction == "forward" else parts[::-1]

    def standardized(self, x: Tensor, attributes: Tensor) -> Tensor:
        """The attributes [N, 17] as the vector field takes them for rows x [N, L, D]. Raises ValueError."""
        config = self.config
        if x.ndim != 3 or x.shape[2] != config.dim:
            raise ValueError(f"rows must be [N, L, {config.dim}], not {list(x.shape)}")
        if attributes.shape != (x.shape[0], config.context_dim):
            raise ValueError(
                f"attributes must be [{x.shape[0]}, {config.context_dim}], not {list(attributes.shape)}"
            )
        attributes = attributes.to(x)
        if config.attribute_mean is None:
            return attributes
        return (attributes - x.new_tensor(config.attribute_mean)) / x.new_tensor(config.attribute_std)

    def _transform(self, x: Tensor, attributes: Tensor, direction: Direction) -> Tensor:
        context = self.standardized(x, attributes)
        for part in self.parts(direction):
            x = (
                part(x, context, direction, self.editing_solver)
                if isinstance(part, CNF)
                else part(x, direction)
            )
        return x

    def _transform_with_log_density(
        self,
        x: Tensor,
        attributes: Tensor,
        probes: Tensor,
        direction: Direction,
        solver: Solver | None = None,
    ) -> tuple[Tensor, Tensor]:
        context = self.standardized(x, attributes)
        sign = -1.0 if direction == "forward" else 1.0
        dlogp = x.new_zeros(*x.shape[:2], 1)
        for part in self.parts(direction):
            if isinstance(part, CNF):
                x, change = part.with_log_density(x, context, direction, solver or self.solver, probes)
            else:
                assert isinstance(part, (MovingBatchNorm1d, Whitening))
                x, change = part(x, direction), sign * part.log_determinant()
            dlogp = dlogp + change
        return x, dlogp


def gaussian_probes(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """One draw [1, N, L, D] for x [N, L, D], as in StyleFlow. The generator must be on the CPU."""
    return torch.randn((1, *x.shape), generator=generator, dtype=x.dtype).to(x.device)


def basis_probes(x: Tensor) -> Tensor:
    """sqrt(D) times each unit vector, [D, 1, 1, D]: makes the trace exact at D times the cost."""
    dim = x.shape[-1]
    return (math.sqrt(dim) * torch.eye(dim, dtype=x.dtype, device=x.device))[:, None, None]


def save_flow(flow: ConditionalFlow, path: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write our safetensors file; float16 halves it and is enough for flows trained here.

    Raises ValueError where a number is not finite as that dtype.
    """
    write_weights(path, FORMAT, asdict(flow.config), flow.state_dict(), dtype)


def load_flow(source: str | Path | bytes, device: str | torch.device = "cpu") -> ConditionalFlow:
    """Read our safetensors file (a path, or its bytes) or StyleFlow's .pt, a state dict.

    Returns float32, eval mode, no gradients. Raises CheckpointError with one sentence for the user.
    """
    config, tensors = read_flow(source if isinstance(source, bytes) else network_bytes(Path(source), "flow"))
    with torch.device("meta"):  # no memory and no random numbers for values that are replaced at once
        flow = ConditionalFlow(config)
    try:
        flow.load_state_dict({k: v.to(torch.float32).clone() for k, v in tensors.items()}, assign=True)
    except RuntimeError as error:
        raise CheckpointError("The tensors in this file do not form a StyleFlow flow.") from error
    return flow.to(device).eval().requires_grad_(False)

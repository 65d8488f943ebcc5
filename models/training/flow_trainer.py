"""The maximum-likelihood trainer of the conditional flow: its data, its settings and one step.

The loss is StyleFlow's, -log p(w | attributes), taken over single rows w. What differs is what makes it
practical and robust without a GPU:
- Batches of 256 rows; attributes standardised; w whitened beforehand, so that batch norm starts at identity.
- A fixed number of rk4 steps with gradients straight through them, not the adjoint method: the graph of
  a few steps fits in memory, its gradient is exact for the steps taken, and the backward pass need not
  integrate again. Editing and the held-out likelihood use dopri5, which would show steps too coarse.
- Rademacher probes: the same expectation of the trace as with Gaussian ones, less variance.
- Noise on w and attributes. The attributes of a rendered face are a function of its w, so the conditional
  density is singular and its likelihood has no bound; noise bounds it, and keeps an edit calm when the
  base attributes were estimated from a photo and are a little wrong.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow
from models.styleflow.network import CNF, ConcatSquashLinear, Solver
from models.training.run_state import read_run_state, write_run_state

_FORMAT = "latentloom-flow-training-1"


@dataclass(frozen=True)
class FlowTraining:
    """All that decides the result of a training run, given the data."""

    steps: int = 2000
    batch: int = 256
    hidden: tuple[int, ...] = (512, 512)
    learning_rate: float = 1e-3
    final_learning_rate: float = 2e-5
    warmup: int = 50  # steps
    gradient_norm: float = 10.0  # longer gradients are shortened to this
    solver_steps: int = 5
    latent_noise: float = 0.1  # share of the root mean square deviation of w
    attribute_noise: float = 0.05  # share of each attribute's deviation
    ema_decay: float = 0.99
    held_out: float = 0.05  # share of the rows, taken from the end
    seed: int = 0


@dataclass(frozen=True)
class FlowData:
    """Pairs for training and for measuring."""

    w: Tensor  # [N, D]
    attributes: Tensor  # [N, C] raw units
    held_out_w: Tensor
    held_out_attributes: Tensor

    @classmethod
    def split(cls, w: Tensor, attributes: Tensor, held_out: float) -> FlowData:
        """Raises ValueError on shapes that do not fit, numbers that are not finite or too few rows."""
        if w.ndim != 2 or attributes.ndim != 2 or len(w) != len(attributes):
            raise ValueError(
                f"w {list(w.shape)} and attributes {list(attributes.shape)} are not pairs of rows"
            )
        if not (w.isfinite().all() and attributes.isfinite().all()):
            raise ValueError("w and attributes must be finite")
        count = math.ceil(held_out * len(w))
        if count < 1 or len(w) - count < 2:
            raise ValueError(f"{len(w)} rows are too few to train on and hold out {held_out:.0%}")
        w, attributes = w.float(), attributes.float()
        return cls(w[:-count], attributes[:-count], w[-count:], attributes[-count:])

    def digest(self) -> str:
        """Identifies the data, so that a run is not resumed on other rows."""
        parts = (self.w, self.attributes, self.held_out_w, self.held_out_attributes)
        return hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest()


def initial_flow(data: FlowData, settings: FlowTraining) -> ConditionalFlow:
    """A flow that whitens w plus its noise and is otherwise close to the identity."""
    std, mean = torch.std_mean(data.attributes, dim=0)
    std = torch.where(std > 1e-6, std, torch.ones_like(std))  # a constant attribute says nothing
    config = FlowConfig(
        dim=data.w.shape[1],
        hidden=settings.hidden,
        context_dim=data.attributes.shape[1],
        whitened=True,
        attribute_mean=tuple(mean.tolist()),
        attribute_std=tuple(std.tolist()),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        flow = ConditionalFlow(config)
    assert flow.whitening is not None
    variance, basis = torch.linalg.eigh(torch.cov(data.w.double().T))
    noise = noise_deviation(data, settings)
    flow.whitening.mean.copy_(data.w.mean(dim=0))
    flow.whitening.basis.copy_(basis)
    flow.whitening.scale.copy_((variance.clamp(min=0) + noise**2).sqrt())
    for block in flow.chain:
        if isinstance(block, CNF):
            last = block.odefunc.diffeq.layers[-1]
            assert isinstance(last, ConcatSquashLinear)
            with torch.no_grad():
                last.weight.mul_(0.01)
    return flow


def noise_deviation(data: FlowData, settings: FlowTraining) -> float:
    """Standard deviation of the noise added to every coordinate of w; positive even for constant w."""
    rms = float(data.w.double().var(dim=0).mean().sqrt())
    return max(settings.latent_noise * rms, 1e-6)


class FlowTrainer:
    """The state of a run: flow, optimiser, averaged weights, random numbers and the step."""

    def __init__(self, data: FlowData, settings: FlowTraining, device: str = "cpu") -> None:
        self.data, self.settings, self.device = data, settings, device
        self.flow = initial_flow(data, settings).to(device)
        self.flow.solver = Solver("rk4", steps=settings.solver_steps)
        self.optimizer = torch.optim.Adam(self.flow.parameters(), lr=settings.learning_rate)
        self.average = {k: v.detach().clone() for k, v in self.flow.named_parameters()}
        self.random = torch.Generator().manual_seed(settings.seed)  # on the CPU: the same on every device
        self.noise = noise_deviation(data, settings)
        self.step = 0

    def train_step(self) -> float:
        """One step of Adam; returns the negative log likelihood in nats per dimension.

        Raises FloatingPointError where the loss is not finite; the weights are then as before the step.
        """
        w, attributes = self._batch()
        probes = torch.randint(0, 2, (1, *w.shape), generator=self.random).mul_(2).sub_(1)
        likelihood = self.flow.log_likelihood(w, attributes, probes.to(w))
        loss = -likelihood.mean() / w.shape[-1]
        if not loss.isfinite():
            raise FloatingPointError(f"the loss is not finite at step {self.step}; lower the learning rate")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.flow.parameters(), self.settings.gradient_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.settings, self.step)
        self.optimizer.step()
        self.step += 1
        decay = min(self.settings.ema_decay, self.step / (self.step + 10))
        for name, value in self.flow.named_parameters():
            self.average[name].lerp_(value.detach(), 1 - decay)
        return float(loss.detach())

    def _batch(self) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.data.w), (self.settings.batch,), generator=self.random)
        w, attributes = self.data.w[rows], self.data.attributes[rows]
        assert self.flow.config.attribute_std is not None
        spread = torch.tensor(self.flow.config.attribute_std) * self.settings.attribute_noise
        w = w + self.noise * torch.randn(w.shape, generator=self.random)
        attributes = attributes + spread * torch.randn(attributes.shape, generator=self.random)
        return w[:, None].to(self.device), attributes.to(self.device)

    def averaged_flow(self) -> ConditionalFlow:
        """The flow with averaged weights, solved by dopri5, without gradients."""
        with torch.device("meta"):  # initial weights would draw from the global random numbers
            flow = ConditionalFlow(self.flow.config)
        state = {name: value.detach().clone() for name, value in self.flow.state_dict().items()}
        flow.load_state_dict(state | {k: v.clone() for k, v in self.average.items()}, assign=True)
        return flow.eval().requires_grad_(False)

    def held_out_nll(self, rows: int = 256) -> float:
        """Nats per dimension of the averaged flow on held-out rows plus the same noise each time."""
        random = torch.Generator().manual_seed(self.settings.seed + 1)
        w = self.data.held_out_w[:rows, None]
        attributes = self.data.held_out_attributes[:rows].to(self.device)
        noisy = (w + self.noise * torch.randn(w.shape, generator=random)).to(self.device)
        probes = torch.randint(0, 2, (1, *w.shape), generator=random).mul_(2).sub_(1)
        with torch.no_grad():
            likelihood = self.averaged_flow().log_likelihood(noisy, attributes, probes.to(noisy))
        return -float(likelihood.mean()) / w.shape[-1]

    def save(self, path: Path) -> None:
        """Write everything a later process needs to go on to the same result."""
        state = {
            "step": self.step,
            "flow": self.flow.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.get_state(),
        }
        write_run_state(path, _FORMAT, self._identity(), state)

    def restore(self, path: Path) -> None:
        """Go on from save(). Raises ValueError where settings or data are not those of the saved run."""
        state = read_run_state(path, _FORMAT, self._identity())
        self.step = state["step"]
        self.flow.load_state_dict(state["flow"])
        self.average = {name: value.to(self.device) for name, value in state["average"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.random.set_state(state["random"])

    def _identity(self) -> str:
        """Settings and data, so that a run is not resumed with others."""
        return json.dumps({**asdict(self.settings), "data": self.data.digest()})


def learning_rate(settings: FlowTraining, step: int) -> float:
    """Linear warm-up, then half a cosine down to the final rate."""
    if step < settings.warmup:
        return settings.learning_rate * (step + 1) / settings.warmup
    share = (step - settings.warmup) / max(settings.steps - settings.warmup, 1)
    span = settings.learning_rate - settings.final_learning_rate
    return settings.final_learning_rate + 0.5 * span * (1 + math.cos(math.pi * share))

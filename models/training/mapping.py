"""The lesson in which the mapping network learns w(z) by regression, without pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Adam

from models.faces.mapping.units import AffineLayer
from models.stylegan2.generator import SynthesisNetwork
from models.stylegan2.mapping import MappingNetwork
from models.stylegan2.operations import FullyConnected
from models.training.optimizers import one_cycle, set_rate
from models.training.phases import MappingLesson

Floats = NDArray[np.float32]
Target = Callable[[Floats], Floats]
"""z [N, z_dim] -> w [N, w_dim]."""

# Three standard deviations: the last leaky ReLU of the mapping stays linear in nearly all of w.
W_OFFSET = 2.0
_PART_STEPS = 256  # every so many steps half of the faces in use are replaced by new ones
_PART_BATCHES = 32


@torch.no_grad()
def put_together(mapping: MappingNetwork, layers: Sequence[AffineLayer]) -> None:
    """Give the mapping these layers. Raises ValueError where its own are others in number or size."""
    own = [layer for layer in mapping.modules() if isinstance(layer, FullyConnected)]
    sizes = [tuple(layer.weight.shape) for layer in own]
    if sizes != [weight.shape for weight, _ in layers]:
        wanted = ", ".join(f"{inputs} -> {outputs}" for outputs, inputs in (w.shape for w, _ in layers))
        raise ValueError(f"the mapping must have the layers {wanted}")
    for layer, (weight, bias) in zip(own, layers, strict=True):
        gain = layer.lr_multiplier / math.sqrt(weight.shape[1])
        layer.weight.copy_(torch.from_numpy(weight) / gain)
        layer.bias.copy_(torch.from_numpy(bias) / layer.lr_multiplier)


@torch.no_grad()
def shift_w(synthesis: SynthesisNetwork, offset: float) -> None:
    """Make synthesis draw from w + offset what it drew from w: the affine biases take the difference."""
    for name, layer in synthesis.named_modules():
        if name.endswith("affine"):
            assert isinstance(layer, FullyConnected)
            gain = layer.lr_multiplier / math.sqrt(layer.weight.shape[1])
            layer.bias.sub_(gain * layer.weight.sum(dim=1) * offset / layer.lr_multiplier)


class LessonFaces:
    """Faces of the lesson: each batch is drawn from the present and the next part of an endless sequence, so
    that there is nothing to overfit and no face has to be computed for every step. A step's batch depends
    on the seed and the step alone.
    """

    def __init__(self, target: Target, z_dim: int, lesson: MappingLesson, seed: int) -> None:
        self.target, self.z_dim, self.batch, self.seed = target, z_dim, lesson.batch, seed
        self.part_size = min(_PART_BATCHES, lesson.steps) * lesson.batch
        self._part = lru_cache(maxsize=2)(self._draw)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """z [batch, z_dim] and w [batch, w_dim] of a step."""
        number = step // _PART_STEPS
        parts = self._part(number), self._part(number + 1)
        size = self.part_size
        index = np.random.RandomState([self.seed, 1, step]).choice(2 * size, self.batch, replace=False)
        z, w = (
            np.concatenate([p[k][index[index // size == i] % size] for i, p in enumerate(parts)])
            for k in (0, 1)
        )
        return torch.from_numpy(z), torch.from_numpy(w)

    def _draw(self, number: int) -> tuple[Floats, Floats]:
        random = np.random.RandomState([self.seed, 0, number])
        z = random.randn(self.part_size, self.z_dim).astype(np.float32)
        return z, self.target(z)


def lesson_step(
    mapping: MappingNetwork, optimizer: Adam, lesson: MappingLesson, step: int, z: Tensor, w: Tensor
) -> float:
    """One step of Adam towards w [N, w_dim] at z [N, z_dim]; returns the mean squared error before it."""
    set_rate(optimizer, one_cycle(step, lesson.steps))
    loss = F.mse_loss(mapping(z)[:, 0], w)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return float(loss.detach())


@torch.no_grad()
def lesson_score(mapping: MappingNetwork, target: Target, seed: int, count: int = 8192) -> Tensor:
    """Coefficient of determination [w_dim] on faces that no lesson has seen."""
    z = np.random.RandomState([seed, 2]).randn(count, mapping.z_dim).astype(np.float32)
    device = mapping.w_avg.device
    truth = torch.from_numpy(target(z)).to(device)
    w = mapping(torch.from_numpy(z).to(device))[:, 0]
    score: Tensor = 1 - (w - truth).square().mean(dim=0) / truth.var(dim=0)
    return score

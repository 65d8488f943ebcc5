"""Adam over tensors with names, whose whole state can be taken out and put back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from models.weights import CheckpointError

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class NamedAdam:
    """tensors: leaves that require a gradient; they are changed in place."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)
        self._adam = torch.optim.Adam(list(self.tensors.values()))

    def descend(self, loss: Tensor, learning_rate: float) -> None:
        """One step. Nothing is computed for or stored in tensors that are not among these."""
        leaves = list(self.tensors.values())
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient
        self._adam.param_groups[0]["lr"] = learning_rate
        self._adam.step()
        for leaf in leaves:
            leaf.grad = None

    def state(self) -> dict[str, Tensor]:
        """Copies of the tensors, and after the first step of adam.<name>.step, .exp_avg and .exp_avg_sq."""
        copies = {name: value.detach().clone() for name, value in self.tensors.items()}
        for name, value in self.tensors.items():
            moments = self._adam.state.get(value, {})
            copies |= {f"adam.{name}.{key}": moments[key].clone() for key in MOMENTS if key in moments}
        return copies

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where state() was taken. Raises CheckpointError where it does not fit."""
        for name, value in self.tensors.items():
            value.copy_(_fitting(state, name, value.shape))
            if f"adam.{name}.step" not in state:
                continue
            shapes = (torch.Size(()), value.shape, value.shape)
            moments = [_fitting(state, f"adam.{name}.{k}", s) for k, s in zip(MOMENTS, shapes, strict=True)]
            # The count of steps stays on the CPU, where Adam itself keeps it.
            self._adam.state[value] = {
                "step": moments[0].cpu().clone(),
                "exp_avg": moments[1].to(value.device, copy=True),
                "exp_avg_sq": moments[2].to(value.device, copy=True),
            }


def _fitting(state: Mapping[str, Tensor], name: str, shape: torch.Size) -> Tensor:
    found = state.get(name)
    if found is None or found.shape != shape:
        raise CheckpointError(f"The state of this projection is damaged: {name} is missing or does not fit.")
    return found

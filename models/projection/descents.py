"""A rung under way: what W and W+ optimise, and the terms of their losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from models.projection.adam import NamedAdam
from models.projection.noise_maps import noise_regularization, normalized_noise
from models.projection.settings import ProjectionSettings, WPlusSettings
from models.projection.steps import Found
from models.projection.target import Comparison
from models.projection.w_statistics import WStatistics
from models.stylegan2.generator import Generator


@dataclass(frozen=True)
class Task:
    """What every rung works with. random lives on the CPU, so that a seed means the same on every device."""

    generator: Generator
    comparison: Comparison
    statistics: WStatistics
    random: torch.Generator

    def drawn(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(shape, generator=self.random).to(self.comparison.device)


class Descent(Protocol):
    """evaluate and descend take turns; the index counts the steps of this rung."""

    adam: NamedAdam

    def evaluate(self, index: int) -> dict[str, Tensor]:
        """The terms of the loss, with their weights, "distance" first."""

    def shown(self) -> Found:
        """A copy of what the last evaluate rendered."""

    def descend(self, index: int, loss: Tensor) -> None:
        """One step of Adam."""

    def found(self) -> Found:
        """A copy of where it stands."""


class WDescent:
    """w [1, 1, w_dim] and the noise maps; NVIDIA's projector.py draws in this order."""

    def __init__(self, task: Task, settings: ProjectionSettings, start: Found | None) -> None:
        self._task, self._settings = task, settings
        self._noise = _noise_leaves(task, start)
        w = task.statistics.w_avg if start is None else start.ws.mean(dim=1, keepdim=True)
        self._w = w.to(task.comparison.device).clone().requires_grad_()
        self._used = self._w.detach()
        self.adam = NamedAdam({"w": self._w, **_named("noise", self._noise)})

    def evaluate(self, index: int) -> dict[str, Tensor]:
        settings, generator = self._settings, self._task.generator
        scale = settings.w_noise_scale(index, self._task.statistics.w_std)
        w = self._w + self._task.drawn(1, 1, generator.w_dim) * scale
        self._used = w.detach()
        ws = w.repeat(1, generator.num_ws, 1)
        picture = generator.synthesis(ws, "const", self._noise or None, settings.resolution(index))
        regulariser = noise_regularization(self._noise) * settings.regularize_noise_weight
        return {"distance": self._task.comparison.distance(picture), "noise": regulariser}

    def shown(self) -> Found:
        return self._at(self._used)

    def descend(self, index: int, loss: Tensor) -> None:
        self.adam.descend(loss, self._settings.learning_rate(index))
        _normalize(self._noise)

    def found(self) -> Found:
        return self._at(self._w.detach())

    def _at(self, w: Tensor) -> Found:
        return Found(w.repeat(1, self._task.generator.num_ws, 1), copies_of(self._noise))


class WPlusDescent:
    """w [1, 1, w_dim], the deltas [1, num_ws, w_dim] of the layers, and the noise maps."""

    def __init__(self, task: Task, settings: WPlusSettings, start: Found | None) -> None:
        self._task, self._settings = task, settings
        self._noise = _noise_leaves(task, start)
        num_ws = task.generator.num_ws
        ws = task.statistics.w_avg.repeat(1, num_ws, 1) if start is None else start.ws
        ws = ws.to(task.comparison.device)
        w = ws.mean(dim=1, keepdim=True)
        self._w, self._deltas = w.clone().requires_grad_(), (ws - w).requires_grad_()
        self.adam = NamedAdam({"w": self._w, "deltas": self._deltas, **_named("noise", self._noise)})

    def evaluate(self, index: int) -> dict[str, Tensor]:  # noqa: ARG002
        settings, comparison = self._settings, self._task.comparison
        picture = self._task.generator.synthesis(self._w + self._deltas, "const", self._noise or None)
        spread = self._deltas.square().sum(dim=2).mean() / self._task.statistics.w_std**2
        return {
            "distance": comparison.distance(picture),
            "pixel": comparison.pixel(picture) * settings.pixel_weight,
            "noise": noise_regularization(self._noise) * settings.regularize_noise_weight,
            "delta": spread * settings.delta_weight,
        }

    def shown(self) -> Found:
        return self.found()

    def descend(self, index: int, loss: Tensor) -> None:
        self.adam.descend(loss, self._settings.learning_rate(index))
        _normalize(self._noise)

    def found(self) -> Found:
        return Found((self._w + self._deltas).detach(), copies_of(self._noise))


def _noise_leaves(task: Task, start: Found | None) -> list[Tensor]:
    """Those that the start is rendered with, or drawn where there is no start; empty without noise inputs."""
    synthesis = task.generator.synthesis
    if start is not None:
        maps = start.noise or [value[None, None] for value in synthesis.noise_maps()]
        return [value.to(task.comparison.device, copy=True).requires_grad_() for value in maps]
    sides = synthesis.noise_resolutions if task.generator.config.use_noise else ()
    return [task.drawn(1, 1, side, side).requires_grad_() for side in sides]


@torch.no_grad()
def _normalize(noise: Sequence[Tensor]) -> None:
    for value in noise:
        value.copy_(normalized_noise(value))


def copies_of(noise: Sequence[Tensor]) -> list[Tensor]:
    """The maps as they are now."""
    return [value.detach().clone() for value in noise]


def _named(name: str, values: Sequence[Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{i}": value for i, value in enumerate(values)}

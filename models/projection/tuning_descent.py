"""Pivotal tuning under way: the generator is adapted around a latent that stays.

Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021, section 3; what is trained are
low-rank factors (models.projection.tuning) instead of all weights.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.func import functional_call

from models.projection.adam import NamedAdam
from models.projection.descents import Task, copies_of
from models.projection.settings import TuningSettings
from models.projection.steps import Found
from models.projection.tuning import LowRank, Tuning, check_tuning, sharing, tunable_weights


class TuningDescent:
    """Low-rank factors of the convolutions, about ws and noise maps that stay (the pivot)."""

    def __init__(self, task: Task, settings: TuningSettings, start: Found | None) -> None:
        self._task, self._settings = task, settings
        self._weights = tunable_weights(task.generator)
        # Tuned weights are put into modules of our own, where nobody else renders in the meantime.
        self._synthesis = sharing(task.generator, {}).synthesis
        if start is None:
            start = Found(task.statistics.w_avg.repeat(1, task.generator.num_ws, 1))
        self._layers = self._begun(start.tuning)
        self._noise = [value.to(task.comparison.device) for value in start.noise]
        self._ws = start.ws.to(task.comparison.device)
        factors = {f"{name}.up": layer.up for name, layer in self._layers.items()}
        factors |= {f"{name}.down": layer.down for name, layer in self._layers.items()}
        self.adam = NamedAdam({name: value.requires_grad_() for name, value in factors.items()})

    def _begun(self, tuning: Tuning | None) -> dict[str, LowRank]:
        """The tuning of the start, or one that changes nothing yet: up is zero, down random."""
        if tuning is not None:
            check_tuning(self._task.generator, tuning)
            device = self._task.comparison.device
            return {
                name: LowRank(layer.up.to(device, copy=True), layer.down.to(device, copy=True))
                for name, layer in tuning.layers.items()
            }
        layers = {}
        for name, weight in self._weights.items():
            rows, columns = weight.shape[0], weight.shape[1:].numel()
            rank = min(self._settings.rank, rows, columns)
            down = self._task.drawn(rank, columns) / rank**0.5
            layers[name] = LowRank(down.new_zeros(rows, rank), down)
        return layers

    def evaluate(self, index: int) -> dict[str, Tensor]:
        settings, comparison = self._settings, self._task.comparison
        tuned = {name: layer.added_to(self._weights[name]) for name, layer in self._layers.items()}
        picture = self._tuned_picture(tuned, self._ws)
        terms = {
            "distance": comparison.distance(picture),
            "pixel": comparison.pixel(picture) * settings.pixel_weight,
        }
        if settings.regularises(index):
            terms["locality"] = self._locality(tuned) * settings.locality_weight
        return terms

    def _tuned_picture(self, tuned: Mapping[str, Tensor], ws: Tensor) -> Tensor:
        picture: Tensor = functional_call(self._synthesis, dict(tuned), (ws, "const", self._noise or None))
        return picture

    def _locality(self, tuned: Mapping[str, Tensor]) -> Tensor:
        """How much the picture changes at a random place near the pivot (equations 4 and 5)."""
        generator, settings = self._task.generator, self._settings
        elsewhere = generator.mapping(self._task.drawn(1, generator.z_dim)) - self._ws
        length = elsewhere.norm(dim=2, keepdim=True)
        ws = self._ws + elsewhere * (settings.locality_radius * self._task.statistics.w_std / length)
        before: Tensor = generator.synthesis(ws, "const", self._noise or None)
        after = self._tuned_picture(tuned, ws)
        features = self._task.comparison.features
        return (features(before) - features(after)).square().sum() + (before - after).square().mean()

    def shown(self) -> Found:
        return self.found()

    def descend(self, index: int, loss: Tensor) -> None:
        self.adam.descend(loss, self._settings.learning_rate(index))

    def found(self) -> Found:
        layers = {
            name: LowRank(layer.up.detach().clone(), layer.down.detach().clone())
            for name, layer in self._layers.items()
        }
        return Found(self._ws.clone(), copies_of(self._noise), Tuning(layers))

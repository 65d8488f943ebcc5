"""Projection of a picture: the latent, the noise maps and the tuning with which a generator comes closest.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, appendix D; where the text and
NVIDIA's code differ, the numbers here are those of the code. The rungs above W: models.projection.settings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from models.projection.descents import Descent, Task, WDescent, WPlusDescent
from models.projection.errors import ProjectionDiverged, ProjectionError
from models.projection.noise_maps import noise_regularization, normalized_noise
from models.projection.perceptual import PerceptualDistance
from models.projection.settings import ProjectionSettings, RungSettings, TuningSettings, WPlusSettings
from models.projection.state import ProjectorState
from models.projection.steps import Best, Found, ProjectionStep
from models.projection.target import Comparison, check_fit, compared, fingerprint, prepare_target
from models.projection.tuning_descent import TuningDescent
from models.projection.w_statistics import WStatistics, w_statistics
from models.stylegan2.generator import Generator
from models.weights import CheckpointError

__all__ = [
    "Best",
    "Found",
    "Projection",
    "ProjectionDiverged",
    "ProjectionError",
    "ProjectionSettings",
    "ProjectionStep",
    "ProjectorState",
    "TuningSettings",
    "WPlusSettings",
    "WStatistics",
    "compared",
    "noise_regularization",
    "normalized_noise",
    "prepare_target",
    "project",
    "w_statistics",
]


def project(
    generator: Generator,
    target: Tensor,
    settings: RungSettings | Sequence[RungSettings],
    perceptual: PerceptualDistance,
    statistics: WStatistics | None = None,
    start: Found | None = None,
) -> Projection:
    """Steps of a projection of target [3, R, R], 0..255, at the generator's resolution.

    settings: of one rung, or of several that follow each other, each from where the one before ended.
    start: where the first begins (None: the mean face). The target is compared at the generator's
    resolution, or at 256x256 where that is larger. statistics: w_statistics(generator, w_avg_samples),
    computed on the first step where not given.
    Raises ProjectionError at once where generator and target do not fit.
    """
    plan = (settings,) if isinstance(settings, RungSettings) else tuple(settings)
    return Projection(generator, target, plan, perceptual, statistics, start)


class Projection:
    """An iterator of steps that can be left between any two of them, for good or with its state().

    Lazy: every next() computes one step. The generator is not changed, and random numbers are drawn from a
    stream of its own, so that one seed gives one result. next() raises ProjectionDiverged where the loss is
    no finite number.
    """

    def __init__(
        self,
        generator: Generator,
        target: Tensor,
        plan: tuple[RungSettings, ...],
        perceptual: PerceptualDistance,
        statistics: WStatistics | None = None,
        start: Found | None = None,
    ) -> None:
        if not plan:
            raise ValueError("a projection needs the settings of a rung")
        low = next((rung.low_resolution for rung in plan if isinstance(rung, ProjectionSettings)), None)
        check_fit(generator, target, low)
        self._generator, self._target, self._plan, self._perceptual = generator, target, plan, perceptual
        self._statistics, self._start = statistics, start
        self._rung, self._index = 0, 0
        self._best: Best | None = None
        self._descent: Descent | None = None
        self._task: Task | None = None

    @classmethod
    def resumed(
        cls, generator: Generator, target: Tensor, perceptual: PerceptualDistance, state: ProjectorState
    ) -> Projection:
        """Goes on after the step at which state() was taken.

        Raises ProjectionError where target or distance are others, CheckpointError where the state was not
        made with such a generator.
        """
        if (state.perceptual, state.target) != (perceptual.name, fingerprint(target)):
            raise ProjectionError("This projection was begun with another picture or another distance.")
        if state.w_avg.shape != (1, 1, generator.w_dim) or not _fits(generator, state.start):
            raise CheckpointError("This projection was begun with another generator.")
        statistics = WStatistics(state.w_avg.to(generator.w_avg.device), state.w_std)
        projection = cls(generator, target, state.plan, perceptual, statistics, state.start)
        projection._rung, projection._index = state.rung, state.index
        if state.best is not None:
            projection._best = Best(state.best.distance, state.best.found.on(generator.w_avg.device))
        task, descent = projection._begun()
        descent.adam.restore({n: value.to(generator.w_avg.device) for n, value in state.tensors.items()})
        try:
            task.random.set_state(state.random)
        except RuntimeError as error:
            raise CheckpointError("The state of this projection is damaged: its random stream.") from error
        return projection

    @property
    def total(self) -> int:
        """Steps of all rungs."""
        return sum(settings.steps for settings in self._plan)

    @property
    def index(self) -> int:
        """Steps made, over all rungs."""
        return self._index

    @property
    def best(self) -> Best | None:
        """The closest picture so far: what a projection that is cancelled should keep. None before the first
        step that rendered a whole picture.
        """
        return self._best

    def state(self) -> ProjectorState:
        """What resumed() needs, as copies."""
        task, descent = self._begun()
        return ProjectorState(
            plan=self._plan,
            rung=self._rung,
            index=self._index,
            perceptual=self._perceptual.name,
            target=fingerprint(self._target),
            w_avg=task.statistics.w_avg.clone(),
            w_std=task.statistics.w_std,
            start=self._start,
            best=self._best,
            tensors=descent.adam.state(),
            random=task.random.get_state(),
        )

    def __iter__(self) -> Iterator[ProjectionStep]:
        return self

    def __next__(self) -> ProjectionStep:
        if self._index == self.total:
            raise StopIteration
        # A caller may compute without gradients; what is optimised here must know them all the same.
        with torch.inference_mode(False), torch.enable_grad():
            _, descent = self._begun()
            if self._local == self._plan[self._rung].steps:
                self._start, self._descent = descent.found(), None
                self._rung += 1
                _, descent = self._begun()
            return self._stepped(descent)

    @property
    def _local(self) -> int:
        """Steps made in this rung."""
        return self._index - sum(settings.steps for settings in self._plan[: self._rung])

    def _stepped(self, descent: Descent) -> ProjectionStep:
        settings, local = self._plan[self._rung], self._local
        terms = descent.evaluate(local)
        loss = torch.stack(list(terms.values())).sum()
        values = {name: term.item() for name, term in terms.items()}
        if not math.isfinite(loss.item()):
            raise ProjectionDiverged(self._index + 1, loss.item(), self._best)
        whole = not isinstance(settings, ProjectionSettings) or settings.resolution(local) is None
        if whole and (self._best is None or values["distance"] < self._best.distance):
            self._best = Best(values["distance"], descent.shown())
        descent.descend(local, loss)
        self._index += 1
        found = descent.found()
        return ProjectionStep(
            index=self._index,
            total=self.total,
            loss=loss.item(),
            distance=values["distance"],
            ws=found.ws,
            noise=found.noise,
            rung=settings.rung,
            terms=values,
            tuning=found.tuning,
        )

    def _begun(self) -> tuple[Task, Descent]:
        """The task and the rung under way, prepared when first needed."""
        settings = self._plan[self._rung]
        with torch.inference_mode(False):
            if self._task is None or self._descent is None:
                statistics = self._statistics or w_statistics(self._generator, settings.w_avg_samples)
                self._statistics = statistics
                low = settings.low_resolution if isinstance(settings, ProjectionSettings) else None
                comparison = Comparison(self._generator, self._target, self._perceptual, low)
                random = torch.Generator().manual_seed(settings.seed)
                self._task = Task(self._generator, comparison, statistics, random)
                self._descent = _begin(self._task, settings, self._start)
        return self._task, self._descent


def _begin(task: Task, settings: RungSettings, start: Found | None) -> Descent:
    """The descent of that rung; start None: the mean face."""
    if isinstance(settings, ProjectionSettings):
        return WDescent(task, settings, start)
    if isinstance(settings, WPlusSettings):
        return WPlusDescent(task, settings, start)
    return TuningDescent(task, settings, start)


def _fits(generator: Generator, found: Found | None) -> bool:
    """Whether ws and noise maps have this generator's shapes."""
    if found is None:
        return True
    sides = generator.synthesis.noise_resolutions
    right_noise = not found.noise or [tuple(m.shape) for m in found.noise] == [(1, 1, s, s) for s in sides]
    return found.ws.shape == (1, generator.num_ws, generator.w_dim) and right_noise

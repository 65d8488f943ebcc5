"""A projection as the engine runs it: one step at a time on the compute thread, pictures now and then."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import torch

from models.bundle import Bundle
from models.projection.encoder import first_guess
from models.projection.errors import ProjectionError
from models.projection.measures import ProjectionMeasures, measure
from models.projection.perceptual import PerceptualDistance
from models.projection.projector import (
    Projection,
    ProjectionStep,
    ProjectorState,
    WStatistics,
    prepare_target,
    w_statistics,
)
from models.projection.settings import RungSettings
from models.projection.steps import Found, rendered
from models.projection.tuning import tuning_of, tuning_tensors
from models.weights import CheckpointError
from server.engine.drawing import as_rgb
from server.engine.frames import encode_jpeg, smaller
from server.engine.interface import RGB
from server.engine.latents import Latent, latent_file, read_latent
from server.engine.planning import plan_of
from server.engine.projecting_interface import Beginning, ProjectionEvent, ProjectionPicture, ProjectionSpec
from server.problems import Problem

PICTURE_INTERVAL_S = 0.8
STATE_STEPS, STATE_INTERVAL_S = 50, 3.0
MOMENTS, MOMENT_SIDE = 12, 128


@dataclass
class StatisticsOfW:
    """Mean and spread of w of each generator, by sha256; they cost as much as some steps."""

    known: dict[str, WStatistics] = field(default_factory=dict)

    def of(self, bundle: Bundle, samples: int) -> WStatistics:
        """Computed at the first call."""
        key = bundle.manifest.generator.sha256
        if key not in self.known:
            self.known[key] = w_statistics(bundle.generator, samples)
        return self.known[key]


class RunningProjection:
    """Computes events. All methods run on the compute thread."""

    def __init__(
        self, bundle: Bundle, spec: ProjectionSpec, perceptual: PerceptualDistance, statistics: StatisticsOfW
    ) -> None:
        self._bundle, self._spec, self._perceptual, self._statistics = bundle, spec, perceptual, statistics
        self._sha256 = bundle.manifest.generator.sha256
        self._target = prepare_target(spec.picture, bundle.generator.img_resolution)
        self._projection: Projection | None = None
        self._guess: Found | None = None
        self._began_at: Beginning = "mean_face"
        self._last: ProjectionStep | None = None
        self._moments: frozenset[int] = frozenset()
        self._next_picture = 0.0
        self._next_state = time.monotonic() + STATE_INTERVAL_S

    def begin(self) -> None:
        """The part before the first step. Raises Problem model_changed where it cannot go on as it began, and
        latent_of_other_model.
        """
        spec = self._spec
        if spec.generator is not None and spec.generator != self._sha256:
            raise Problem(
                "model_changed",
                "The model was replaced by another one after this search had begun.",
                "Start the search again.",
            )
        plan = plan_of(spec.request)
        start = self._start(from_guess=plan.from_guess)
        if spec.state is not None:
            self._projection = self._resumed(spec.state)
        elif plan.rungs:
            self._projection = self._begun(plan.rungs, start)
        else:
            self._guess = start
        self._moments = moments_of(self.total)

    @property
    def total(self) -> int:
        """Steps of all rungs."""
        return self._projection.total if self._projection else 0

    @property
    def is_complete(self) -> bool:
        """Whether no step is left."""
        return self._index == self.total

    def step(self) -> ProjectionEvent:
        """One step; with a picture or a state where the last one is old enough. Raises ProjectionError."""
        assert self._projection is not None
        self._last = step = next(self._projection)
        moment = time.monotonic()
        state = None
        due = step.index % STATE_STEPS == 0 or moment >= self._next_state
        if due and not self.is_complete:
            self._next_state = moment + STATE_INTERVAL_S
            state = self._projection.state().to_bytes()
        picture = kept = None
        if step.index in self._moments or moment >= self._next_picture:
            self._next_picture = moment + PICTURE_INTERVAL_S
            rgb = self._rendered(step.found)
            picture = self._picture(rgb)
            kept = self._picture(smaller(rgb, MOMENT_SIDE)) if step.index in self._moments else None
        return self._event(step.distance, picture, moment=kept, state=state)

    @torch.no_grad()
    def last_event(self) -> ProjectionEvent:
        """What was found, as it is stored: at the end the last step's, before that the closest."""
        found = self._found()
        measures = measure(
            self._bundle.generator, self._target, found, self._perceptual, seconds=0.0, steps=self._index
        )
        rgb = self._rendered(found)
        unfinished = self._projection is not None and not self.is_complete
        state = self._projection.state().to_bytes() if self._projection and unfinished else None
        return self._event(
            measures.distance,
            _measured(rgb, measures),
            state=state,
            latent=latent_file(self._latent(found)),
            identity=measures.identity,
        )

    @property
    def has_result(self) -> bool:
        """Whether there is anything that could be stored."""
        return self._guess is not None or self._last is not None or self._best() is not None

    @property
    def _index(self) -> int:
        """Steps made; those of an earlier run count."""
        if self._last is not None:
            return self._last.index
        return self._projection.index if self._projection else 0

    def _best(self) -> Found | None:
        best = self._projection.best if self._projection else None
        return best.found if best else None

    def _found(self) -> Found:
        if self._guess is not None:
            return self._guess
        best = self._best()
        if best is not None and not self.is_complete:
            return best
        assert self._last is not None
        return self._last.found

    def _start(self, *, from_guess: bool) -> Found | None:
        bundle = self._bundle
        if self._spec.start is not None:
            self._began_at = "result"
            return _found_of(read_latent(self._spec.start), bundle)
        if not from_guess:
            return None
        self._began_at = "encoder" if bundle.encoder else "mean_face"
        return first_guess(bundle.generator, self._target, bundle.encoder)

    def _begun(self, rungs: tuple[RungSettings, ...], start: Found | None) -> Projection:
        statistics = self._statistics.of(self._bundle, rungs[0].w_avg_samples)
        return Projection(self._bundle.generator, self._target, rungs, self._perceptual, statistics, start)

    def _resumed(self, data: bytes) -> Projection:
        try:
            state = ProjectorState.from_bytes(data)
            return Projection.resumed(self._bundle.generator, self._target, self._perceptual, state)
        except (CheckpointError, ProjectionError) as error:
            raise Problem("model_changed", str(error), "Start the search again.") from error

    def _rendered(self, found: Found) -> RGB:
        with torch.no_grad():
            return as_rgb(rendered(self._bundle.generator, found))

    def _picture(self, rgb: RGB) -> ProjectionPicture:
        """With how far it is from the target, brought to its size."""
        wanted = smaller(self._target.permute(1, 2, 0).numpy().astype(np.uint8), rgb.shape[0])
        difference = rgb.astype(np.float64) - wanted
        mean_square = float(np.square(difference).mean())
        psnr = 10 * float(np.log10(255**2 / mean_square)) if mean_square else None
        return ProjectionPicture(
            encode_jpeg(rgb, "preview"), rgb.shape[0], float(np.abs(difference).mean()) / 255, psnr
        )

    def _latent(self, found: Found) -> Latent:
        tuning = tuning_tensors(found.tuning) if found.tuning else {}
        return Latent(
            ws=found.ws[0].cpu().numpy(),
            noise=tuple(m[0, 0].cpu().numpy() for m in found.noise),
            generator=self._sha256,
            tuning={name: values.numpy() for name, values in tuning.items()},
        )

    def _event(
        self,
        distance: float,
        picture: ProjectionPicture | None,
        *,
        moment: ProjectionPicture | None = None,
        state: bytes | None = None,
        latent: bytes | None = None,
        identity: float | None = None,
    ) -> ProjectionEvent:
        step = self._last
        return ProjectionEvent(
            step=self._index,
            total=self.total,
            rung=step.rung if step else None,
            loss=step.loss if step else None,
            distance=distance,
            began_at=self._began_at,
            generator=self._sha256,
            terms=step.terms if step else {},
            picture=picture,
            moment=moment,
            state=state,
            latent=latent,
            identity=identity,
        )


def moments_of(total: int) -> frozenset[int]:
    """The steps whose pictures tell how a search went: close to each other where it moves most, at first."""
    if total == 0:
        return frozenset()
    return frozenset(1 + round((total - 1) * (k / (MOMENTS - 1)) ** 2) for k in range(MOMENTS))


def _measured(rgb: RGB, measures: ProjectionMeasures) -> ProjectionPicture:
    return ProjectionPicture(encode_jpeg(rgb, "preview"), rgb.shape[0], measures.l1, measures.psnr)


def _found_of(latent: Latent, bundle: Bundle) -> Found:
    """Where another projection begins. Raises Problem latent_of_other_model."""
    generator = bundle.generator
    if latent.generator != bundle.manifest.generator.sha256:
        raise Problem(
            "latent_of_other_model",
            "The result is from another model, or from another version of this one.",
            "Start a new search of the photo.",
        )
    factors = {name: torch.from_numpy(values.copy()) for name, values in latent.tuning.items()}
    found = Found(
        torch.from_numpy(latent.ws.copy())[None],
        [torch.from_numpy(m.copy())[None, None] for m in latent.noise],
        tuning_of(factors) if factors else None,
    )
    return found.on(generator.w_avg.device)

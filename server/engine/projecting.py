"""A projection as the engine runs it: one step at a time on the compute thread, pictures now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from models.bundle import Bundle
from models.projection.perceptual import PerceptualDistance
from models.projection.projector import (
    ProjectionSettings,
    ProjectionStep,
    WStatistics,
    prepare_target,
    project,
    w_statistics,
)
from server.engine.frames import encode_jpeg
from server.engine.interface import ProjectionEvent, ProjectionSpec
from server.engine.latents import Latent, latent_file
from server.engine.worker import as_rgb

PICTURE_INTERVAL_S = 0.8


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
        self._steps: Iterator[ProjectionStep] | None = None
        self._last: ProjectionStep | None = None
        self._next_picture = 0.0

    def begin(self) -> None:
        """The part before the first step."""
        settings = ProjectionSettings(steps=self._spec.steps)
        statistics = self._statistics.of(self._bundle, settings.w_avg_samples)
        target = prepare_target(self._spec.picture, self._bundle.generator.img_resolution)
        self._steps = project(self._bundle.generator, target, settings, self._perceptual, statistics)

    def step(self) -> ProjectionEvent:
        """One step; a picture with it where the last one is old enough, or the run is complete."""
        assert self._steps is not None
        self._last = next(self._steps)
        if self._last.index < self._last.total and time.monotonic() < self._next_picture:
            return self._event(self._last)
        return self.last_event()

    @torch.no_grad()
    def last_event(self) -> ProjectionEvent:
        """The last step's event again, with its latent and its picture."""
        step = self._last
        assert step is not None
        img = self._bundle.generator.synthesis(step.ws, noise=step.noise or None)
        rgb = as_rgb(img)
        latent = Latent(
            ws=step.ws[0].cpu().numpy(),
            noise=tuple(m[0, 0].cpu().numpy() for m in step.noise),
            generator=self._bundle.manifest.generator.sha256,
        )
        self._next_picture = time.monotonic() + PICTURE_INTERVAL_S
        return self._event(step, latent_file(latent), encode_jpeg(rgb, "preview"), rgb.shape[0])

    @staticmethod
    def _event(
        step: ProjectionStep, latent: bytes | None = None, preview: bytes | None = None, side: int = 0
    ) -> ProjectionEvent:
        return ProjectionEvent(
            step.index, step.total, step.loss, step.distance, latent, preview, width=side, height=side
        )

"""How fast a projection comes to a distance, beside the published procedure written plainly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.published_projector import plain_project
from benchmarks.terminal import say
from models.projection.ladder import fast_w
from models.projection.perceptual import PerceptualDistance, efficientnet_distance
from models.projection.projector import Found, ProjectionSettings, project, w_statistics
from models.projection.steps import rendered
from models.projection.target import compared
from models.stylegan2.generator import Generator, GeneratorConfig, to_uint8

CURVE_POINTS = 50
TARGET_SEED = 101


@dataclass(frozen=True)
class Point:
    """A place on the way: steps made, seconds they took, distance there."""

    step: int
    seconds: float
    distance: float


def speed(generator: Generator, targets: int, steps: int, fast_steps: int) -> list[dict[str, object]]:
    """For each target the three ways to project it, with the time until the plain one's final distance."""
    perceptual = efficientnet_distance(torch.device("cpu"), "")
    statistics = w_statistics(generator)
    published, fast = ProjectionSettings(steps=steps), fast_w(fast_steps)
    rows: list[dict[str, object]] = []
    for seed in range(TARGET_SEED, TARGET_SEED + targets):
        target = sample_target(generator, seed)

        def measured(found: Found, target: Tensor = target) -> float:
            return exact_distance(generator, found, target, perceptual)

        def ours(settings: ProjectionSettings, target: Tensor = target) -> Iterator[tuple[int, Found]]:
            for step in project(generator, target, settings, perceptual, statistics):
                yield step.index, step.found

        plain = (
            (step.index, Found(step.w.repeat(1, generator.num_ws, 1), step.noise))
            for step in plain_project(generator, target, published, perceptual, statistics)
        )
        curves = {
            "plain": curve(plain, steps, measured),
            "published": curve(ours(published), steps, measured),
            "fast": curve(ours(fast), fast_steps, measured),
        }
        goal = curves["plain"][-1].distance
        for name, points in curves.items():
            reached = next((point for point in points if point.distance <= goal), None)
            rows.append(
                {
                    "target": seed,
                    "way": name,
                    "goal": goal,
                    "final": points[-1].distance,
                    "ms_per_step": 1000 * points[-1].seconds / points[-1].step,
                    "steps_to_goal": reached.step if reached else None,
                    "seconds_to_goal": reached.seconds if reached else None,
                    "curve": [asdict(point) for point in points],
                }
            )
            say(f"{name:10} target {seed}: {points[-1].seconds:.1f} s to {points[-1].distance:.4f}")
    return rows


def curve(steps: Iterator[tuple[int, Found]], total: int, measured: Callable[[Found], float]) -> list[Point]:
    """Distances on the way; what measuring them costs is not counted."""
    points: list[Point] = []
    seconds = 0.0
    every = max(1, total // CURVE_POINTS)
    while True:
        started = time.perf_counter()
        step = next(steps, None)
        seconds += time.perf_counter() - started
        if step is None:
            return points
        index, found = step
        if index % every == 0 or index == total:
            points.append(Point(index, seconds, measured(found)))


@torch.no_grad()
def exact_distance(
    generator: Generator, found: Found, target: Tensor, perceptual: PerceptualDistance
) -> float:
    """Distance of the picture that is rendered, without noise on w."""
    picture = (rendered(generator, found) + 1) * 127.5
    return float(perceptual.between(compared(picture), compared(target[None])))


@torch.no_grad()
def sample_target(generator: Generator, seed: int) -> Tensor:
    """A picture of the generator itself, in whole levels: [3, R, R] of 0..255."""
    z = torch.from_numpy(np.random.RandomState(seed).randn(1, generator.z_dim)).float()
    return to_uint8(generator(z))[0].permute(2, 0, 1).float()


def untrained_config_f(resolution: int) -> Generator:
    """A generator of configuration F with random weights: its cost, without its pictures."""
    torch.manual_seed(0)
    config = GeneratorConfig(z_dim=512, w_dim=512, img_resolution=resolution)
    return Generator(config).eval().requires_grad_(False)

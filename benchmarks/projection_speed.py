"""How fast a projection comes to a distance, beside the published procedure written plainly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from benchmarks.published_projector import plain_project
from benchmarks.terminal import say
from models.projection.encoder import Encoder, first_guess
from models.projection.ladder import fast_w
from models.projection.perceptual import PerceptualDistance, efficientnet_distance
from models.projection.projector import (
    Found,
    ProjectionSettings,
    ProjectionStep,
    WStatistics,
    project,
    w_statistics,
)
from models.projection.steps import rendered
from models.projection.target import compared
from models.stylegan2.generator import Generator

CURVE_POINTS = 50
WAYS = ("published", "fast", "lower")


@dataclass(frozen=True)
class Point:
    """A place on the way: steps made, seconds they took, distance there."""

    step: int
    seconds: float
    distance: float


@dataclass(frozen=True)
class Run:
    """One way to project one target. goal: the distance that the plain run ended at; to_goal: the first
    point that is as close, None where there is none; plain_there: the first point of the plain run that is as
    close as this way ends, None where there is none.
    """

    target: str
    way: str
    goal: float
    to_goal: Point | None
    plain_there: Point | None
    curve: list[Point]


def speed(
    generator: Generator,
    targets: Mapping[str, Tensor],
    encoder: Encoder | None,
    ways: Sequence[str],
    steps: int,
    fast_steps: int,
    low_level: int | None,
) -> list[Run]:
    """Every target projected plainly, then in each of these ways: "published" is the same procedure as
    models.projection does it, "fast" its fast schedule, "lower" the fast schedule whose first half runs on
    the level low_level of the generator.
    """
    perceptual = efficientnet_distance(torch.device("cpu"), "")
    statistics = w_statistics(generator)
    published, fast = ProjectionSettings(steps=steps), fast_w(fast_steps)
    settings = {"published": published, "fast": fast, "lower": replace(fast, low_resolution=low_level)}
    runs = []
    for name, target in targets.items():
        measured = partial(exact_distance, generator, target=target, perceptual=perceptual)
        guess = first_guess(generator, target, encoder)
        ours = partial(project, generator, target, perceptual=perceptual, statistics=statistics)
        plain = curve(_plain(generator, target, published, perceptual, statistics), steps, measured)
        runs.append(_run(name, "plain", plain, plain))
        for way in ways:
            start = None if way == "published" else guess
            found = _found(ours(settings=settings[way], start=start))
            runs.append(_run(name, way, curve(found, settings[way].steps, measured), plain))
    return runs


def _run(target: str, way: str, points: list[Point], plain: list[Point]) -> Run:
    end, goal = points[-1], plain[-1].distance
    reached, plain_there = _first_within(points, goal), _first_within(plain, end.distance)
    say(f"{target} {way:9} {end.seconds:.1f} s to {end.distance:.4f}; plain there: {_when(plain_there)}")
    say(f"{'':{len(target)}} {'':9} at {goal:.4f}, where plain ends: {_when(reached)}")
    return Run(target, way, goal, reached, plain_there, points)


def _first_within(points: list[Point], distance: float) -> Point | None:
    return next((point for point in points if point.distance <= distance), None)


def _when(point: Point | None) -> str:
    return f"{point.seconds:.1f} s, step {point.step}" if point else "never"


def _plain(
    generator: Generator,
    target: Tensor,
    settings: ProjectionSettings,
    perceptual: PerceptualDistance,
    statistics: WStatistics,
) -> Iterator[tuple[int, Found]]:
    for step in plain_project(generator, target, settings, perceptual, statistics):
        yield step.index, Found(step.w.repeat(1, generator.num_ws, 1), step.noise)


def _found(steps: Iterable[ProjectionStep]) -> Iterator[tuple[int, Found]]:
    for step in steps:
        yield step.index, step.found


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

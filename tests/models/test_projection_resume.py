"""A projection that was interrupted goes on to the very numbers of one that was not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import PerceptualDistance
from models.projection.projector import (
    Found,
    Projection,
    ProjectionError,
    ProjectionSettings,
    ProjectionStep,
    ProjectorState,
    TuningSettings,
    WPlusSettings,
    project,
)
from models.projection.tuning import tuning_tensors
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import CheckpointError

CONFIG = GeneratorConfig(
    z_dim=16, w_dim=16, img_resolution=32, mapping_layers=2, channel_base=512, channel_max=16
)
PLAN = (
    ProjectionSettings(steps=6, w_avg_samples=50),
    WPlusSettings(steps=5, w_avg_samples=50),
    TuningSettings(steps=5, rank=2, locality_interval=2, w_avg_samples=50),
)


def coarse_features(img: Tensor) -> Tensor:
    return F.avg_pool2d(img, 4).flatten(1) / 128


COARSE = PerceptualDistance("coarse", False, "Averages of 4x4 pixels.", coarse_features)


def untrained(config: GeneratorConfig) -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return Generator(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return untrained(CONFIG)


@pytest.fixture(scope="module")
def target() -> Tensor:
    return torch.tensor(np.random.RandomState(3).rand(3, 32, 32), dtype=torch.float32) * 255


@pytest.fixture(scope="module")
def unbroken(generator: Generator, target: Tensor) -> tuple[list[ProjectionStep], Projection]:
    projection = project(generator, target, PLAN, COARSE)
    return list(projection), projection


def numbers(found: Found) -> list[Tensor]:
    changes = tuning_tensors(found.tuning) if found.tuning else {}
    return [found.ws, *found.noise, *(changes[name] for name in sorted(changes))]


def same(a: Found, b: Found) -> bool:
    left, right = numbers(a), numbers(b)
    return len(left) == len(right) and all(torch.equal(x, y) for x, y in zip(left, right, strict=True))


def state_after(generator: Generator, target: Tensor, steps: int) -> bytes:
    projection = project(generator, target, PLAN, COARSE)
    for _ in range(steps):
        next(projection)
    return projection.state().to_bytes()


@pytest.mark.parametrize("steps", [0, 1, 3, 6, 7, 9, 11, 12, 14, 16])
def test_from_every_rung_and_from_between_them_the_rest_is_bit_for_bit_the_same(
    generator: Generator, target: Tensor, unbroken: tuple[list[ProjectionStep], Projection], steps: int
) -> None:
    expected, whole = unbroken
    state = ProjectorState.from_bytes(state_after(generator, target, steps))
    projection = Projection.resumed(generator, target, COARSE, state)
    rest = list(projection)
    assert [step.index for step in rest] == list(range(steps + 1, 17))
    for step, reference in zip(rest, expected[steps:], strict=True):
        assert (step.loss, step.distance, step.terms) == (
            reference.loss,
            reference.distance,
            reference.terms,
        )
        assert same(step.found, reference.found)
    assert projection.best is not None
    assert whole.best is not None
    assert projection.best.distance == whole.best.distance
    assert same(projection.best.found, whole.best.found)


def test_taking_the_state_changes_nothing(
    generator: Generator, target: Tensor, unbroken: tuple[list[ProjectionStep], Projection]
) -> None:
    projection = project(generator, target, PLAN, COARSE)
    steps = []
    for step in projection:
        projection.state().to_bytes()
        steps.append(step)
    assert all(same(a.found, b.found) for a, b in zip(steps, unbroken[0], strict=True))


def test_a_state_stays_as_it_was_taken(generator: Generator, target: Tensor) -> None:
    projection = project(generator, target, PLAN, COARSE)
    next(projection)
    state = projection.state()
    data = state.to_bytes()
    list(projection)
    assert contents(state.to_bytes()) == contents(data)


def test_a_file_of_a_state_is_read_and_written_without_loss(generator: Generator, target: Tensor) -> None:
    data = state_after(generator, target, 13)
    assert contents(ProjectorState.from_bytes(data).to_bytes()) == contents(data)


def test_another_picture_another_distance_or_another_generator_is_refused(
    generator: Generator, target: Tensor
) -> None:
    state = ProjectorState.from_bytes(state_after(generator, target, 2))
    with pytest.raises(ProjectionError, match="another picture"):
        Projection.resumed(generator, target + 1, COARSE, state)
    with pytest.raises(ProjectionError, match="another distance"):
        Projection.resumed(generator, target, replace(COARSE, name="other"), state)
    with pytest.raises(CheckpointError, match="another generator"):
        Projection.resumed(untrained(replace(CONFIG, w_dim=8)), target, COARSE, state)
    tuned = ProjectorState.from_bytes(state_after(generator, target, 13))
    with pytest.raises(CheckpointError):
        Projection.resumed(untrained(replace(CONFIG, channel_max=8)), target, COARSE, tuned)


def contents(data: bytes) -> tuple[dict[str, str], dict[str, list[float]]]:
    """Metadata and numbers of a file: the order in which it holds them is not fixed."""
    length = int.from_bytes(data[:8], "little")
    tensors = safetensors.torch.load(data)
    metadata: dict[str, str] = json.loads(data[8 : 8 + length])["__metadata__"]
    return metadata, {name: value.flatten().tolist() for name, value in tensors.items()}


def edited(data: bytes, **changes: object) -> bytes:
    """The file with other entries in its config."""
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    metadata["config"] = json.dumps(json.loads(metadata["config"]) | changes)
    return safetensors.torch.save(safetensors.torch.load(data), metadata)


@pytest.mark.parametrize(
    "changes",
    [
        {"rung": 5},
        {"rung": "0"},
        {"index": 12},
        {"index": True},
        {"plan": []},
        {"plan": [{"rung": "x"}]},
        {"plan": [{"rung": "w", "steps": "many"}]},
        {"plan": [{"rung": "w", "steps": 10**9}]},
        {"plan": [{"rung": "w", "unknown": 1}]},
        {"plan": [{"rung": "w", "seed": None}]},
        {"w_std": "wide"},
    ],
)
def test_a_config_that_was_tampered_with_is_refused(
    generator: Generator, target: Tensor, changes: dict[str, object]
) -> None:
    data = state_after(generator, target, 2)
    with pytest.raises(CheckpointError, match="damaged"):
        ProjectorState.from_bytes(edited(data, **changes))


@pytest.mark.parametrize(
    "missing", ["descent.w", "descent.adam.w.exp_avg", "descent.noise.3", "random", "w_avg"]
)
def test_a_state_without_one_of_its_tensors_is_refused(
    generator: Generator, target: Tensor, missing: str
) -> None:
    data = state_after(generator, target, 2)
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    tensors = safetensors.torch.load(data)
    del tensors[missing]
    with pytest.raises(CheckpointError, match="damaged"):
        state = ProjectorState.from_bytes(safetensors.torch.save(tensors, metadata))
        Projection.resumed(generator, target, COARSE, state)


def test_a_random_stream_that_is_none_is_refused(generator: Generator, target: Tensor) -> None:
    state = ProjectorState.from_bytes(state_after(generator, target, 2))
    with pytest.raises(CheckpointError, match="random stream"):
        Projection.resumed(generator, target, COARSE, replace(state, random=torch.zeros_like(state.random)))


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_half_a_file_is_refused(generator: Generator, target: Tensor, cut: int) -> None:
    with pytest.raises(CheckpointError):
        ProjectorState.from_bytes(state_after(generator, target, 2)[:cut])

"""The whole way in small: faces are rendered, a 32x32 generator learns them, is interrupted and resumed, and
comes closer to the renders of faces that it has never seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.faces.render import render_faces
from models.projection.perceptual import PerceptualDistance, efficientnet_levels, load_perceptual
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.training.generator import GENERATOR_FILE, STATE_FILE, Material, train_generator
from models.training.generator_state import load_state, new_state
from models.training.pairs import picture_tensor
from models.training.phases import MappingLesson
from models.training.recipes import generator_config, pairs_recipe
from models.training.teacher import face_teacher
from models.training.watch import Watch

SEEN, UNSEEN = 192, 96


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def perceptual() -> PerceptualDistance:
    return load_perceptual("efficientnet-lite0")


@pytest.fixture(scope="module")
def material() -> Material:
    z = np.random.RandomState(0).randn(SEEN + UNSEEN, 512).astype(np.float32)
    pictures = render_faces(z, 64)
    levels = efficientnet_levels("cpu")
    return Material(pictures[:SEEN], z[:SEEN], pictures[SEEN:], z[SEEN:], face_teacher(), levels)


def test_an_interrupted_and_resumed_run_comes_closer_to_the_renders_of_unseen_faces(
    tmp_path: Path, material: Material, perceptual: PerceptualDistance
) -> None:
    plan = pairs_recipe(
        generator_config(32, channel_base=512, channel_max=48), 1280, batch=8, lesson_steps=120
    )
    phases = [replace(p, batch=64) if isinstance(p, MappingLesson) else p for p in plan.phases]
    plan = replace(plan, phases=tuple(phases))
    assert material.held_out is not None and material.held_out_z is not None
    real, z = picture_tensor(material.held_out[:], 32), material.held_out_z

    def distance(generator: Generator) -> float:
        """Mean perceptual distance of the generator's pictures from the renders of the same faces."""
        with torch.no_grad():
            fake = generator.synthesis(generator.mapping(torch.from_numpy(z))).clamp(-1, 1)
        return float(perceptual.between((fake + 1) * 127.5, (real + 1) * 127.5).mean())

    state = new_state(plan)
    untrained = distance(state.average)
    steps, (lesson, first, *_) = iter(range(10_000)), plan.phases
    stop_at = lesson.steps + first.steps // 2
    assert not train_generator(state, material, tmp_path, Watch(should_stop=lambda: next(steps) == stop_at))
    interrupted = distance(state.average)

    resumed = load_state(tmp_path / STATE_FILE, plan)
    assert (resumed.phase, resumed.step) == (1, first.steps // 2)
    assert train_generator(resumed, material, tmp_path, Watch())
    trained = load_generator(tmp_path / GENERATOR_FILE)
    finished = distance(trained)
    assert interrupted < 0.97 * untrained, (untrained, interrupted, finished)
    assert finished < 0.9 * interrupted, (untrained, interrupted, finished)

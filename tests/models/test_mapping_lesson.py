"""The lesson of the mapping network: units spread over thresholds, regression, and its endless faces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.faces.features import LatentTarget, named_features
from models.faces.mapping.layers import DEPTH, LEAST_WIDTH, mapping_layers
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.training.mapping import (
    W_OFFSET,
    LessonFaces,
    lesson_score,
    lesson_step,
    put_together,
    shift_w,
)
from models.training.optimizers import generator_optimizer
from models.training.phases import MappingLesson
from models.training.teacher import Floats

CONFIG = GeneratorConfig(16, 16, 16, mapping_layers=2, channel_base=128, channel_max=16)


def mixed(z: Floats) -> Floats:
    mix = np.random.RandomState(1).randn(16, 16) / 4
    return (z @ mix).astype(np.float32)


def test_the_mapping_learns_w_by_regression() -> None:
    torch.manual_seed(0)
    generator, lesson = Generator(CONFIG), MappingLesson("lesson", 1000, batch=64, learning_rate=0.02)
    optimizer, faces = generator_optimizer(generator, lesson), LessonFaces(mixed, 16, lesson, 0)
    for step in range(lesson.steps):
        lesson_step(generator.mapping, optimizer, lesson, step, *faces(step))
    assert float(lesson_score(generator.mapping, mixed, 0).mean()) > 0.8


def test_the_faces_of_a_step_are_the_same_after_a_resume_and_change_in_the_long_run() -> None:
    lesson = MappingLesson("lesson", 1000, batch=8)
    faces, resumed = LessonFaces(mixed, 16, lesson, 0), LessonFaces(mixed, 16, lesson, 0)
    early = {tuple(row) for step in range(250) for row in faces(step)[0].tolist()}
    z, w = faces(300)
    np.testing.assert_array_equal(resumed(300)[0], z)
    np.testing.assert_array_equal(w, mixed(z.numpy()))
    late = [tuple(row) for step in range(600, 700) for row in faces(step)[0].tolist()]
    assert not early & set(late)
    assert len(early) <= 2 * 32 * 8 < 250 * 8  # a face is shown several times, so it pays to compute it


def test_shifting_w_changes_nothing_in_the_picture() -> None:
    torch.manual_seed(0)
    synthesis = Generator(CONFIG).synthesis
    ws = torch.randn(2, synthesis.num_ws, 16)
    before = synthesis(ws)
    shift_w(synthesis, 2.0)
    torch.testing.assert_close(synthesis(ws + 2.0), before, atol=1e-4, rtol=1e-4)


def test_a_mapping_put_together_acts_as_its_layers_say() -> None:
    random = np.random.RandomState(3)
    mapping = Generator(CONFIG).mapping
    weights = [random.randn(16, 16).astype(np.float32) for _ in range(2)]
    biases = [random.randn(16).astype(np.float32) for _ in range(2)]
    put_together(mapping, list(zip(weights, biases, strict=True)))
    z = random.randn(5, 16).astype(np.float32)
    x = z / np.sqrt((z**2).mean(axis=1, keepdims=True))
    for weight, bias in zip(weights, biases, strict=True):
        x = x @ weight.T + bias
        x = np.where(x > 0, x, 0.2 * x) * np.sqrt(2)
    np.testing.assert_allclose(mapping(torch.from_numpy(z))[:, 0].detach(), x, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r"must have the layers 16 -> 16$"):
        put_together(mapping, [(weights[0], biases[0])])


def test_a_mapping_of_faces_knows_every_factor_before_it_learns_anything() -> None:
    target = LatentTarget()
    config = GeneratorConfig(
        512, 512, 16, mapping_layers=DEPTH, mapping_features=LEAST_WIDTH, channel_base=128
    )
    mapping = Generator(config).mapping
    put_together(mapping, mapping_layers(target, W_OFFSET, samples=6_000))
    z = np.random.RandomState(99).randn(2048, 512).astype(np.float32)
    with torch.no_grad():
        w = mapping(torch.from_numpy(z))[:, 0].numpy() - W_OFFSET
    truth = target.directions(z)
    r2 = 1 - ((w @ target.rotation.T - truth) ** 2).mean(axis=0) / truth.var(axis=0)
    names = np.array([name for name, block in named_features(z[:2]) for _ in range(block.shape[1])])
    known = {name: float(r2[: len(names)][names == name].mean()) for name in dict.fromkeys(names)}
    assert (
        min(known[name] for name in ("shape", "yaw", "light", "age", "gender", "melanin", "glasses")) > 0.95
    )
    assert min(known[name] for name in ("hair_style", "glasses_style", "baldness", "beard", "makeup")) > 0.85
    assert min(known.values()) > 0.45, known


def test_a_mapping_too_narrow_for_all_factors_is_refused() -> None:
    with pytest.raises(ValueError, match="needs hidden layers of 1024 units, not 512"):
        mapping_layers(LatentTarget(), W_OFFSET, width=512)

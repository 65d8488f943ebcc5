"""The lesson of the mapping network: units spread over thresholds, regression, and its endless faces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.faces.features import coordinate_kinds
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.training.mapping import LessonFaces, lesson_score, lesson_step, shift_w, spread_thresholds
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


def test_spread_units_each_see_one_coordinate_and_bend_at_their_threshold() -> None:
    config = GeneratorConfig(16, 16, 16, mapping_layers=2, mapping_features=32, channel_base=128)
    mapping = Generator(config).mapping
    spread_thresholds(mapping, plain=range(1, 16), bent=[0])
    first = mapping.get_submodule("fc0")

    def slope(coordinate: int, at: float) -> torch.Tensor:
        z = torch.zeros(2, 16)
        z[:, coordinate] = torch.tensor([at - 0.01, at + 0.01])
        low, high = first(z)
        return ((high - low) / 0.02)[:22]  # type: ignore[no-any-return]

    gain = 2**0.5
    torch.testing.assert_close(slope(3, 0.2), gain * torch.eye(22)[2], atol=1e-2, rtol=0)
    bent = slope(0, 0.7)[15:]  # thresholds -1.6 .. 0.5 are passed, 1.0 and 1.6 are not
    torch.testing.assert_close(bent, gain * torch.tensor([1.0] * 5 + [0.2] * 2), atol=1e-2, rtol=0)
    with pytest.raises(ValueError, match="needs"):
        spread_thresholds(mapping, plain=[], bent=range(16))


def test_the_demo_models_mapping_is_wide_enough_for_all_factors_of_a_face() -> None:
    config = GeneratorConfig(512, 512, 16, mapping_layers=2, mapping_features=1024, channel_base=128)
    spread_thresholds(Generator(config).mapping, *coordinate_kinds())

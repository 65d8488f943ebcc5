"""The rungs above W: one w a layer with a pull, and the generator tuned to one picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import PerceptualDistance
from models.projection.projector import (
    Found,
    ProjectionSettings,
    ProjectionStep,
    TuningSettings,
    WPlusSettings,
    WStatistics,
    project,
    w_statistics,
)
from models.projection.steps import rendered
from models.projection.tuning import LowRank, Tuning, apply_tuning, read_tuning, tuning_file
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import CheckpointError

CONFIG = GeneratorConfig(
    z_dim=16, w_dim=16, img_resolution=32, mapping_layers=2, channel_base=512, channel_max=16
)
W = ProjectionSettings(steps=25, w_avg_samples=50)
W_PLUS = WPlusSettings(steps=25, w_avg_samples=50)
TUNING = TuningSettings(steps=25, rank=4, w_avg_samples=50)


def coarse_features(img: Tensor) -> Tensor:
    return F.avg_pool2d(img, 4).flatten(1) / 1280  # about as large as a perceptual distance


COARSE = PerceptualDistance("coarse", False, "Averages of 4x4 pixels.", coarse_features)


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        generator = Generator(CONFIG)
    for name, value in generator.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(value, 0.1)
    return generator.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def target() -> Tensor:
    """A picture that the generator cannot draw: smooth noise."""
    small = torch.tensor(np.random.RandomState(3).rand(1, 3, 6, 6), dtype=torch.float32)
    return F.interpolate(small, size=(32, 32), mode="bicubic")[0].clamp(0, 1) * 255


@pytest.fixture(scope="module")
def statistics(generator: Generator) -> WStatistics:
    return w_statistics(generator, 50)


@pytest.fixture(scope="module")
def in_w(generator: Generator, target: Tensor) -> ProjectionStep:
    return list(project(generator, target, W, COARSE))[-1]


def distance(generator: Generator, found: Found, target: Tensor) -> float:
    picture = (rendered(generator, found) + 1) * 127.5
    return COARSE.between(picture, target[None]).item()


def spread(ws: Tensor) -> float:
    return float((ws - ws.mean(dim=1, keepdim=True)).norm())


def test_w_plus_goes_on_from_w_and_comes_closer(
    generator: Generator, target: Tensor, in_w: ProjectionStep
) -> None:
    steps = list(project(generator, target, replace(W_PLUS, faithfulness=1.0), COARSE, start=in_w.found))
    assert steps[0].distance == pytest.approx(distance(generator, in_w.found, target), rel=1e-4)
    assert distance(generator, steps[-1].found, target) < 0.9 * steps[0].distance
    assert spread(steps[-1].ws) > 0
    assert set(steps[-1].terms) == {"distance", "pixel", "noise", "delta"}
    assert sum(steps[-1].terms.values()) == pytest.approx(steps[-1].loss, rel=1e-6)


def test_the_more_faithful_the_further_the_layers_go_apart_and_the_closer_the_picture(
    generator: Generator, target: Tensor, in_w: ProjectionStep
) -> None:
    results = [
        list(project(generator, target, replace(W_PLUS, faithfulness=f), COARSE, start=in_w.found))[-1]
        for f in (0.0, 1.0)
    ]
    spreads = [spread(step.ws) for step in results]
    distances = [distance(generator, step.found, target) for step in results]
    assert spreads[1] > 2 * spreads[0] > 0
    assert distances[1] < 0.9 * distances[0]


def test_w_plus_can_begin_at_the_mean_face(
    generator: Generator, target: Tensor, statistics: WStatistics
) -> None:
    first = next(project(generator, target, W_PLUS, COARSE, statistics))
    assert torch.allclose(first.ws, statistics.w_avg.expand_as(first.ws), atol=1e-5)
    assert len(first.noise) == 7


def test_tuning_comes_closer_than_the_pivot_and_leaves_ws_noise_and_generator_alone(
    generator: Generator, target: Tensor, in_w: ProjectionStep
) -> None:
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    last = list(project(generator, target, TUNING, COARSE, start=in_w.found))[-1]
    assert distance(generator, last.found, target) < 0.5 * distance(generator, in_w.found, target)
    assert torch.equal(last.ws, in_w.ws)
    assert all(torch.equal(a, b) for a, b in zip(last.noise, in_w.noise, strict=True))
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_the_tuned_generator_draws_what_the_tuning_was_compared_with(
    generator: Generator, target: Tensor, in_w: ProjectionStep
) -> None:
    """With the inference path of synthesis, equality is up to rounding."""
    projection = project(generator, target, TUNING, COARSE, start=in_w.found)
    list(projection)
    best = projection.best
    assert best is not None
    assert distance(generator, best.found, target) == pytest.approx(best.distance, rel=1e-4)


def test_locality_keeps_other_pictures_as_they_are(
    generator: Generator, target: Tensor, in_w: ProjectionStep
) -> None:
    def change_elsewhere(weight: float) -> float:
        settings = replace(TUNING, locality_weight=weight, locality_interval=1)
        last = list(project(generator, target, settings, COARSE, start=in_w.found))[-1]
        assert last.tuning is not None
        tuned = apply_tuning(generator, last.tuning)
        ws = generator.mapping(torch.tensor(np.random.RandomState(5).randn(8, 16)))
        return float((generator.synthesis(ws) - tuned.synthesis(ws)).square().mean())

    assert change_elsewhere(30.0) < 0.7 * change_elsewhere(0.0)


def test_terms_of_the_tuning_name_the_locality_where_it_counts(
    generator: Generator, target: Tensor, in_w: ProjectionStep
) -> None:
    steps = list(
        project(generator, target, replace(TUNING, steps=4, locality_interval=2), COARSE, start=in_w.found)
    )
    with_locality, without = {"distance", "pixel", "locality"}, {"distance", "pixel"}
    assert [set(step.terms) for step in steps] == [with_locality, without, with_locality, without]


def test_several_rungs_follow_each_other_each_from_where_the_one_before_ended(
    generator: Generator, target: Tensor
) -> None:
    steps = list(project(generator, target, (W, W_PLUS, TUNING), COARSE))
    assert [step.index for step in steps] == list(range(1, 76))
    assert {step.total for step in steps} == {75}
    assert [step.rung for step in steps] == ["w"] * 25 + ["w+"] * 25 + ["pti"] * 25
    ends = [distance(generator, steps[i].found, target) for i in (24, 49, 74)]
    assert ends == sorted(ends, reverse=True)
    assert steps[25].distance == pytest.approx(ends[0], rel=1e-4)
    assert steps[50].distance == pytest.approx(ends[1], rel=1e-4)


def test_a_tuning_that_changes_nothing_gives_the_same_picture(generator: Generator) -> None:
    weight = generator.synthesis.block(8).conv0.weight
    factors = LowRank(torch.zeros(weight.shape[0], 2), torch.ones(2, weight[0].numel()))
    tuned = apply_tuning(generator, Tuning({"b8.conv0.weight": factors}))
    ws = generator.mapping(torch.zeros(1, 16) + 0.5)
    assert torch.equal(tuned.synthesis(ws), generator.synthesis(ws))


def test_a_tuned_generator_shares_every_tensor_that_was_not_changed(generator: Generator) -> None:
    weight = generator.synthesis.block(8).conv0.weight
    factors = LowRank(torch.ones(weight.shape[0], 1), torch.ones(1, weight[0].numel()))
    tuned = apply_tuning(generator, Tuning({"b8.conv0.weight": factors}))
    own, other = generator.state_dict(), tuned.state_dict()
    apart = [name for name in own if own[name].data_ptr() != other[name].data_ptr()]
    assert apart == ["synthesis.b8.conv0.weight"]
    rms = weight.square().mean().sqrt()
    torch.testing.assert_close(other[apart[0]], weight + rms)


def test_a_tuning_survives_its_file_and_says_whose_it_is(
    generator: Generator, target: Tensor, in_w: ProjectionStep
) -> None:
    last = list(project(generator, target, replace(TUNING, steps=3), COARSE, start=in_w.found))[-1]
    assert last.tuning is not None
    data = tuning_file(last.tuning, "a" * 64)
    again = read_tuning(data, "a" * 64)
    assert torch.equal(
        rendered(generator, replace(last.found, tuning=again)), rendered(generator, last.found)
    )
    with pytest.raises(CheckpointError, match="another model"):
        read_tuning(data, "b" * 64)
    with pytest.raises(CheckpointError, match="damaged"):
        read_tuning(data[:-50], "a" * 64)


@pytest.mark.parametrize(
    ("name", "rows", "columns", "words"),
    [
        ("b8.conv0.weight", 3, 144, "another generator"),
        ("b8.conv0.weight", 16, 9, "another generator"),
        ("b64.conv0.weight", 16, 144, "lacks"),
    ],
)
def test_a_tuning_of_other_shapes_is_refused(
    generator: Generator, name: str, rows: int, columns: int, words: str
) -> None:
    factors = LowRank(torch.zeros(rows, 2), torch.zeros(2, columns))
    with pytest.raises(CheckpointError, match=words):
        apply_tuning(generator, Tuning({name: factors}))


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        (W_PLUS, {"faithfulness": 1.1}),
        (W_PLUS, {"faithfulness": float("nan")}),
        (W_PLUS, {"steps": 0}),
        (W_PLUS, {"weakest_pull": 0.0}),
        (TUNING, {"rank": 0}),
        (TUNING, {"locality_interval": 0}),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    settings: WPlusSettings | TuningSettings, change: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="must"):
        replace(settings, **change)

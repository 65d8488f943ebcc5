"""How a projection behaves towards its caller, on a tiny untrained generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import PerceptualDistance, load_perceptual
from models.projection.projector import (
    Found,
    ProjectionDiverged,
    ProjectionError,
    ProjectionSettings,
    ProjectionStep,
    compared,
    noise_regularization,
    prepare_target,
    project,
    w_statistics,
)
from models.projection.steps import rendered
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig

CONFIG = GeneratorConfig(
    z_dim=16, w_dim=16, img_resolution=32, mapping_layers=2, channel_base=512, channel_max=16
)
SETTINGS = ProjectionSettings(steps=6, w_avg_samples=50)


def coarse_features(img: Tensor) -> Tensor:
    return F.avg_pool2d(img, 4).flatten(1) / 128


COARSE = PerceptualDistance("coarse", False, "Averages of 4x4 pixels.", coarse_features)


def untrained(config: GeneratorConfig) -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        generator = Generator(config)
    for name, value in generator.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(value, 0.1)
    return generator.eval().requires_grad_(False)


@pytest.fixture
def generator() -> Generator:
    return untrained(CONFIG)


@pytest.fixture
def target(generator: Generator) -> Tensor:
    z = torch.tensor(np.random.RandomState(1).randn(1, 16))
    picture: Tensor = generator(z, noise_mode="none")
    return (picture[0] + 1) * 127.5


def run(
    generator: Generator, target: Tensor, settings: ProjectionSettings = SETTINGS
) -> list[ProjectionStep]:
    return list(project(generator, target, settings, COARSE))


def test_every_step_reports_where_it_is_and_what_can_be_rendered(
    generator: Generator, target: Tensor
) -> None:
    steps = run(generator, target)
    assert [(step.index, step.total) for step in steps] == [(i, 6) for i in range(1, 7)]
    for step in steps:
        assert step.ws.shape == (1, generator.num_ws, 16)
        assert not step.ws.requires_grad
        picture = generator.synthesis(step.ws, noise=step.noise)
        assert picture.shape == (1, 3, 32, 32)
    for value in steps[-1].noise:
        assert value.mean().item() == pytest.approx(0, abs=1e-5)
        assert value.square().mean().item() == pytest.approx(1, abs=1e-4)


def test_the_first_step_reports_the_mean_face_and_does_not_move_w(
    generator: Generator, target: Tensor
) -> None:
    step = run(generator, target, replace(SETTINGS, initial_noise_factor=0.0))[0]
    w_avg = w_statistics(generator, 50).w_avg
    torch.testing.assert_close(step.ws, w_avg.expand(1, generator.num_ws, 16))
    stream = torch.Generator().manual_seed(SETTINGS.seed)
    noise = [torch.randn(1, 1, r, r, generator=stream) for r in generator.synthesis.noise_resolutions]
    picture = generator.synthesis(step.ws, noise=noise)
    expected = COARSE.between((picture + 1) * 127.5, target[None]).item()
    assert step.distance == pytest.approx(expected, rel=1e-4)
    assert step.loss == pytest.approx(expected + 1e5 * noise_regularization(noise).item(), rel=1e-4)


def test_projection_comes_closer_to_a_picture_of_the_generator(generator: Generator, target: Tensor) -> None:
    steps = run(generator, target, ProjectionSettings(steps=60, w_avg_samples=200))
    assert steps[-1].distance < 0.1 * steps[0].distance


def test_projection_comes_closer_in_the_offline_perceptual_distance(
    generator: Generator, target: Tensor
) -> None:
    perceptual = load_perceptual("efficientnet-lite0")
    settings = ProjectionSettings(steps=30, w_avg_samples=200)
    steps = list(project(generator, target, settings, perceptual))
    assert steps[-1].distance < 0.6 * steps[0].distance


def test_the_generator_is_left_as_it_was_even_where_its_weights_ask_for_gradients(
    generator: Generator, target: Tensor
) -> None:
    generator.requires_grad_(True)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    run(generator, target)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_one_seed_gives_one_result_and_global_random_numbers_are_not_touched(
    generator: Generator, target: Tensor
) -> None:
    torch.manual_seed(1)
    expected = torch.randn(3)
    torch.manual_seed(1)
    first = run(generator, target)
    assert torch.equal(torch.randn(3), expected)
    again, other = run(generator, target), run(generator, target, replace(SETTINGS, seed=1))
    assert torch.equal(first[-1].ws, again[-1].ws)
    assert [step.loss for step in first] == [step.loss for step in again]
    assert not torch.equal(first[-1].ws, other[-1].ws)


def test_steps_already_given_out_do_not_change_any_more(generator: Generator, target: Tensor) -> None:
    stream = project(generator, target, SETTINGS, COARSE)
    step = next(stream)
    ws, noise = step.ws.clone(), [value.clone() for value in step.noise]
    list(stream)
    assert torch.equal(step.ws, ws)
    assert all(torch.equal(a, b) for a, b in zip(step.noise, noise, strict=True))


def test_nothing_is_computed_between_steps(generator: Generator, target: Tensor) -> None:
    seen: list[int] = []

    def counting(img: Tensor) -> Tensor:
        seen.append(1)
        return coarse_features(img)

    stream: Iterator[ProjectionStep] = project(
        generator, target, SETTINGS, replace(COARSE, features=counting)
    )
    assert len(seen) == 0
    next(stream)
    assert len(seen) == 2  # the target once, then once a step
    next(stream)
    assert len(seen) == 3


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_caller_without_gradients_gets_the_same_steps_and_keeps_its_mode(
    generator: Generator, target: Tensor, mode: type[torch.no_grad] | type[torch.inference_mode]
) -> None:
    expected = run(generator, target)
    with mode():
        for step, reference in zip(project(generator, target, SETTINGS, COARSE), expected, strict=True):
            assert not torch.is_grad_enabled()
            assert torch.equal(step.ws, reference.ws)
    assert torch.is_grad_enabled()


def test_statistics_may_be_kept_from_one_projection_to_the_next(generator: Generator, target: Tensor) -> None:
    statistics = w_statistics(generator, SETTINGS.w_avg_samples)
    kept = list(project(generator, target, SETTINGS, COARSE, statistics))
    assert torch.equal(kept[-1].ws, run(generator, target)[-1].ws)


def test_statistics_do_not_depend_on_how_the_samples_are_batched(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = w_statistics(generator, 50)
    monkeypatch.setattr("models.projection.w_statistics.BATCH", 7)
    parts = w_statistics(generator, 50)
    torch.testing.assert_close(parts.w_avg, whole.w_avg)
    assert parts.w_std == pytest.approx(whole.w_std, rel=1e-6)


def test_a_generator_without_noise_inputs_is_projected_by_w_alone(target: Tensor) -> None:
    steps = run(untrained(replace(CONFIG, use_noise=False)), target)
    assert steps[-1].noise == []
    assert steps[-1].loss == steps[-1].distance


def test_large_pictures_are_compared_as_means_of_blocks_and_small_ones_as_they_are() -> None:
    picture = torch.rand(1, 3, 512, 512)
    blocks = picture.reshape(1, 3, 256, 2, 256, 2).mean(dim=(3, 5))
    torch.testing.assert_close(compared(picture), blocks)
    small = torch.rand(1, 3, 128, 128)
    assert compared(small) is small


def test_a_landscape_picture_keeps_its_middle_square() -> None:
    picture = np.zeros((40, 100, 3), dtype=np.uint8)
    picture[:, 30:70] = 200
    assert bool((prepare_target(picture, 32) == 200).all())


@pytest.mark.parametrize("change", [{"c_dim": 3}, {"img_channels": 1}])
def test_conditional_and_grey_generators_are_refused_at_once(change: dict[str, int], target: Tensor) -> None:
    with pytest.raises(ProjectionError, match="without class labels"):
        project(untrained(replace(CONFIG, **change)), target, SETTINGS, COARSE)  # type: ignore[arg-type]


def test_a_target_that_is_no_picture_is_refused_at_once(generator: Generator) -> None:
    with pytest.raises(ProjectionError, match="not finite"):
        project(generator, torch.full((3, 32, 32), float("nan")), SETTINGS, COARSE)


def test_a_target_of_another_size_is_refused_at_once(generator: Generator) -> None:
    with pytest.raises(ProjectionError, match=r"\[3, 32, 32\]"):
        project(generator, torch.zeros(3, 64, 64), SETTINGS, COARSE)


def test_a_projection_that_overflows_says_at_which_step(generator: Generator, target: Tensor) -> None:
    broken = replace(COARSE, features=lambda img: coarse_features(img) * float("inf"))
    with pytest.raises(ProjectionDiverged, match="diverged at step 1") as caught:
        next(project(generator, target, SETTINGS, broken))
    assert caught.value.best is None


def test_a_projection_that_overflows_later_keeps_the_closest_picture(
    generator: Generator, target: Tensor
) -> None:
    calls: list[int] = []

    def failing(img: Tensor) -> Tensor:
        calls.append(1)
        return coarse_features(img) * (1.0 if len(calls) <= 4 else float("nan"))

    seen: list[ProjectionStep] = []
    with pytest.raises(ProjectionDiverged, match="diverged at step 4: its loss is nan") as caught:
        for step in project(generator, target, SETTINGS, replace(COARSE, features=failing)):
            seen.append(step)
    best = caught.value.best
    assert best is not None
    assert best.distance == min(step.distance for step in seen)
    picture = rendered(generator, best.found)
    assert COARSE.between((picture + 1) * 127.5, target[None]).item() == pytest.approx(
        best.distance, rel=1e-4
    )


def test_the_terms_are_the_parts_of_the_loss(generator: Generator, target: Tensor) -> None:
    for step in run(generator, target):
        assert set(step.terms) == {"distance", "noise"}
        assert sum(step.terms.values()) == pytest.approx(step.loss, rel=1e-6)
        assert step.terms["distance"] == step.distance


def test_a_projection_begins_where_it_is_told_to(generator: Generator, target: Tensor) -> None:
    ws = generator.mapping(torch.tensor(np.random.RandomState(1).randn(1, 16)))
    quiet = replace(SETTINGS, initial_noise_factor=0.0)
    near = next(project(generator, target, quiet, COARSE, start=Found(ws)))
    assert torch.allclose(near.ws, ws)
    expected = COARSE.between((generator.synthesis(ws) + 1) * 127.5, target[None]).item()
    assert near.distance == pytest.approx(expected, rel=1e-4)  # with the generator's own noise maps
    assert near.distance < 0.5 * run(generator, target, quiet)[0].distance


def test_the_first_part_may_run_on_a_lower_level_against_the_smaller_target(target: Tensor) -> None:
    large = untrained(replace(CONFIG, img_resolution=64))
    wanted = F.interpolate(target[None], size=64, mode="nearest")[0]
    seen: list[int] = []

    def watching(img: Tensor) -> Tensor:
        seen.append(img.shape[2])
        return coarse_features(img)

    settings = replace(SETTINGS, low_resolution=32, low_resolution_part=0.5)
    projection = project(large, wanted, settings, replace(COARSE, features=watching))
    for _ in range(3):
        next(projection)
    assert seen == [32] * 4
    assert projection.best is None
    list(projection)
    assert seen[4:] == [64] * 4
    assert projection.best is not None


def test_a_level_that_the_generator_does_not_have_is_refused_at_once(
    generator: Generator, target: Tensor
) -> None:
    with pytest.raises(ProjectionError, match="no level of 16x16"):
        project(generator, target, replace(SETTINGS, low_resolution=16), COARSE)


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"w_avg_samples": 0}, {"lr_rampup_length": 0.0}, {"low_resolution_part": 1.0}]
)
def test_settings_that_mean_nothing_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        replace(SETTINGS, **change)

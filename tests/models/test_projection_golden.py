"""Projection against numbers of NVIDIA's stylegan2-ada-pytorch (projector.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import PerceptualDistance
from models.projection.projector import (
    ProjectionSettings,
    noise_regularization,
    normalized_noise,
    prepare_target,
    project,
    w_statistics,
)
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator


def stand_in_features(img: Tensor) -> Tensor:
    """What the golden run used in place of VGG."""
    return F.avg_pool2d(img, 4).flatten(1) / 128


STAND_IN = PerceptualDistance("stand-in", False, "Averages of 4x4 pixels.", stand_in_features)


@pytest.fixture(scope="module")
def golden(fixtures: Path) -> dict[str, Any]:
    return {path.stem: dict(np.load(path)) for path in (fixtures / "projection").glob("*.npz")}


@pytest.fixture(scope="module")
def generator(fixtures: Path) -> Generator:
    return load_generator(fixtures / "nvidia" / "ada_uncond_r32_map8.pkl")


def test_both_schedules_follow_the_published_ones_over_1000_steps(golden: dict[str, Any]) -> None:
    settings, arrays = ProjectionSettings(), golden["schedules_1000"]
    rates = [settings.learning_rate(step) for step in range(1000)]
    scales = [settings.w_noise_scale(step, w_std=1.0) for step in range(1000)]
    np.testing.assert_allclose(rates, arrays["lr"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(scales, arrays["noise_scale_wstd1"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("samples", [500, 10_000])
def test_statistics_of_w_agree(golden: dict[str, Any], generator: Generator, samples: int) -> None:
    statistics = w_statistics(generator, samples)
    np.testing.assert_allclose(statistics.w_avg, golden["w_stats"][f"w_avg_{samples}"], atol=1e-5)
    assert statistics.w_std == pytest.approx(float(golden["w_stats"][f"w_std_{samples}"]), rel=1e-5)


@pytest.mark.parametrize("kind", ["white", "correlated"])
def test_noise_regularisation_and_its_gradient_agree(golden: dict[str, Any], kind: str) -> None:
    arrays = golden["noise_regularization"]
    maps = [torch.tensor(arrays[f"{kind}.noise_{i}"])[None, None].requires_grad_() for i in range(7)]
    value = noise_regularization(maps)
    assert value.item() == pytest.approx(float(arrays[f"{kind}.value_f64"]), rel=1e-5)
    gradients = torch.autograd.grad(value, maps)
    for i in (0, 2):
        np.testing.assert_allclose(gradients[i][0, 0], arrays[f"{kind}.grad_{i}"], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", ["white", "correlated"])
@pytest.mark.parametrize("index", [0, 2])
def test_noise_maps_are_normalised_by_population_statistics(
    golden: dict[str, Any], kind: str, index: int
) -> None:
    arrays = golden["noise_regularization"]
    value = normalized_noise(torch.tensor(arrays[f"{kind}.noise_{index}"]))
    np.testing.assert_allclose(value, arrays[f"{kind}.normalized_{index}"], atol=1e-5)


def test_a_target_is_cropped_and_resized_as_published(golden: dict[str, Any]) -> None:
    arrays = golden["target_preparation"]
    target = prepare_target(arrays["source"], 32)
    assert target.dtype == torch.float32
    difference = target.permute(1, 2, 0).numpy() - arrays["prepared"].astype(np.float32)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(("run", "noise_factor"), [("nonoise", 0.0), ("default", 0.05)])
def test_a_trajectory_reproduces_step_by_step(
    golden: dict[str, Any], generator: Generator, run: str, noise_factor: float
) -> None:
    arrays = golden["trajectory"]
    settings = ProjectionSettings(
        steps=25, seed=int(arrays["torch_seed"]), w_avg_samples=500, initial_noise_factor=noise_factor
    )
    target = torch.tensor(arrays["target_uint8_chw"]).float()
    steps = list(project(generator, target, settings, STAND_IN))

    np.testing.assert_allclose([settings.learning_rate(k) for k in range(25)], arrays[f"{run}.lr"], atol=1e-9)
    np.testing.assert_allclose([step.loss for step in steps], arrays[f"{run}.loss"], rtol=1e-4)
    np.testing.assert_allclose([step.distance for step in steps], arrays[f"{run}.dist"], rtol=1e-4)
    rows = torch.stack([step.ws[0, 0] for step in steps])
    np.testing.assert_allclose(rows, arrays[f"{run}.w_steps"], atol=1e-4)
    assert all(torch.equal(step.ws, step.ws[:, :1].expand_as(step.ws)) for step in steps)
    for i, value in enumerate(steps[-1].noise):
        np.testing.assert_allclose(value[0, 0], arrays[f"{run}.final_noise_{i}"], atol=1e-3)


def test_the_own_random_stream_draws_what_the_global_one_draws_for_that_seed(golden: dict[str, Any]) -> None:
    arrays = golden["trajectory"]
    stream = torch.Generator().manual_seed(int(arrays["torch_seed"]))
    for i, side in enumerate([4, 8, 8, 16, 16, 32, 32]):
        drawn = torch.randn(1, 1, side, side, generator=stream)
        np.testing.assert_array_equal(drawn[0, 0], arrays[f"init_noise_{i}"])
    for draw in arrays["default.w_noise_draws"]:
        np.testing.assert_array_equal(torch.randn(1, 1, 40, generator=stream)[0, 0], draw)

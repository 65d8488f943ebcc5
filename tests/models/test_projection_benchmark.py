"""What projection is measured against is the same procedure: its numbers are the same."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.distribution_plot import distribution_plot
from benchmarks.projection_speed import curve, exact_distance
from benchmarks.published_projector import plain_project, plain_synthesis
from models.projection.perceptual import PerceptualDistance
from models.projection.projector import Found, ProjectionSettings, project, w_statistics
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig

CONFIG = GeneratorConfig(
    z_dim=16, w_dim=16, img_resolution=32, mapping_layers=2, channel_base=512, channel_max=16, conv_clamp=256
)


def coarse_features(img: Tensor) -> Tensor:
    return F.avg_pool2d(img, 4).flatten(1) / 1280


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
    return torch.tensor(np.random.RandomState(3).rand(3, 32, 32), dtype=torch.float32) * 255


def test_the_plain_synthesis_draws_the_same_picture(generator: Generator) -> None:
    ws = generator.mapping(torch.tensor(np.random.RandomState(1).randn(1, 16)))
    random = torch.Generator().manual_seed(1)
    noise = [torch.randn(1, 1, r, r, generator=random) for r in generator.synthesis.noise_resolutions]
    expected = generator.synthesis(ws, noise=noise)
    torch.testing.assert_close(plain_synthesis(generator, ws, noise), expected, atol=1e-4, rtol=1e-4)


def test_the_plain_procedure_takes_the_same_steps(generator: Generator, target: Tensor) -> None:
    settings = ProjectionSettings(steps=20, w_avg_samples=50)
    statistics = w_statistics(generator, 50)
    plain = plain_project(generator, target, settings, COARSE, statistics)
    ours = project(generator, target, settings, COARSE, statistics)
    for a, b in islice(zip(plain, ours, strict=True), 6):
        torch.testing.assert_close(a.w, b.ws[:, :1], atol=1e-3, rtol=1e-3)
        for left, right in zip(a.noise, b.noise, strict=True):
            torch.testing.assert_close(left, right, atol=1e-3, rtol=1e-3)


def test_a_curve_ends_at_the_last_step_and_measures_what_is_rendered(
    generator: Generator, target: Tensor
) -> None:
    ws = generator.mapping(torch.zeros(1, 16))
    expected = COARSE.between((generator.synthesis(ws) + 1) * 127.5, target[None]).item()
    points = curve(
        iter([(i, Found(ws)) for i in range(1, 121)]),
        120,
        lambda f: exact_distance(generator, f, target, COARSE),
    )
    assert [point.step for point in points] == list(range(2, 121, 2))
    assert points[-1].distance == pytest.approx(expected, rel=1e-5)
    assert points[0].seconds <= points[-1].seconds


def test_the_plot_shows_every_value_and_the_medians() -> None:
    svg = distribution_plot({"w": [1.0, 2.0, 4.0], "w+": [0.5, 1.0]}, "distance <offline>")
    assert svg.count("<circle") == 5
    assert ">2.00</text>" in svg
    assert ">0.75</text>" in svg
    assert "distance &lt;offline&gt;" in svg

"""Feature maps: that they are the layers' own, whatever computes pictures otherwise, and how they look."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.stylegan2.feature_maps import feature_maps, map_picture, map_statistics, strength_of_channels
from models.stylegan2.generator import Generator, GeneratorConfig


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = GeneratorConfig(16, 16, 32, mapping_layers=1, channel_base=512, channel_max=16)
        return Generator(config).eval().requires_grad_(False)


def test_a_layers_maps_have_its_size_and_count(generator: Generator) -> None:
    ws = torch.randn(2, generator.num_ws, 16)
    sides = [4, 8, 8, 16, 16, 32, 32]
    for layer, side in enumerate(sides):
        maps = feature_maps(generator.synthesis, ws, layer)
        assert maps.shape == (2, generator.config.channels(side), side, side)


def test_the_maps_of_the_first_layer_are_the_modulated_constant(generator: Generator) -> None:
    ws = torch.randn(1, generator.num_ws, 16)
    block = generator.synthesis.block(4)
    expected = block.conv1(block.const[None], ws[:, 0], "const", None)
    torch.testing.assert_close(feature_maps(generator.synthesis, ws, 0), expected)


def test_given_noise_is_seen_in_them(generator: Generator) -> None:
    ws = torch.randn(1, generator.num_ws, 16)
    strength = generator.synthesis.block(16).conv1.noise_strength
    strength.fill_(0.5)
    noise: list[torch.Tensor | None] = [None] * 7
    noise[4] = torch.randn(1, 1, 16, 16)
    assert not torch.equal(
        feature_maps(generator.synthesis, ws, 4), feature_maps(generator.synthesis, ws, 4, noise)
    )


def test_looking_leaves_pictures_as_they_were(generator: Generator) -> None:
    ws = torch.randn(1, generator.num_ws, 16)
    before = generator.synthesis(ws)
    feature_maps(generator.synthesis, ws, 3)
    assert torch.equal(generator.synthesis(ws), before)
    assert not any(module._forward_hooks for module in generator.synthesis.modules())


def test_a_layer_that_is_not_there_is_refused(generator: Generator) -> None:
    with pytest.raises(ValueError, match=r"0\.\.6, not 7"):
        feature_maps(generator.synthesis, torch.randn(1, generator.num_ws, 16), 7)


def test_zero_is_light_and_the_signs_have_colours() -> None:
    picture = map_picture(torch.tensor([[-1.0, 0.0, 1.0]])).astype(int)
    negative, zero, positive = picture[0]
    assert zero.min() > 230
    assert negative[2] > negative[0] and positive[0] > positive[2]
    assert (map_picture(torch.zeros(2, 2)) == zero).all()


def test_statistics_and_strengths_are_those_of_the_numbers() -> None:
    maps = torch.stack([torch.full((2, 2), 3.0), torch.tensor([[1.0, -1.0], [1.0, -1.0]])])
    assert vars(map_statistics(maps[1])) == {"minimum": -1, "maximum": 1, "mean": 0, "deviation": 1}
    np.testing.assert_allclose(strength_of_channels(maps), [3.0, 1.0])

"""Feature maps: that they are the layers' own, whatever computes pictures otherwise."""

from __future__ import annotations

import pytest
import torch

from models.stylegan2.feature_maps import block_maps, channels_by_strength, feature_maps
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import Architecture, GeneratorConfig


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


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_every_architecture_can_be_looked_into(architecture: Architecture) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = GeneratorConfig(8, 8, 16, channel_base=128, channel_max=8, architecture=architecture)
        network = Generator(config).eval().synthesis
    ws = torch.randn(1, network.num_ws, 8)
    for layer, side in enumerate(network.noise_resolutions):
        assert feature_maps(network, ws, layer).shape[2:] == (side, side)


def test_the_end_of_a_residual_block_has_its_shortcut() -> None:
    config = GeneratorConfig(8, 8, 8, channel_base=64, channel_max=8, architecture="resnet")
    network = Generator(config).eval().synthesis
    ws = torch.randn(1, network.num_ws, 8)
    shortcut = network.block(8).skip
    assert shortcut is not None
    expected = shortcut(block_maps(network, ws, 4)) + feature_maps(network, ws, 2)
    torch.testing.assert_close(block_maps(network, ws, 8), expected)


def test_channels_come_by_their_strength() -> None:
    maps = torch.stack([torch.full((2, 2), value) for value in (0.5, -3.0, 1.0)])
    assert channels_by_strength(maps).tolist() == [1, 2, 0]

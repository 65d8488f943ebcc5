"""Noise maps: what a seed and a strength of each layer stand for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.editing.noise import LayerNoise, drawn_maps, noise_maps
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig

LAYERS = 5
STORED = LayerNoise()


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        config = GeneratorConfig(z_dim=16, w_dim=16, img_resolution=16, channel_base=64, channel_max=8)
        made = Generator(config).eval().requires_grad_(False)
        for name, value in made.synthesis.named_parameters():
            if name.endswith("noise_strength"):
                value.fill_(0.5)
        return made


def own_maps(generator: Generator) -> list[Tensor]:
    return [stored[None, None] for stored in generator.synthesis.noise_maps()]


def tensor(field: Tensor | None) -> Tensor:
    assert field is not None
    return field


def test_stored_noise_at_full_strength_needs_no_maps(generator: Generator) -> None:
    assert noise_maps(generator, [STORED] * LAYERS) is None


def test_stored_noise_is_scaled(generator: Generator) -> None:
    maps = noise_maps(generator, [LayerNoise(strength=0.5)] * LAYERS)
    assert maps is not None
    for scaled, stored in zip(maps, own_maps(generator), strict=True):
        assert scaled is not None and torch.equal(scaled, stored * 0.5)


def test_a_seed_draws_the_same_maps_every_time_and_other_seeds_others(generator: Generator) -> None:
    first, again, other = (drawn_maps(generator, seed) for seed in (3, 3, 4))
    assert [tuple(m.shape) for m in first] == [(1, 1, r, r) for r in generator.synthesis.noise_resolutions]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert first[-1].dtype == torch.float32


def test_a_layer_of_its_own_gets_what_its_seed_gives_that_layer(generator: Generator) -> None:
    of_all, of_one = drawn_maps(generator, 3), drawn_maps(generator, 8)
    maps = noise_maps(generator, [LayerNoise(3), LayerNoise(3), LayerNoise(8, 0.5), STORED, LayerNoise(3)])
    assert maps is not None and maps[3] is None
    for layer in (0, 1, 4):
        assert torch.equal(tensor(maps[layer]), of_all[layer])
    assert torch.equal(tensor(maps[2]), of_one[2] * 0.5)


def test_given_stored_maps_stand_in_for_the_generators(generator: Generator) -> None:
    found = drawn_maps(generator, 11)
    maps = noise_maps(generator, [STORED, LayerNoise(strength=0.25), *[STORED] * 3], stored=found)
    assert maps is not None and maps[0] is found[0] and maps[4] is found[4]
    assert torch.equal(tensor(maps[1]), found[1] * 0.25)


def test_the_synthesis_takes_the_maps(generator: Generator) -> None:
    ws = torch.randn(1, generator.num_ws, 16, generator=torch.Generator().manual_seed(1))
    plain = generator.synthesis(ws)
    assert torch.equal(generator.synthesis(ws, noise=noise_maps(generator, [STORED] * LAYERS)), plain)
    one = [STORED, STORED, LayerNoise(3), STORED, STORED]
    assert not torch.equal(generator.synthesis(ws, noise=noise_maps(generator, one)), plain)
    silent = noise_maps(generator, [LayerNoise(3, 0.0)] * LAYERS)
    assert torch.equal(generator.synthesis(ws, noise=silent), generator.synthesis(ws, noise_mode="none"))


def test_a_generator_without_noise_inputs_has_no_maps() -> None:
    config = GeneratorConfig(4, 4, 8, channel_base=32, channel_max=4, use_noise=False)
    assert noise_maps(Generator(config), [LayerNoise(3, 0.5)] * 3) is None


def test_a_noise_strength_must_be_finite(generator: Generator) -> None:
    with pytest.raises(ValueError, match="finite"):
        noise_maps(generator, [LayerNoise(3, math.inf)] * LAYERS)


def test_there_must_be_a_specification_for_each_layer(generator: Generator) -> None:
    with pytest.raises(ValueError, match="needs 5 specifications, not 4"):
        noise_maps(generator, [STORED] * 4)

"""The noise stage: old documents keep their maps, and what did not change is the very same tensor."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from server.documents import NoiseSpec
from server.engine.noise_stage import NoiseStage, noise_key

FOUND = tuple(np.full((side, side), side, np.float32) for side in (4, 8, 8))


@pytest.fixture(scope="module")
def generator() -> Generator:
    config = GeneratorConfig(z_dim=8, w_dim=8, img_resolution=8, channel_base=64, channel_max=8)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Generator(config).eval().requires_grad_(False)


def spec(**values: object) -> NoiseSpec:
    return NoiseSpec.model_validate(values)


def maps(stage: NoiseStage, noise: NoiseSpec) -> list[Tensor | None]:
    found = stage.maps(noise)
    assert found is not None
    return found


def test_noise_written_before_layers_had_their_own_gives_the_same_bits(generator: Generator) -> None:
    stage = NoiseStage(generator)
    assert stage.maps(spec(seed=None, strength=1.0)) is None
    random = np.random.RandomState(9)
    for drawn, side in zip(maps(stage, spec(seed=9, strength=0.3)), (4, 8, 8), strict=True):
        expected = torch.from_numpy(random.randn(1, 1, side, side)).to(torch.float32) * 0.3
        assert drawn is not None and torch.equal(drawn, expected)


def test_another_draw_of_one_layer_leaves_the_others_the_very_tensors(generator: Generator) -> None:
    stage = NoiseStage(generator)
    before = maps(stage, spec(seed=9))
    after = maps(stage, spec(seed=9, layers={"1": {"seed": 4}}))
    assert [a is b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_the_strength_of_all_multiplies_that_of_a_layer(generator: Generator) -> None:
    noise = spec(seed=9, strength=0.5, layers={"2": {"seed": 9, "strength": 3.0}})
    whole, strong = maps(NoiseStage(generator), spec(seed=9))[2], maps(NoiseStage(generator), noise)[2]
    assert whole is not None and strong is not None and torch.equal(strong, whole * 1.5)


def test_what_a_latent_was_found_with_is_its_stored_noise(generator: Generator) -> None:
    stage = NoiseStage(generator)
    noise = spec(layers={"1": {"seed": None, "strength": 0.5}})
    found = stage.maps(noise, "a latent", FOUND)
    assert found is not None
    assert [float(each.mean()) for each in found if each is not None] == [4.0, 4.0, 8.0]
    own = maps(stage, noise)
    assert own[0] is None and own[2] is None  # of a face without such maps


def test_what_is_frozen_makes_no_picture_another_one() -> None:
    assert noise_key(spec(frozen=[1])) == noise_key(spec())
    assert noise_key(spec(layers={"1": {"seed": 2}})) != noise_key(spec(layers={"0": {"seed": 2}}))

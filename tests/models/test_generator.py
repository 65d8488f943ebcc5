"""What every StyleGAN2 generator must do, whatever its weights."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from models.stylegan2.generator import Generator, to_uint8
from models.stylegan2.generator_config import Architecture, GeneratorConfig
from models.stylegan2.mapping import truncate

CONFIG = GeneratorConfig(
    z_dim=12, w_dim=10, img_resolution=32, mapping_layers=2, channel_base=256, channel_max=16, conv_clamp=256
)


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        generator = Generator(CONFIG).eval().requires_grad_(False)
        generator.mapping.w_avg.copy_(torch.randn(10))
        for name, parameter in generator.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    return generator


@pytest.fixture
def ws() -> Tensor:
    return torch.randn(3, 8, 10, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def z() -> Tensor:
    return torch.randn(3, 12, generator=torch.Generator().manual_seed(3))


def test_sizes_follow_the_config(generator: Generator, ws: Tensor, z: Tensor) -> None:
    assert generator.num_ws == 8
    assert generator.synthesis.noise_resolutions == (4, 8, 8, 16, 16, 32, 32)
    assert generator.mapping(z).shape == (3, 8, 10)
    assert generator.synthesis(ws).shape == (3, 3, 32, 32)


@pytest.mark.parametrize("resolution", [4, 8, 16, 32])
def test_stopping_early_gives_the_rgb_of_that_level(
    generator: Generator, ws: Tensor, resolution: int
) -> None:
    seen: list[Tensor] = []
    block = generator.synthesis.block(resolution)
    hook = block.register_forward_hook(lambda _module, _inputs, output: seen.append(output[1]))
    generator.synthesis(ws)
    early = generator.synthesis(ws, resolution=resolution)
    hook.remove()
    assert early.shape == (3, 3, resolution, resolution)
    assert torch.equal(early, seen[0])


def test_stopping_early_ignores_the_rows_of_later_levels(generator: Generator, ws: Tensor) -> None:
    changed = ws.clone()
    changed[:, 4:] += 1  # 8x8 uses rows 1, 2 and, for its RGB, 3
    early = generator.synthesis(ws, resolution=8)
    assert torch.equal(early, generator.synthesis(changed, resolution=8))
    changed[:, 3] += 1
    assert not torch.equal(early, generator.synthesis(changed, resolution=8))


def test_a_picture_does_not_depend_on_its_batch(generator: Generator, ws: Tensor) -> None:
    together = generator.synthesis(ws)
    alone = torch.cat([generator.synthesis(row[None]) for row in ws])
    assert (together - alone).abs().max().item() <= 1e-5


def test_const_noise_is_repeatable_and_random_noise_is_not(generator: Generator, ws: Tensor) -> None:
    assert torch.equal(generator.synthesis(ws), generator.synthesis(ws))
    first, second = (generator.synthesis(ws, noise_mode="random") for _ in range(2))
    assert not torch.equal(first, second)


def test_the_stored_maps_given_as_a_list_change_nothing(generator: Generator, ws: Tensor) -> None:
    stored = [noise[None, None] for noise in generator.synthesis.noise_maps()]
    assert torch.equal(generator.synthesis(ws, noise=stored), generator.synthesis(ws))


def test_maps_of_zero_are_no_noise(generator: Generator, ws: Tensor) -> None:
    zeros = [torch.zeros(1, 1, side, side) for side in generator.synthesis.noise_resolutions]
    assert torch.equal(generator.synthesis(ws, noise=zeros), generator.synthesis(ws, noise_mode="none"))


def test_layers_without_a_given_map_follow_the_noise_mode(generator: Generator, ws: Tensor) -> None:
    sides = generator.synthesis.noise_resolutions
    assert torch.equal(generator.synthesis(ws, noise=[None] * len(sides)), generator.synthesis(ws))
    zeros = torch.zeros(1, 1, 32, 32)
    stored: list[Tensor | None] = [noise[None, None] for noise in generator.synthesis.noise_maps()]
    last_only = generator.synthesis(ws, noise=[*[None] * (len(sides) - 1), zeros])
    assert torch.equal(last_only, generator.synthesis(ws, noise=[*stored[:-1], zeros]))
    assert not torch.equal(last_only, generator.synthesis(ws))


def test_every_sample_may_have_its_own_noise(generator: Generator, ws: Tensor) -> None:
    sides = generator.synthesis.noise_resolutions
    drawn = [torch.randn(3, 1, side, side, generator=torch.Generator().manual_seed(side)) for side in sides]
    together = generator.synthesis(ws, noise=drawn)
    last = generator.synthesis(ws[2:], noise=[noise[2:] for noise in drawn])
    assert (together[2:] - last).abs().max().item() <= 1e-5


def test_truncation_with_psi_one_is_the_identity(generator: Generator, z: Tensor) -> None:
    assert torch.equal(generator.mapping(z, truncation_psi=1.0), generator.mapping(z))


def test_truncation_with_psi_zero_is_the_average(generator: Generator, z: Tensor) -> None:
    ws = generator.mapping(z, truncation_psi=0.0)
    assert torch.allclose(ws, generator.w_avg.expand_as(ws), atol=1e-6)


@pytest.mark.parametrize("psi", [-0.5, 0.7, 1.5])
def test_truncation_moves_along_the_line_through_the_average(ws: Tensor, psi: float) -> None:
    w_avg = torch.linspace(-1, 1, 10)
    assert torch.allclose(truncate(ws, w_avg, psi), w_avg + psi * (ws - w_avg), atol=1e-6)


def test_a_truncation_cutoff_leaves_the_later_layers(ws: Tensor) -> None:
    w_avg = torch.linspace(-1, 1, 10)
    cut = truncate(ws, w_avg, 0.5, cutoff=3)
    assert torch.equal(cut[:, 3:], ws[:, 3:])
    assert torch.equal(cut[:, :3], truncate(ws, w_avg, 0.5)[:, :3])


def test_labels_change_the_latent_of_a_conditional_generator(z: Tensor) -> None:
    config = GeneratorConfig(z_dim=12, w_dim=10, img_resolution=8, c_dim=2, channel_base=64, channel_max=8)
    mapping = Generator(config).requires_grad_(False).mapping
    first, second = mapping(z, torch.eye(2)[[0, 0, 0]]), mapping(z, torch.eye(2)[[1, 1, 1]])
    assert not torch.allclose(first, second)
    with pytest.raises(ValueError, match="conditional"):
        mapping(z)


def test_pictures_are_cut_to_bytes_not_rounded() -> None:
    levels = torch.tensor([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0])
    img = levels.view(1, 1, 1, 6).expand(1, 3, 1, 6)
    assert to_uint8(img)[0, 0, :, 0].tolist() == [0, 0, 128, 191, 255, 255]


@pytest.mark.parametrize("architecture", ["orig", "resnet"])
def test_only_the_skip_architecture_has_pictures_on_the_way(architecture: Architecture, ws: Tensor) -> None:
    generator = Generator(dataclasses.replace(CONFIG, architecture=architecture)).requires_grad_(False)
    assert generator.synthesis.rgb_resolutions == (32,)
    assert generator.synthesis(ws, resolution=32).shape == (3, 3, 32, 32)
    with pytest.raises(ValueError, match=r"resolution must be one of \(32,\), not 16"):
        generator.synthesis(ws, resolution=16)


def test_channels_may_be_given_block_by_block(ws: Tensor) -> None:
    config = dataclasses.replace(CONFIG, block_channels=(12, 5, 9, 3))
    generator = Generator(config).requires_grad_(False)
    assert [config.channels(r) for r in config.resolutions] == [12, 5, 9, 3]
    assert generator.synthesis.block(16).conv0.weight.shape == (9, 5, 3, 3)
    assert generator.synthesis(ws).shape == (3, 3, 32, 32)
    with pytest.raises(ValueError, match="block_channels must be 4 numbers"):
        dataclasses.replace(CONFIG, block_channels=(12, 5, 9))


@pytest.mark.parametrize("shape", [(8, 10), (1, 7, 10), (1, 8, 11)])
def test_ws_of_another_shape_are_refused(generator: Generator, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"ws must be \[N, 8, 10\]"):
        generator.synthesis(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(12,), (1, 11)])
def test_z_of_another_shape_is_refused(generator: Generator, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"z must be \[N, 12\]"):
        generator.mapping(torch.zeros(shape))


@pytest.mark.parametrize("resolution", [0, 2, 12, 64])
def test_a_level_that_is_not_there_is_refused(generator: Generator, ws: Tensor, resolution: int) -> None:
    with pytest.raises(ValueError, match="resolution must be one of"):
        generator.synthesis(ws, resolution=resolution)


def test_noise_of_another_shape_is_refused(generator: Generator, ws: Tensor) -> None:
    with pytest.raises(ValueError, match="noise needs 7 maps, not 1"):
        generator.synthesis(ws, noise=[None])
    wrong = [torch.zeros(1, 1, 4, 4)] * 7
    with pytest.raises(ValueError, match="noise map 1 must be"):
        generator.synthesis(ws, noise=wrong)


def test_without_mapping_layers_w_is_the_normalised_latent(z: Tensor) -> None:
    generator = Generator(GeneratorConfig(12, 12, 8, mapping_layers=0, channel_base=64, channel_max=8))
    ws = generator.mapping(z)
    assert torch.allclose(ws.square().mean(dim=2), torch.ones(3, 4), atol=1e-5)
    assert torch.allclose(ws[:, 0] / ws[:, 0, :1], z / z[:, :1], atol=1e-4)
    with pytest.raises(ValueError, match="without mapping layers"):
        GeneratorConfig(12, 10, 8, mapping_layers=0)


@pytest.mark.parametrize("resolution", [0, 2, 24])
def test_a_resolution_that_is_no_power_of_two_is_refused(resolution: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        GeneratorConfig(z_dim=4, w_dim=4, img_resolution=resolution)

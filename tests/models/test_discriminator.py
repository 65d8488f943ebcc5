"""What every StyleGAN2 discriminator must do, whatever its weights; saving and loading it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import models
from models.stylegan2.checkpoint import load_discriminator, save_discriminator, save_generator
from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig, minibatch_stddev
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import Architecture, GeneratorConfig
from models.weights import CheckpointError, write_weights

CONFIG = DiscriminatorConfig(16, channel_base=128, channel_max=8, conv_clamp=256, mbstd_group_size=2)
FIXTURES = Path(__file__).parents[1] / "fixtures"


def untrained(config: DiscriminatorConfig) -> Discriminator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return Discriminator(config)


@pytest.fixture
def img() -> Tensor:
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("name", "group", "channels"),
    [("group4_ch1", 4, 1), ("groupNone_ch1", None, 1), ("group2_ch2", 2, 2), ("group16_ch3", 16, 3)],
)
def test_minibatch_deviation_has_the_references_numbers(name: str, group: int | None, channels: int) -> None:
    with np.load(FIXTURES / "ops" / "ops.npz") as arrays:
        x, expected = torch.from_numpy(arrays["mbstd.x"]), torch.from_numpy(arrays[f"mbstd.{name}"])
    actual = minibatch_stddev(x, group, channels)
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max().item() <= 1e-5


def test_a_batch_that_cannot_be_divided_is_refused(img: Tensor) -> None:
    with pytest.raises(ValueError, match="a batch of 3 cannot be divided into groups of 2"):
        untrained(CONFIG)(img[:3])


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
@pytest.mark.parametrize("c_dim", [0, 3])
def test_a_logit_has_gradients_of_first_and_second_order(
    architecture: Architecture, c_dim: int, img: Tensor
) -> None:
    """What the R1 penalty needs."""
    discriminator = untrained(dataclasses.replace(CONFIG, architecture=architecture, c_dim=c_dim))
    labels = torch.eye(3)[[0, 1, 2, 0]] if c_dim else None
    logits = discriminator(img.requires_grad_(True), labels)
    assert logits.shape == (4, 1)
    (slope,) = torch.autograd.grad(logits.sum(), img, create_graph=True)
    slope.square().sum().backward()
    untouched = {name for name, value in discriminator.named_parameters() if value.grad is None}
    assert all(name.endswith("bias") for name in untouched)
    step = 1e-3 * torch.randn(img.shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        change = (discriminator(img + step, labels) - discriminator(img - step, labels)).sum() / 2
    assert change.item() == pytest.approx((slope * step).sum().item(), rel=0.05, abs=1e-4)


def test_without_minibatch_deviation_a_logit_does_not_depend_on_the_batch(img: Tensor) -> None:
    alone = untrained(dataclasses.replace(CONFIG, mbstd_num_channels=0))
    assert torch.allclose(alone(img)[:2], alone(img[:2]), atol=1e-6)
    compared = untrained(dataclasses.replace(CONFIG, mbstd_group_size=None))
    assert not torch.allclose(compared(img)[:2], compared(img[:2]), atol=1e-6)


def test_labels_change_the_logits_of_a_conditional_discriminator(img: Tensor) -> None:
    discriminator = untrained(dataclasses.replace(CONFIG, c_dim=2, cmap_dim=5, mapping_layers=2))
    first, second = discriminator(img, torch.eye(2)[[0] * 4]), discriminator(img, torch.eye(2)[[1] * 4])
    assert not torch.allclose(first, second)
    with pytest.raises(ValueError, match="conditional"):
        discriminator(img)


@pytest.mark.parametrize("shape", [(16, 16), (4, 1, 16, 16), (4, 3, 32, 32)])
def test_pictures_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"img must be \[N, 3, 16, 16\]"):
        untrained(CONFIG)(torch.zeros(shape))


@pytest.mark.parametrize("resolution", [0, 4, 24])
def test_a_resolution_that_cannot_be_is_refused(resolution: int) -> None:
    with pytest.raises(ValueError, match="power of two from 8"):
        DiscriminatorConfig(resolution)


def test_a_round_trip_keeps_every_bit(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, c_dim=2, block_channels=(6, 5, 4), resample_filter=(1, 2, 1))
    discriminator, path = untrained(config), tmp_path / "d.safetensors"
    save_discriminator(discriminator, path)
    for loaded in (load_discriminator(path), load_discriminator(path.read_bytes())):
        assert loaded.config == config
        assert not loaded.training
        assert not any(parameter.requires_grad for parameter in loaded.parameters())
        for name, value in discriminator.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], value)


def test_a_discriminator_comes_from_the_file_that_holds_a_generator_too() -> None:
    path = FIXTURES / "nvidia" / "optional_ada_Gresnet_Dresnet_r16.pkl"
    with np.load(path.with_suffix(".npz")) as arrays:
        img, expected = (torch.from_numpy(arrays[name]) for name in ("img_psi1_const", "D_logits_psi1"))
    logits = models.load_discriminator(path)(img)
    assert (logits - expected).abs().max().item() <= 1e-4


def test_a_file_without_one_is_refused(tmp_path: Path) -> None:
    generator = Generator(GeneratorConfig(4, 4, 8, channel_base=32, channel_max=4))
    save_generator(generator, tmp_path / "g.safetensors")
    with pytest.raises(CheckpointError, match=r"^g\.safetensors: This file holds 'latentloom-generator'"):
        load_discriminator(tmp_path / "g.safetensors")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"img_resolution": 4}, "bad img_resolution"),
        ({"mbstd_group_size": 0}, "bad mbstd_group_size"),
        ({"mbstd_num_channels": -1}, "bad mbstd_num_channels"),
        ({"cmap_dim": True}, "bad cmap_dim"),
        ({"block_channels": [8]}, "block_channels must be 3 numbers"),
        ({"block_channels": [8, 8, 9]}, "has the shape"),
        ({"architecture": ["skip"]}, "bad architecture"),
        ({"surprise": 1}, "unknown entry"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    change: dict[str, object], reason: str, tmp_path: Path
) -> None:
    config = dataclasses.asdict(CONFIG) | change
    write_weights(
        tmp_path / "d.safetensors", "latentloom-discriminator", config, untrained(CONFIG).state_dict()
    )
    with pytest.raises(CheckpointError, match=reason):
        load_discriminator(tmp_path / "d.safetensors")

"""Every number that rosinality's own code gives for its checkpoints, from ours."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.foreign.reading import read_network
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.mapping import truncate
from models.stylegan2.validation import build_discriminator, build_generator
from models.weights import CheckpointError

FIXTURES = Path(__file__).parents[1] / "fixtures"
NAMES = ("rosi_converted_r32", "rosi_training_r32")
W_TOLERANCE, IMG_TOLERANCE = 1e-5, 1e-4


@dataclass(frozen=True)
class Golden:
    """A loaded checkpoint beside the reference's numbers."""

    generator: Generator
    discriminator: Discriminator
    arrays: dict[str, np.ndarray]

    def __getitem__(self, key: str) -> Tensor:
        return torch.from_numpy(self.arrays[key])


def generator_of(data: bytes) -> Generator:
    network = read_network(data, "generator")
    assert isinstance(network.config, GeneratorConfig)
    return build_generator(network.config, network.tensors, "cpu")


@cache
def load(name: str) -> Golden:
    data = (FIXTURES / "rosinality" / f"{name}.pt").read_bytes()
    network = read_network(data, "discriminator")
    assert isinstance(network.config, DiscriminatorConfig)
    discriminator = build_discriminator(network.config, network.tensors, "cpu")
    with np.load(FIXTURES / "rosinality" / f"{name}.npz") as arrays:
        return Golden(generator_of(data), discriminator, dict(arrays))


@pytest.fixture(params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    return load(request.param)


def assert_close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max().item() <= tolerance


def every_layer(w: Tensor) -> Tensor:
    return w[:, None].repeat(1, 8, 1)


def test_w_of_a_latent(golden: Golden) -> None:
    ws = golden.generator.mapping(golden["z"])
    assert_close(ws[:, 0], golden["w"], W_TOLERANCE)
    assert_close(ws, golden["latents_trunc1"], W_TOLERANCE)


def test_truncation(golden: Golden) -> None:
    ws = golden.generator.mapping(golden["z"], truncation_psi=float(golden.arrays["psi"]))
    assert_close(ws, golden["latents_trunc"], W_TOLERANCE)
    assert_close(golden.generator.synthesis(ws), golden["img_trunc"], IMG_TOLERANCE)


def test_pictures_with_the_stored_noise(golden: Golden) -> None:
    assert_close(golden.generator(golden["z"]), golden["img_trunc1"], IMG_TOLERANCE)
    img = golden.generator.synthesis(every_layer(golden["w"]))
    assert_close(img, golden["img_from_w"], IMG_TOLERANCE)


def test_mixing_from_an_inject_index(golden: Golden) -> None:
    ws = truncate(every_layer(golden["w"]), golden.generator.w_avg, float(golden.arrays["psi"]))
    index = int(golden.arrays["inject_index"])
    mixed = torch.cat([ws[:1, :index], ws[1:2, index:]], dim=1)
    assert_close(mixed, golden["latents_mix"], W_TOLERANCE)
    assert_close(golden.generator.synthesis(mixed), golden["img_mix"], IMG_TOLERANCE)


def test_a_latent_of_its_own_in_every_layer(golden: Golden) -> None:
    assert_close(golden.generator.synthesis(golden["wplus"]), golden["img_wplus"], IMG_TOLERANCE)


def test_noise_that_is_given_and_noise_that_is_none(golden: Golden) -> None:
    ws = every_layer(golden["w"][:1])
    given = [golden[f"noise_in_{i}"] for i in range(7)]
    img = golden.generator.synthesis(ws, noise=given)
    assert_close(img, golden["img_custom_noise"], IMG_TOLERANCE)
    silent = golden.generator.synthesis(ws, noise_mode="none")
    assert_close(silent, golden["img_zero_noise"][:1], IMG_TOLERANCE)


def test_pictures_as_bytes_by_its_own_rule(golden: Golden) -> None:
    img = golden.generator.synthesis(golden["latents_trunc"]).permute(0, 2, 3, 1)
    levels = ((img.clamp(-1, 1) + 1) / 2 * 255).to(torch.uint8).int()
    difference = (levels - golden["uint8_make_image"].int()).abs()
    assert difference.max().item() <= 1
    assert difference.count_nonzero().item() <= 0.001 * difference.numel()


def test_logits_of_a_whole_batch_and_of_two_pictures(golden: Golden) -> None:
    assert_close(golden.discriminator(golden["img_trunc1"]), golden["D_logits"], IMG_TOLERANCE)
    two = golden.discriminator(golden["img_trunc1"][:2])
    assert_close(two, golden["D_logits_first2"], IMG_TOLERANCE)


def test_the_mean_of_w_is_the_files_or_else_that_of_4096_latents(golden: Golden) -> None:
    assert_close(golden.generator.w_avg, golden["latent_avg"].flatten(), 1e-6)


def test_the_converted_network_is_the_tensorflow_one() -> None:
    z = load("rosi_converted_r32")["z"]
    original = generator_of((FIXTURES / "tf_legacy" / "tf_stylegan2_r32.pkl").read_bytes())
    assert_close(load("rosi_converted_r32").generator(z), original(z), IMG_TOLERANCE)


def test_the_way_through_the_child_process_gives_the_same_network() -> None:
    path = FIXTURES / "rosinality" / "rosi_training_r32.pt"
    loaded, expected = load_generator(path), load("rosi_training_r32").generator
    for name, value in expected.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


State = dict[str, Tensor]


def converted_state() -> dict[str, State]:
    path = FIXTURES / "rosinality" / "rosi_converted_r32.pt"
    content: dict[str, State] = torch.load(path, weights_only=True)
    return content


def saved(content: object, *, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def test_older_files_without_noise_maps_get_the_same_ones_each_time() -> None:
    content = converted_state()
    content["g_ema"] = {name: value for name, value in content["g_ema"].items() if "noises" not in name}
    first, second = generator_of(saved(content)), generator_of(saved(content, legacy=True))
    for one, other in zip(first.synthesis.noise_maps(), second.synthesis.noise_maps(), strict=True):
        assert torch.equal(one, other)
        assert 0.5 < one.std().item() < 1.5
    z = load("rosi_converted_r32")["z"]
    expected = load("rosi_converted_r32").generator
    silent = expected.synthesis(expected.mapping(z), noise_mode="none")
    assert_close(first.synthesis(first.mapping(z), noise_mode="none"), silent, IMG_TOLERANCE)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_state_dict_alone_parallel_or_of_another_precision_is_read(prefix: str, dtype: torch.dtype) -> None:
    state = {f"{prefix}{name}": value.to(dtype) for name, value in converted_state()["g_ema"].items()}
    generator = generator_of(saved(state))
    expected = load("rosi_converted_r32").generator.synthesis.state_dict()
    tolerance = 5e-3 if dtype == torch.float16 else 1e-6
    for name, value in generator.synthesis.state_dict().items():
        assert_close(value, expected[name], tolerance)


def test_early_files_whose_biases_have_four_axes_are_read() -> None:
    content = converted_state()
    for name, value in content["g_ema"].items():
        if name.endswith("activate.bias"):
            content["g_ema"][name] = value[None, :, None, None]
    expected = load("rosi_converted_r32").generator.state_dict()
    for name, value in generator_of(saved(content)).state_dict().items():
        assert torch.equal(value, expected[name])


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("convs.3.conv.weight", torch.zeros(1, 32, 32, 3, 4), "synthesis.b16.conv1.weight has the shape"),
        ("convs.3.conv.weight", torch.zeros(3), "damaged"),
        ("style.3.bias", torch.full((32,), float("nan")), "mapping.fc2.bias holds numbers that are not"),
        ("input.input", torch.zeros(1, 32, 4, 4, dtype=torch.int64), "stored as int64"),
        ("to_rgbs.7.bias", torch.zeros(1, 3, 1, 1), "not those of a StyleGAN2 network"),
        ("surprise.weight", torch.zeros(3), "'surprise.weight' is no part of a StyleGAN2 network"),
        ("convs.0.conv.blur.kernel", torch.rand(4, 4), "outer product"),
        ("convs.0.conv.blur.kernel", torch.ones(4, 4), "differ in their resampling filter"),
    ],
)
def test_a_state_that_is_no_generator_is_refused_by_reason(name: str, value: Tensor, reason: str) -> None:
    content = converted_state()
    content["g_ema"][name] = value
    with pytest.raises(CheckpointError, match=reason):
        read_network(saved(content))


@pytest.mark.parametrize("name", ["convs.3.conv.weight", "style.8.weight", "to_rgb1.bias", "input.input"])
def test_a_missing_tensor_is_refused(name: str) -> None:
    content = converted_state()
    del content["g_ema"][name]
    with pytest.raises(CheckpointError, match=r"missing|no part|damaged"):
        read_network(saved(content))

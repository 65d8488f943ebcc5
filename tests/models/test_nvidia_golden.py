"""Every number that NVIDIA's own PyTorch code gives for its checkpoints, TensorFlow's included, from ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.foreign import nvidia
from models.foreign.inert_pickle import ByteReader, no_storages, unpickle
from models.foreign.reading import read_network
from models.foreign.records import PickledModule
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator, to_uint8
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.validation import build_discriminator, build_generator

FIXTURES = Path(__file__).parents[1] / "fixtures"
PYTORCH_NAMES = (
    "ada_clamp_r32_map4",
    "ada_cond3_r64_map2",
    "ada_uncond_r32_map8",
    "optional_ada_Gorig_Dskip_gray_r16",
    "optional_ada_Gresnet_Dresnet_r16",
    "sg3repo_uncond_r32_map2",
)
FILES = {name: FIXTURES / "nvidia" / f"{name}.pkl" for name in PYTORCH_NAMES}
FILES["tf_stylegan2_r32"] = FIXTURES / "tf_legacy" / "tf_stylegan2_r32.pkl"
WS_TOLERANCE, IMG_TOLERANCE, D_TOLERANCE, FLOAT16_TOLERANCE = 1e-5, 1e-4, 1e-4, 2e-2


@dataclass(frozen=True)
class Golden:
    """A loaded checkpoint beside the reference's numbers."""

    name: str
    generator: Generator
    discriminator: Discriminator
    arrays: dict[str, np.ndarray]

    def __getitem__(self, key: str) -> Tensor:
        return torch.from_numpy(self.arrays[key])

    def number(self, key: str) -> float:
        return float(self.arrays[key])

    @property
    def labels(self) -> Tensor | None:
        return self["c"] if "c" in self.arrays else None


@cache
def load(name: str) -> Golden:
    data = FILES[name].read_bytes()
    generator, discriminator = read_network(data, "generator"), read_network(data, "discriminator")
    assert isinstance(generator.config, GeneratorConfig)
    assert isinstance(discriminator.config, DiscriminatorConfig)
    with np.load(FILES[name].with_suffix(".npz")) as arrays:
        return Golden(
            name,
            build_generator(generator.config, generator.tensors, "cpu"),
            build_discriminator(discriminator.config, discriminator.tensors, "cpu"),
            dict(arrays),
        )


@pytest.fixture(params=FILES)
def golden(request: pytest.FixtureRequest) -> Golden:
    return load(request.param)


def assert_close(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max().item() <= tolerance


def test_a_loaded_generator_is_ready_for_inference(golden: Golden) -> None:
    assert not golden.generator.training
    assert not any(parameter.requires_grad for parameter in golden.generator.parameters())
    assert {value.dtype for value in golden.generator.state_dict().values()} == {torch.float32}
    assert golden.generator.c_dim == (3 if golden.labels is not None else 0)


def test_w_avg_is_the_stored_one(golden: Golden) -> None:
    assert torch.equal(golden.generator.w_avg, golden["w_avg"])


def test_seeds_give_the_reference_latents(golden: Golden) -> None:
    drawn = [np.random.RandomState(seed).randn(golden.generator.z_dim) for seed in golden.arrays["seeds"]]
    assert torch.equal(torch.tensor(np.array(drawn)).float(), golden["z"])


def test_mapping_without_truncation(golden: Golden) -> None:
    ws = golden.generator.mapping(golden["z"], golden.labels)
    assert_close(ws, golden["ws_psi1"], WS_TOLERANCE)


def test_mapping_of_float64_latents(golden: Golden) -> None:
    ws = golden.generator.mapping(golden["z"].double(), golden.labels)
    assert_close(ws, golden["ws_psi1"], WS_TOLERANCE)


def test_mapping_with_truncation(golden: Golden) -> None:
    ws = golden.generator.mapping(golden["z"], golden.labels, truncation_psi=golden.number("psi"))
    assert_close(ws, golden["ws_trunc"], WS_TOLERANCE)


def test_mapping_with_truncation_of_the_first_layers(golden: Golden) -> None:
    psi, cutoff = golden.number("psi"), int(golden.number("cutoff"))
    ws = golden.generator.mapping(golden["z"], golden.labels, psi, cutoff)
    assert_close(ws, golden["ws_trunc_cutoff"], WS_TOLERANCE)


@pytest.mark.parametrize(
    ("ws", "img"),
    [
        ("ws_psi1", "img_psi1_const"),
        ("ws_trunc", "img_trunc_const"),
        ("ws_trunc_cutoff", "img_trunc_cutoff_const"),
        ("ws_mix", "img_mix_const"),
        ("ws_colmix", "img_colmix_const"),
        ("ws_random", "img_wsrandom_const"),
    ],
)
def test_synthesis_with_the_stored_noise(golden: Golden, ws: str, img: str) -> None:
    assert_close(golden.generator.synthesis(golden[ws], noise_mode="const"), golden[img], IMG_TOLERANCE)


def test_synthesis_without_noise(golden: Golden) -> None:
    img = golden.generator.synthesis(golden["ws_psi1"], noise_mode="none")
    assert_close(img, golden["img_psi1_none"], IMG_TOLERANCE)


def test_synthesis_with_random_noise_draws_layer_by_layer(golden: Golden) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(golden.number("torchseed")))
        img = golden.generator.synthesis(golden["ws_psi1"][:1], noise_mode="random")
    assert_close(img, golden["img_psi1_random_torchseed"], IMG_TOLERANCE)


def test_forward_is_mapping_and_synthesis(golden: Golden) -> None:
    img = golden.generator(golden["z"], golden.labels, truncation_psi=golden.number("psi"))
    assert_close(img, golden["img_trunc_const"], IMG_TOLERANCE)


def test_pictures_as_bytes(golden: Golden) -> None:
    actual = to_uint8(golden.generator.synthesis(golden["ws_trunc"])).int()
    difference = (actual - golden["uint8_trunc_const"].int()).abs()
    assert difference.max().item() <= 1
    assert difference.count_nonzero().item() <= 0.001 * difference.numel()


def test_a_crossover_takes_the_later_layers_from_the_second_picture(golden: Golden) -> None:
    ws, crossover = golden["ws_trunc"], int(golden.number("mix_crossover"))
    mixed = torch.cat([ws[:1, :crossover], ws[1:2, crossover:]], dim=1)
    assert_close(mixed, golden["ws_mix"], WS_TOLERANCE)


def test_mixed_layers_come_from_the_second_picture(golden: Golden) -> None:
    mixed, layers = golden["ws_trunc"][:1].clone(), golden["colmix_layers"]
    mixed[:, layers] = golden["ws_trunc"][1:2, layers]
    assert_close(mixed, golden["ws_colmix"], WS_TOLERANCE)


@pytest.mark.parametrize("name", PYTORCH_NAMES)
def test_the_training_weights_are_in_the_same_file(name: str) -> None:
    golden = load(name)
    networks = unpickle(ByteReader(memoryview(FILES[name].read_bytes())), no_storages)
    assert isinstance(networks, dict)
    assert isinstance(networks["G"], PickledModule)
    training = nvidia.read_generator(networks["G"])
    assert isinstance(training.config, GeneratorConfig)
    generator = build_generator(training.config, training.tensors, "cpu")
    labels = None if golden.labels is None else golden.labels[:1]
    img = generator(golden["z"][:1], labels)
    assert_close(img, golden["G_img_psi1_const"], IMG_TOLERANCE)
    assert (img - golden["img_psi1_const"][:1]).abs().max() > 100 * IMG_TOLERANCE


def test_logits_of_a_whole_batch_and_of_two_pictures(golden: Golden) -> None:
    img, labels = golden["img_psi1_const"], golden.labels
    assert_close(golden.discriminator(img, labels), golden["D_logits_psi1"], D_TOLERANCE)
    first = None if labels is None else labels[:2]
    assert_close(golden.discriminator(img[:2], first), golden["D_logits_first2"], D_TOLERANCE)


@pytest.mark.parametrize("name", ["ada_cond3_r64_map2", "tf_stylegan2_r32"])
def test_the_way_through_the_child_process_gives_the_same_network(name: str) -> None:
    loaded, golden = load_generator(FILES[name]), load(name)
    assert loaded.config == golden.generator.config
    for key, value in golden.generator.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)


@pytest.mark.parametrize("name", ["ada_clamp_r32_map4", "ada_uncond_r32_map8"])
def test_float32_agrees_with_the_float16_blocks_of_the_reference(name: str) -> None:
    golden = load(name)
    img = golden.generator.synthesis(golden["ws_psi1"])
    assert_close(img, golden["img_psi1_const_fp16"], FLOAT16_TOLERANCE)


def test_every_layer_and_style_inside_the_synthesis() -> None:
    generator = load("ada_uncond_r32_map8").generator
    with np.load(FIXTURES / "nvidia" / "ada_uncond_r32_map8_intermediates.npz") as arrays:
        expected = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    seen: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor | tuple[Tensor, Tensor]) -> None:
        if isinstance(output, tuple):
            seen[f"{name}.x"], seen[f"{name}.img"] = output
        elif name.endswith(".affine"):
            seen[name.removesuffix("affine") + "styles"] = output
        else:
            seen[f"{name}.out"] = output

    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: keep(name, output))
        for name, module in generator.synthesis.named_modules()
        if name
    ]
    generator.synthesis(expected["ws"])
    for hook in hooks:
        hook.remove()
    assert set(seen) == set(expected) - {"ws"}
    for name, value in seen.items():
        assert_close(value, expected[name], IMG_TOLERANCE)

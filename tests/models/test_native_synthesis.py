"""Synthesis by the kernels: NVIDIA's numbers for every processor, batch, number of threads and noise."""

from __future__ import annotations

import copy
import gc
import math
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.native import entry
from models.stylegan2.native.calls import Weights
from models.stylegan2.native.machine import Machine, host
from models.stylegan2.native.synthesis import synthesize
from models.stylegan2.native.team import team
from models.stylegan2.native.watch import watched
from models.stylegan2.native.workspace import workspace
from models.stylegan2.synthesis_blocks import NoiseMode

FIXTURES = Path(__file__).parents[1] / "fixtures" / "nvidia"
NAMES = ("ada_clamp_r32_map4", "ada_cond3_r64_map2", "ada_uncond_r32_map8", "sg3repo_uncond_r32_map2")
TOLERANCE = 1e-4
NARROW = Machine("haswell", "", lanes=8, rows=6)  # any processor with AVX2

pytestmark = pytest.mark.skipif(host() is None, reason="the kernels are for Linux on x86-64 with AVX2")


@cache
def generator(name: str) -> Generator:
    return load_generator(FIXTURES / f"{name}.pkl")


@cache
def arrays(name: str) -> dict[str, Tensor]:
    with np.load(FIXTURES / f"{name}.npz") as stored:
        return {key: torch.from_numpy(stored[key]) for key in stored.files}


def small(resolution: int = 16, **changes: Any) -> Generator:
    """A generator with random weights of which none is at its neutral start value."""
    settings = {"channel_base": 32 * resolution // 2, "channel_max": 48} | changes
    config = GeneratorConfig(z_dim=8, w_dim=20, img_resolution=resolution, **settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = Generator(config).eval().requires_grad_(False)
        for name, parameter in made.synthesis.named_parameters():
            if name.endswith(("noise_strength", ".bias")):
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


def latents(of: Generator, count: int = 1) -> Tensor:
    return torch.randn(count, of.num_ws, of.w_dim, generator=torch.Generator().manual_seed(count))


def by_modules(of: Generator, ws: Tensor, resolution: int | None = None) -> Tensor:
    """The same through the layers, as with gradients: tested against NVIDIA's numbers elsewhere."""
    hook = of.synthesis.block(4).register_forward_hook(lambda *_: None)
    picture: Tensor = of.synthesis(ws, resolution=resolution)
    hook.remove()
    return picture


def on(machine: Machine, of: Generator, ws: Tensor) -> Tensor:
    """The picture by the kernels for that processor."""
    watch = watched(of.synthesis)
    noise = [field[None] for field in of.synthesis.noise_maps()]
    with workspace().lock:
        watch.refresh()
        return synthesize(Weights(machine, watch), of.synthesis, ws, noise, of.img_resolution)


def assert_close(actual: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max().item() <= tolerance


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_networks_are_computed_by_the_kernels(name: str) -> None:
    assert entry.method(generator(name).synthesis).name == "kernels"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("ws", "img"),
    [("psi1", "psi1"), ("trunc_cutoff", "trunc_cutoff"), ("colmix", "colmix"), ("random", "wsrandom")],
)
def test_kernels_for_a_processor_with_avx2_give_the_reference_pictures(name: str, ws: str, img: str) -> None:
    expected = arrays(name)[f"img_{img}_const"]
    assert_close(on(NARROW, generator(name), arrays(name)[f"ws_{ws}"]), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["const", "none"])
def test_given_noise_maps_stand_in_for_the_mode(name: str, mode: NoiseMode) -> None:
    network, ws = generator(name).synthesis, arrays(name)["ws_psi1"]
    stored = [field[None, None] for field in network.noise_maps()]
    zeros = [torch.zeros(len(ws), 1, side, side) for side in network.noise_resolutions]
    assert_close(network(ws, noise_mode=mode, noise=stored), arrays(name)["img_psi1_const"])
    assert_close(network(ws, noise_mode=mode, noise=zeros), arrays(name)["img_psi1_none"])


@pytest.mark.parametrize("resolution", [4, 8, 16, 32])
def test_an_early_stop_returns_the_picture_of_that_level(resolution: int) -> None:
    name = "ada_uncond_r32_map8"
    with np.load(FIXTURES / f"{name}_intermediates.npz") as inner:
        ws, expected = (torch.from_numpy(inner[key]) for key in ("ws", f"b{resolution}.img"))
    assert_close(generator(name).synthesis(ws, resolution=resolution), expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"img_channels": 1},
        {"img_channels": 5},
        {"use_noise": False},
        {"conv_clamp": 0.5},
        {"resample_filter": (1, 2, 4, 3)},
        {"block_channels": (7, 33, 20)},
    ],
    ids=str,
)
def test_every_kind_of_network_gives_the_numbers_of_its_layers(changes: dict[str, Any]) -> None:
    made = small(**changes)
    assert entry.method(made.synthesis).name == "kernels"
    ws = latents(made, 2)
    assert_close(made.synthesis(ws), by_modules(made, ws), 2e-5)


def test_a_network_of_a_single_block_works() -> None:
    made = small(4)
    assert_close(made.synthesis(latents(made)), by_modules(made, latents(made)), 2e-5)


def test_a_picture_does_not_depend_on_the_others_in_its_batch() -> None:
    made = small(128, channel_base=1024)
    ws = latents(made, 10)
    together = made.synthesis(ws)
    for i in range(10):
        assert torch.equal(together[i], made.synthesis(ws[i : i + 1])[0])


@pytest.mark.usefixtures("threads")
def test_a_picture_does_not_depend_on_the_number_of_threads() -> None:
    made = small(64)
    pictures = []
    for count in (1, 2, 3, 5):
        torch.set_num_threads(count)
        pictures.append(made.synthesis(latents(made)))
    assert all(torch.equal(picture, pictures[0]) for picture in pictures)


@pytest.mark.usefixtures("threads")
def test_threads_of_our_own_do_the_same_where_openmp_cannot_be_entered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = small()
    expected = made.synthesis(latents(made))
    torch.set_num_threads(2)
    monkeypatch.setattr("models.stylegan2.native.team._openmp", lambda: None)
    team.cache_clear()
    try:
        assert team()[0] == "threads"
        assert torch.equal(made.synthesis(latents(made)), expected)
    finally:
        team.cache_clear()


def test_random_noise_is_drawn_for_every_sample() -> None:
    made = small()
    ws = latents(made).repeat(2, 1, 1)
    pictures = made.synthesis(ws, noise_mode="random")
    assert not torch.equal(pictures[0], pictures[1])


def test_numbers_that_are_none_stay_visible() -> None:
    made = small(conv_clamp=1.0)
    ws = latents(made)
    ws[0, 3] = math.nan
    assert made.synthesis(ws).isnan().all()


def test_gradients_flow_where_they_are_wanted() -> None:
    made = small()
    ws = latents(made).requires_grad_()
    made.synthesis(ws).sum().backward()
    assert ws.grad is not None
    made.synthesis.requires_grad_()
    made.synthesis(latents(made)).sum().backward()
    assert made.synthesis.block(16).conv1.weight.grad is not None


@pytest.mark.filterwarnings("ignore:.torch.jit.script.:FutureWarning")  # PyTorch's own, in jvp
def test_forward_derivatives_are_taken_through_the_layers() -> None:
    made = small()
    ws, direction = latents(made), torch.ones(1, made.num_ws, made.w_dim)
    slope = torch.func.jvp(made.synthesis, (ws,), (direction,))[1]
    difference = (made.synthesis(ws + 0.01 * direction) - made.synthesis(ws)) / 0.01
    assert (slope - difference).abs().median() < 0.05  # not everywhere: leaky ReLU has a kink
    assert slope.abs().median() > 0.5


def test_hooks_on_layers_are_called() -> None:
    made, seen = small(), []
    handle = made.synthesis.block(8).conv0.register_forward_hook(lambda *_: seen.append(1))
    made.synthesis(latents(made))
    handle.remove()
    made.synthesis(latents(made))
    assert seen == [1]


def test_what_the_kernels_cannot_do_is_said_and_done_by_the_layers() -> None:
    resnet, smooth = small(architecture="resnet"), small(resample_filter=(1, 2, 1))
    assert entry.method(resnet.synthesis) == entry.Method("pytorch", "Its architecture is not 'skip'.")
    assert "4 taps" in entry.method(smooth.synthesis).detail
    doubled = small().double()
    assert "float32" in entry.method(doubled.synthesis).detail
    assert doubled.synthesis(latents(doubled).double()).dtype == torch.float64


@torch.inference_mode()
def test_a_network_made_in_inference_mode_is_computed_by_its_layers() -> None:
    made = small()
    assert "inference mode" in entry.method(made.synthesis).detail
    assert made.synthesis(latents(made)).shape == (1, 3, 16, 16)


@torch.inference_mode()
def test_a_network_loaded_in_inference_mode_is_computed_by_the_kernels() -> None:
    loaded = load_generator(FIXTURES / f"{NAMES[0]}.pkl")
    assert entry.method(loaded.synthesis).name == "kernels"


def turn_in_place(made: Generator) -> None:
    made.synthesis.block(8).conv0.weight.neg_()  # a factor 2 would be taken out again by the demodulation


def turn_data(made: Generator) -> None:
    made.synthesis.block(16).conv1.weight.data.neg_()


def turn_in_numpy(made: Generator) -> None:
    weight = made.synthesis.block(8).conv1.weight.numpy()
    weight *= -1


def replace_parameter(made: Generator) -> None:
    layer = made.synthesis.block(8).conv0
    layer.weight = torch.nn.Parameter(-layer.weight, requires_grad=False)


def replace_data(made: Generator) -> None:
    layer = made.synthesis.block(8).conv0
    layer.weight.data = -layer.weight


def replace_block(made: Generator) -> None:
    made.synthesis.b8 = copy.deepcopy(made.synthesis.b8)
    made.synthesis.block(8).conv1.weight.neg_()


def load_others(made: Generator) -> None:
    made.load_state_dict({name: value * 1.5 for name, value in made.state_dict().items()})


def change_small_things(made: Generator) -> None:
    network = made.synthesis
    network.block(4).const.mul_(2)
    network.block(8).conv1.bias.add_(1)
    network.block(8).conv1.noise_strength.add_(1)
    network.block(16).conv0.noise_const.neg_()
    network.block(16).conv0.affine.weight.mul_(2)
    to_rgb = network.block(16).torgb
    assert to_rgb is not None
    to_rgb.weight.mul_(2)
    to_rgb.affine.bias.add_(1)


def change_filter(made: Generator) -> None:
    made.synthesis.block(16).resample_filter.copy_(torch.ones(4, 4) / 16)
    made.synthesis.block(16).conv0.resample_filter.copy_(torch.ones(4, 4) / 16)


@pytest.mark.parametrize(
    "change",
    [
        turn_in_place,
        turn_data,
        turn_in_numpy,
        replace_parameter,
        replace_data,
        replace_block,
        load_others,
        change_small_things,
        change_filter,
    ],
)
def test_changed_weights_are_seen_at_once(change: object) -> None:
    made = small()
    ws = latents(made)
    before = made.synthesis(ws)
    assert callable(change)
    change(made)
    after = made.synthesis(ws)
    assert (after - before).abs().max() > 0.01
    assert_close(after, by_modules(made, ws), 1e-4)


def test_a_generator_that_made_pictures_can_be_copied_and_leaves_nothing_behind() -> None:
    made = small()
    ws = latents(made)
    expected = made.synthesis(ws)
    twin = copy.deepcopy(made)
    gone = weakref.ref(made.synthesis), weakref.ref(made.synthesis.block(16).conv1)
    del made
    gc.collect()
    assert gone[0]() is None and gone[1]() is None
    assert torch.equal(twin.synthesis(ws), expected)

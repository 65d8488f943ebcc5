"""Half precision: close to float32 and to NVIDIA's float16; on CUDA as graphs that see every input."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.stylegan2.checkpoint import load_generator
from models.stylegan2.cuda_synthesis import GRAPHS, mixed_precision
from models.stylegan2.generator import Generator
from models.stylegan2.synthesis_blocks import NoiseMode

FIXTURES = Path(__file__).parents[1] / "fixtures" / "nvidia"
HALF_NAMES = ("ada_clamp_r32_map4", "ada_uncond_r32_map8")
TOLERANCE = 2e-2

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@cache
def generator(name: str) -> Generator:
    return load_generator(FIXTURES / f"{name}.pkl")


def on_cuda(name: str = HALF_NAMES[1]) -> Generator:
    return load_generator(FIXTURES / f"{name}.pkl", "cuda")


def stored(name: str, key: str) -> Tensor:
    with np.load(FIXTURES / f"{name}.npz") as arrays:
        return torch.from_numpy(arrays[key])


def assert_close(actual: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> None:
    assert actual.shape == expected.shape
    assert (actual.cpu() - expected.cpu()).abs().max().item() <= tolerance


@pytest.mark.parametrize("name", HALF_NAMES)
@pytest.mark.parametrize("key", ["img_psi1_const", "img_psi1_const_fp16"])
def test_float16_blocks_agree_with_the_reference(name: str, key: str) -> None:
    network, ws = generator(name).synthesis, stored(name, "ws_psi1")
    picture = mixed_precision(network, ws, "const", [None] * len(network.noise_resolutions), 32)
    assert picture.dtype == torch.float32
    assert_close(picture, stored(name, key))


def test_styles_beyond_the_range_of_float16_do_not_overflow() -> None:
    name = HALF_NAMES[1]
    network, ws = generator(name).synthesis, stored(name, "ws_psi1")[:1] * 1e4
    nothing = [None] * len(network.noise_resolutions)
    assert mixed_precision(network, ws, "none", nothing, 16).isfinite().all()


def test_force_fp32_changes_nothing_on_a_cpu() -> None:
    network, ws = generator(HALF_NAMES[0]).synthesis, stored(HALF_NAMES[0], "ws_psi1")
    assert torch.equal(network(ws, force_fp32=True), network(ws))


@needs_cuda
@pytest.mark.parametrize("name", HALF_NAMES)
@pytest.mark.parametrize("samples", [1, 2])
def test_graphs_give_the_reference_pictures(name: str, samples: int) -> None:
    network = on_cuda(name).synthesis
    ws = stored(name, "ws_psi1")[:samples].cuda()
    for _ in range(2):  # the second time the graph is replayed
        assert_close(network(ws), stored(name, "img_psi1_const")[:samples])
    assert_close(network(ws, noise_mode="none"), stored(name, "img_psi1_none")[:samples])
    assert_close(network(ws, force_fp32=True), stored(name, "img_psi1_const")[:samples], 1e-3)


@needs_cuda
def test_a_replay_sees_new_latents_noise_and_weights() -> None:
    network = on_cuda().synthesis
    ws = stored(HALF_NAMES[1], "ws_psi1")[:2].cuda()
    first = network(ws[:1])
    kept = first.clone()
    assert_close(network(ws[1:]), network(ws[1:], force_fp32=True))
    assert torch.equal(first, kept)
    maps = [torch.randn(1, 1, side, side, device="cuda") for side in network.noise_resolutions]
    for _ in range(2):
        maps = [-field for field in maps]
        assert_close(network(ws[:1], noise=maps), network(ws[:1], noise=maps, force_fp32=True))
    network.block(16).conv0.weight.neg_()
    assert_close(network(ws[:1]), network(ws[:1], force_fp32=True))
    assert (network(ws[:1]) - first).abs().max() > 0.1


@needs_cuda
@pytest.mark.parametrize("resolution", [8, 32])
@pytest.mark.parametrize("mode", ["const", "none"])
def test_every_resolution_and_mode_has_a_graph_of_its_own(resolution: int, mode: NoiseMode) -> None:
    network, ws = on_cuda().synthesis, stored(HALF_NAMES[1], "ws_psi1")[:1].cuda()
    picture = network(ws, noise_mode=mode, resolution=resolution)
    assert_close(picture, network(ws, noise_mode=mode, resolution=resolution, force_fp32=True))


@needs_cuda
def test_random_noise_is_drawn_at_every_replay() -> None:
    network, ws = on_cuda().synthesis, stored(HALF_NAMES[1], "ws_psi1")[:1].cuda()
    pictures = [network(ws, noise_mode="random") for _ in range(3)]
    assert not torch.equal(pictures[1], pictures[2])


@needs_cuda
def test_more_batch_sizes_than_graphs_work() -> None:
    network, ws = on_cuda().synthesis, stored(HALF_NAMES[1], "ws_psi1")[:1].cuda()
    for samples in range(1, GRAPHS + 3):
        assert network(ws.repeat(samples, 1, 1)).shape[0] == samples

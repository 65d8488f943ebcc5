"""The operations under the generator against the reference implementation's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.stylegan2.mapping import MappingNetwork
from models.stylegan2.operations import (
    Convolution,
    FullyConnected,
    downsample2,
    fir,
    fir_kernel,
    leaky_relu,
    modulated_convolution,
    upsample2,
)

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def ops() -> dict[str, Tensor]:
    with np.load(Path(__file__).parents[1] / "fixtures" / "ops" / "ops.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def assert_close(actual: Tensor, expected: Tensor) -> None:
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max().item() <= TOLERANCE


def with_zeros_between(x: Tensor, up: int) -> Tensor:
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, h * up, w * up)
    spread[:, :, ::up, ::up] = x
    return spread


@pytest.mark.parametrize(("name", "taps"), [("k1331", (1, 3, 3, 1)), ("k121", (1, 2, 1))])
def test_filters_are_outer_products_of_sum_one(
    ops: dict[str, Tensor], name: str, taps: tuple[float, ...]
) -> None:
    assert_close(fir_kernel(taps), ops[f"setup_filter.{name}"])


def test_fir_keeps_the_size_with_centred_padding(ops: dict[str, Tensor]) -> None:
    actual = fir(ops["upfirdn2d.x"], ops["setup_filter.k1331"], (2, 1, 2, 1))
    assert_close(actual, ops["upfirdn2d.filter"])


def test_fir_convolves_rather_than_correlates(ops: dict[str, Tensor]) -> None:
    spread = with_zeros_between(ops["upfirdn2d.x"], 2)
    kernel = ops["upfirdn2d.f_asym_4x3"]
    assert_close(fir(spread, kernel, (2, 1, 0, 3), gain=4), ops["upfirdn2d.raw_up2_pad"])
    assert_close(fir(spread, kernel.flip([0, 1]), (2, 1, 0, 3), gain=4), ops["upfirdn2d.raw_up2_pad_flip"])


def test_upsampling_of_the_rgb_skip(ops: dict[str, Tensor]) -> None:
    assert_close(upsample2(ops["upfirdn2d.x"], ops["setup_filter.k1331"]), ops["upfirdn2d.up2"])


def test_downsampling_of_the_discriminators_picture(ops: dict[str, Tensor]) -> None:
    assert_close(downsample2(ops["upfirdn2d.x"], ops["setup_filter.k1331"]), ops["upfirdn2d.down2"])


def test_eight_taps_are_a_row_that_filters_in_both_directions(ops: dict[str, Tensor]) -> None:
    assert fir_kernel((1,) * 8).shape == (8,)
    x, row = ops["upfirdn2d.x"], ops["upfirdn2d.f_sep"]
    assert_close(upsample2(x, row), ops["upfirdn2d.up2_sep8"])
    assert_close(downsample2(x, row), downsample2(x, torch.outer(row, row)))


def test_a_convolution_to_half_the_size(ops: dict[str, Tensor]) -> None:
    layer = Convolution(4, 5, 3, down=True)
    with torch.no_grad():
        layer.weight.copy_(ops["conv.w3"] * 6)  # the layer divides by the root of its fan-in, 36
    assert_close(layer.requires_grad_(False)(ops["conv.x3"]), leaky_relu(ops["conv.k3_up1_down2_flip1"]))


@pytest.mark.parametrize(("gain", "clamp"), [(1.0, 2.0), (0.5, 4.0)])
def test_a_convolution_is_clamped_after_its_gain(ops: dict[str, Tensor], gain: float, clamp: float) -> None:
    layer = Convolution(4, 5, 3, conv_clamp=clamp)
    with torch.no_grad():
        layer.weight.copy_(ops["conv.w3"] * 6)
    expected = (leaky_relu(ops["conv.k3_up1_down1_flip1"]) * gain).clamp(-clamp * gain, clamp * gain)
    assert_close(layer.requires_grad_(False)(ops["conv.x3"], gain), expected)


def test_leaky_relu_has_a_gain_of_root_two(ops: dict[str, Tensor]) -> None:
    biased = ops["bias_act.x"] + ops["bias_act.b"][None, :, None, None]
    assert_close(leaky_relu(biased), ops["bias_act.lrelu"])


def test_leaky_relu_clamps_after_the_gain(ops: dict[str, Tensor]) -> None:
    biased = ops["bias_act.x"] + ops["bias_act.b"][None, :, None, None]
    assert_close(leaky_relu(biased, clamp=0.7), ops["bias_act.lrelu"].clamp(-0.7, 0.7))


@pytest.mark.parametrize(
    ("name", "activate", "lr_multiplier"), [("fc", True, 0.01), ("fc_linear", False, 1.0)]
)
def test_fully_connected_layers_scale_weights_and_bias_when_used(
    ops: dict[str, Tensor], name: str, activate: bool, lr_multiplier: float
) -> None:
    layer = FullyConnected(7, 6, activate=activate, lr_multiplier=lr_multiplier)
    layer.load_state_dict({"weight": ops[f"{name}.weight"], "bias": ops[f"{name}.bias"]})
    assert_close(layer(ops["fc.x"]), ops[f"{name}.out"])


def test_latents_are_normalised_to_unit_second_moment(ops: dict[str, Tensor]) -> None:
    mapping = MappingNetwork(z_dim=7, w_dim=7, num_ws=1, num_layers=1)
    seen: list[Tensor] = []
    mapping.get_submodule("fc0").register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    mapping(ops["norm.z"])
    assert_close(seen[0], ops["norm.out"])


def test_modulated_convolution_with_demodulation(ops: dict[str, Tensor]) -> None:
    actual = modulated_convolution(ops["mod.x"], ops["mod.w3"], ops["mod.styles"], demodulate=True)
    assert_close(actual + ops["mod.noise5"], ops["mod.conv_fused1"])


def test_modulated_convolution_without_demodulation(ops: dict[str, Tensor]) -> None:
    actual = modulated_convolution(ops["mod.x"], ops["mod.w3"], ops["mod.styles"], demodulate=False)
    assert_close(actual, ops["mod.conv_nodemod_fused1"])


def test_modulated_convolution_to_rgb(ops: dict[str, Tensor]) -> None:
    actual = modulated_convolution(ops["mod.x"], ops["mod.w1"], ops["mod.styles"], demodulate=False)
    assert_close(actual, ops["mod.torgb_fused1"])


def test_modulated_up_convolution(ops: dict[str, Tensor]) -> None:
    actual = modulated_convolution(
        ops["mod.x"],
        ops["mod.w3"],
        ops["mod.styles"],
        demodulate=True,
        up_kernel=ops["setup_filter.k1331"],
    )
    assert_close(actual + ops["mod.noise10"], ops["mod.up2_fused1"])


def test_up_convolution_alone(ops: dict[str, Tensor]) -> None:
    x = ops["conv.x3"]
    actual = modulated_convolution(
        x,
        ops["conv.w3"],
        torch.ones(x.shape[:2]),
        demodulate=False,
        up_kernel=ops["setup_filter.k1331"],
    )
    assert_close(actual, ops["conv.k3_up2_down1_flip0"])


@pytest.mark.parametrize(
    "taps", [(1.0,), (1, 2), (1, 2, 5), (1, 2, 5, 3), (1, 2, 5, 3, 2), (2, 2, 5, 3, 1, 1)]
)
def test_up_convolution_is_filtered_upsampling_then_convolution(
    ops: dict[str, Tensor], taps: tuple[float, ...]
) -> None:
    x, weight, kernel, k = ops["conv.x3"], ops["conv.w3"], fir_kernel(taps), len(taps)
    before, after = 1 + (k + 1) // 2, 1 + (k - 2) // 2
    filtered = fir(with_zeros_between(x, 2), kernel, (before, after, before, after), gain=4)
    expected = F.conv2d(filtered, weight.flip([2, 3]))
    actual = modulated_convolution(x, weight, torch.ones(x.shape[:2]), demodulate=False, up_kernel=kernel)
    assert actual.shape[2:] == (2 * x.shape[2], 2 * x.shape[3])
    assert_close(actual, expected)

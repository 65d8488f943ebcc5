"""Adaptive augmentation: what each transformation does to a picture, and how p follows overfitting."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.training.augmentation import (
    Augmentation,
    adapt,
    augment,
    flip_luma,
    observe,
    random_colours,
    random_geometry,
    recolour,
    rotate_hue,
    saturate,
    warp,
)


def picture(n: int = 1) -> Tensor:
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def affine(rows: list[list[float]]) -> Tensor:
    return torch.tensor([rows], dtype=torch.float32)


def offset(matrix: Tensor) -> Tensor:
    return torch.cat([matrix, torch.zeros(len(matrix), 3, 1)], dim=2)


def test_with_p_zero_nothing_is_touched() -> None:
    x = picture()
    assert augment(x, 0.0) is x


@pytest.mark.parametrize(
    ("inverse", "expected"),
    [
        ([[-1, 0, 0], [0, 1, 0]], lambda x: x.flip(3)),
        ([[0, 1, 0], [-1, 0, 0]], lambda x: x.rot90(1, (3, 2))),
        ([[1, 0, 2 * 3 / 16], [0, 1, 0]], lambda x: torch.cat([x[..., 3:], x[..., 13:].flip(3)], dim=3)),
    ],
)
def test_flips_quarter_turns_and_whole_pixels_are_exact(inverse: list[list[float]], expected) -> None:  # type: ignore[no-untyped-def]
    """The border that a shift leaves is the mirrored picture."""
    x = picture()
    torch.testing.assert_close(warp(x, affine(inverse)), expected(x), atol=1e-5, rtol=1e-5)


def test_the_maps_of_a_batch_are_what_the_paper_draws() -> None:
    torch.manual_seed(0)
    maps = random_geometry(torch.zeros(4000, 3, 16, 16), 0.5)
    determinant = torch.linalg.det(maps[:, :, :2])
    # A quarter is flipped: half of the half that is touched. Area changes by 2^(0.4 N) in half of them.
    assert (determinant < 0).float().mean() == pytest.approx(0.25, abs=0.03)
    scaled = determinant.abs().log2().abs() > 1e-4
    assert scaled.float().mean() == pytest.approx(0.5, abs=0.03)
    assert determinant.abs().log2()[scaled].std() == pytest.approx(0.4, abs=0.03)
    assert torch.allclose(random_geometry(torch.zeros(8, 3, 16, 16), 0.0), torch.eye(3)[:2], atol=1e-6)


def test_hue_turns_about_grey_and_a_third_of_a_turn_exchanges_the_channels() -> None:
    turn = rotate_hue(torch.tensor([2 * math.pi / 3]))
    x = picture()
    torch.testing.assert_close(recolour(x, offset(turn)), x[:, [2, 0, 1]], atol=1e-5, rtol=1e-5)


def test_saturation_zero_leaves_the_mean_of_the_channels() -> None:
    x = picture()
    grey = recolour(x, offset(saturate(torch.tensor([0.0]))))
    torch.testing.assert_close(grey, x.mean(dim=1, keepdim=True).expand_as(x), atol=1e-6, rtol=1e-5)


def test_flipping_luma_negates_the_mean_and_keeps_the_colour() -> None:
    x = picture()
    flipped = recolour(x, offset(flip_luma(torch.tensor([1.0]))))
    mean = x.mean(dim=1, keepdim=True)
    torch.testing.assert_close(flipped, x - 2 * mean, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(recolour(x, offset(flip_luma(torch.tensor([0.0])))), x)


def test_colours_are_left_alone_with_p_zero_and_changed_with_p_one() -> None:
    x = picture(8)
    torch.testing.assert_close(recolour(x, random_colours(x, 0.0)), x, atol=1e-6, rtol=1e-5)
    torch.manual_seed(0)
    brightness = random_colours(torch.zeros(4000, 3, 1, 1), 1.0)
    # Grey stays grey: offset and gain are the same for all channels.
    level = brightness.sum(dim=2)
    torch.testing.assert_close(level, level[:, :1].expand(-1, 3), atol=1e-4, rtol=1e-4)


def test_augmented_pictures_have_a_gradient() -> None:
    torch.manual_seed(0)
    x = picture(4).requires_grad_(True)
    augment(x, 1.0).square().sum().backward()
    assert x.grad is not None and bool((x.grad.abs().amax(dim=(1, 2, 3)) > 0).all())


@pytest.mark.parametrize(("sign", "expected"), [(1.0, 0.5 + 32 / 1000), (-1.0, 0.5 - 32 / 1000)])
def test_p_rises_while_the_discriminator_overfits_and_falls_otherwise(sign: float, expected: float) -> None:
    state = Augmentation(p=0.5)
    for _ in range(4):
        observe(state, sign * torch.ones(8, 1))
    assert adapt(state, 0.6, 1000) == sign
    assert state.p == pytest.approx(expected)
    assert (state.signs, state.count) == (0.0, 0)


def test_p_stays_between_zero_and_one() -> None:
    state = Augmentation(p=0.01)
    observe(state, -torch.ones(100, 1))
    adapt(state, 0.6, 1000)
    assert state.p == 0.0
    state.p = 0.99
    observe(state, torch.ones(100, 1))
    adapt(state, 0.6, 1000)
    assert state.p == 1.0

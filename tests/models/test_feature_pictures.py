"""Feature maps as pictures: what their colours and spectra say."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.stylegan2.feature_pictures import pictures_of, scale_of, spectra

MAPS = torch.tensor([[[0.0, 1.0], [2.0, 4.0]], [[-6.0, 0.0], [0.0, 10.0]]])
BOTH = torch.tensor([0, 1])


def test_a_range_goes_from_black_to_white_in_each_channel() -> None:
    scale = scale_of(MAPS, BOTH, "channel", "range", 1.0)
    assert (scale.low.tolist(), scale.high.tolist()) == ([0, -6], [4, 10])
    pictures = pictures_of(MAPS, scale)
    assert pictures[0, :, :, 0].tolist() == [[0, 64], [128, 255]]
    assert (pictures == pictures[..., :1]).all()


def test_one_scale_for_the_layer_keeps_channels_comparable() -> None:
    scale = scale_of(MAPS, BOTH, "layer", "range", 1.0)
    assert (scale.low.tolist(), scale.high.tolist()) == ([-6, -6], [10, 10])
    pictures = pictures_of(MAPS, scale)
    assert pictures[0, 0, 0, 0] == pictures[1, 0, 1, 0]  # both are zero


def test_deviations_are_light_at_the_mean_and_coloured_on_either_side() -> None:
    channel = torch.tensor([1])
    scale = scale_of(MAPS, channel, "channel", "deviations", 2.0)
    deviation = math.sqrt((49 + 1 + 1 + 81) / 4)
    assert scale.low.item() == pytest.approx(1 - 2 * deviation)
    assert scale.high.item() == pytest.approx(1 + 2 * deviation)
    (picture,) = pictures_of(MAPS[channel], scale).astype(int)
    below, above = picture[0, 0], picture[1, 1]
    assert below[2] > below[0] and above[0] > above[2]
    assert picture[0, 1].min() > 220


@pytest.mark.parametrize("spread", ["range", "deviations"])
def test_a_map_of_one_number_is_neither_end(spread: str) -> None:
    flat = torch.full((1, 2, 2), 3.0)
    scale = scale_of(flat, torch.tensor([0]), "channel", "range" if spread == "range" else "deviations", 1.0)
    picture = pictures_of(flat, scale)
    assert (picture == picture[0, 0, 0]).all() and 100 < picture.min() <= picture.max() < 250


def wave(side: int, cycles: int) -> Tensor:
    return torch.cos(2 * math.pi * cycles * torch.arange(side) / side).expand(1, side, side)


def test_a_wave_is_two_points_of_its_spectrum() -> None:
    spectrum = spectra(wave(32, 5))[0]
    row, column = divmod(int(spectrum.argmax()), 32)
    assert (row, abs(column - 16)) == (16, 5)
    assert float(spectrum[0, 0]) < float(spectrum.max()) - 60


def test_nothing_lies_far_below_the_strongest_frequency() -> None:
    spectrum = spectra(torch.cat([torch.zeros(1, 8, 8), 1e6 * wave(8, 1)]))
    assert torch.isfinite(spectrum).all()
    assert float((spectrum.amax(dim=(1, 2)) - spectrum.amin(dim=(1, 2))).max()) <= 100

"""Feature maps as pictures: which numbers are black and white, or blue and orange; and their spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Scope = Literal["channel", "layer"]
Spread = Literal["range", "deviations"]

_BELOW, _MIDDLE, _ABOVE = (38, 106, 196), (245, 244, 240), (206, 84, 24)
_FLOOR_DB = 100.0  # below the strongest frequency nothing is told apart: zeros would stretch the scale
_TINY = 1e-12


@dataclass(frozen=True)
class Scale:
    """The numbers at the two ends of the colours, [C] each."""

    low: Tensor
    high: Tensor
    spread: Spread


def scale_of(maps: Tensor, chosen: Tensor, scope: Scope, spread: Spread, deviations: float) -> Scale:
    """For the chosen channels [C'] of maps [C, r, r].

    scope: whether the numbers of each channel alone or of the whole layer count. spread: "range" is from the
    least to the greatest number, "deviations" the mean minus and plus so many standard deviations.
    """
    count = len(chosen)
    numbers = maps[chosen].flatten(1) if scope == "channel" else maps.reshape(1, -1)
    if spread == "range":
        low, high = numbers.amin(dim=1), numbers.amax(dim=1)
    else:
        middle = numbers.mean(dim=1)
        reach = deviations * numbers.std(dim=1, correction=0)
        low, high = middle - reach, middle + reach
    return Scale(low.double().expand(count), high.double().expand(count), spread)


def pictures_of(maps: Tensor, scale: Scale) -> NDArray[np.uint8]:
    """Maps [C, r, r] in colours [C, r, r, 3].

    A range goes from black to white. Deviations go from blue over light, the mean, to orange. A map of one
    number is grey, or light.
    """
    low, high = scale.low[:, None, None], scale.high[:, None, None]
    share = ((maps.double() - low) / (high - low).clamp(min=_TINY)).clamp(0, 1)
    flat = (high - low) < _TINY
    numbers = torch.where(flat, 0.5, share).cpu().numpy()[..., None]
    if scale.spread == "range":
        coloured = np.repeat(numbers * 255, 3, axis=-1)
    else:
        off = np.abs(2 * numbers - 1)
        ends = np.where(numbers < 0.5, np.array(_BELOW), np.array(_ABOVE))
        coloured = np.array(_MIDDLE) * (1 - off) + ends * off
    pictures: NDArray[np.uint8] = coloured.round().astype(np.uint8)
    return pictures


def spectra(maps: Tensor) -> Tensor:
    """The power of each frequency of maps [C, r, r] in decibels [C, r, r], frequency zero in the middle.

    Under a Hann window, because a picture's opposite edges do not fit; at most 100 dB below the strongest.
    """
    side = maps.shape[-1]
    window = torch.hann_window(side + 2, periodic=False, dtype=torch.float64, device=maps.device)[1:-1]
    windowed = maps.double() * window[:, None] * window
    power = torch.fft.fftshift(torch.fft.fft2(windowed), dim=(-2, -1)).abs().square()
    decibels = 10 * (power + _TINY).log10()
    floor: Tensor = decibels.amax(dim=(1, 2), keepdim=True) - _FLOOR_DB
    return torch.maximum(decibels, floor)

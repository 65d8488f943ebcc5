"""Feature maps laid out on a sheet: equal tiles, each pixel of a small map enlarged to a square."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from models.stylegan2.feature_maps import channels_by_strength
from models.stylegan2.feature_pictures import Scale, pictures_of, scale_of, spectra
from server.engine.frames import encode_png
from server.engine.inspection_interface import ActivationRequest, ActivationSheet
from server.problems import Problem

BLANK = 128
DIGITS = 4  # of the numbers at the ends of the colours


@dataclass(frozen=True)
class ChosenMaps:
    """What is to be shown [C', r, r] of a layer with `total` channels."""

    values: Tensor
    channels: tuple[int, ...]
    scale: Scale
    total: int


def choose_maps(maps: Tensor, request: ActivationRequest) -> ChosenMaps:
    """Of a layer's maps [C, r, r]. Raises Problem document_does_not_fit where it has no such channels.

    The scale of a layer's spectra is of those that are shown: of all, they would need too much memory.
    """
    look, total = request.look, len(maps)
    if request.first >= total:
        raise Problem("document_does_not_fit", f"This layer's channels are counted from 0 to {total - 1}.")
    order = channels_by_strength(maps) if request.order == "strength" else torch.arange(total)
    chosen = order.to(maps.device)[request.first : request.first + request.count]
    values, seen, places = maps[chosen], maps, chosen
    if look.shown == "spectra":
        values = seen = spectra(values)
        places = torch.arange(len(chosen), device=maps.device)
    scale = scale_of(seen, places, look.scope, look.spread, look.deviations)
    return ChosenMaps(values, tuple(chosen.tolist()), scale, total)


def sheet_of(maps: ChosenMaps, side: int) -> ActivationSheet:
    """A PNG of at most side x side; no map is larger than its own resolution unless it can be so evenly."""
    count, resolution = len(maps.channels), maps.values.shape[-1]
    columns = math.ceil(math.sqrt(count))
    tile = _tile_side(resolution, side // columns)
    sheet = np.full((math.ceil(count / columns) * tile, columns * tile, 3), BLANK, np.uint8)
    for index, picture in enumerate(pictures_of(_fitted(maps.values, tile), maps.scale)):
        top, left = divmod(index, columns)
        times = tile // picture.shape[0]
        enlarged = picture.repeat(times, axis=0).repeat(times, axis=1)
        sheet[top * tile :, left * tile :][:tile, :tile] = enlarged
    return ActivationSheet(
        encode_png(sheet),
        resolution,
        maps.total,
        columns,
        maps.channels,
        _rounded(maps.scale.low),
        _rounded(maps.scale.high),
    )


def _tile_side(resolution: int, room: int) -> int:
    return resolution * (room // resolution) if resolution <= room else room


def _fitted(values: Tensor, side: int) -> Tensor:
    """Maps [C, r, r] at most that large, by area."""
    return values if values.shape[-1] <= side else adaptive_avg_pool2d(values, side)


def _rounded(numbers: Tensor) -> tuple[float, ...]:
    return tuple(float(f"{number:.{DIGITS}g}") for number in numbers.tolist())

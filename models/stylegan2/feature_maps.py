"""What the layers of a synthesis network compute on the way to a picture, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.stylegan2.generator import SynthesisLayer, SynthesisNetwork

_BRIGHTEST = 0.995  # this part of the numbers lies below full colour: single peaks would darken all the rest
_NEGATIVE, _ZERO, _POSITIVE = (38, 106, 196), (245, 244, 240), (206, 84, 24)


@dataclass(frozen=True)
class MapStatistics:
    """Of the numbers of one feature map."""

    minimum: float
    maximum: float
    mean: float
    deviation: float


@torch.no_grad()
def feature_maps(
    network: SynthesisNetwork, ws: Tensor, layer: int, noise: Sequence[Tensor | None] | None = None
) -> Tensor:
    """The output [N, C, r, r] of a 3x3 convolution with its noise, bias and activation, for ws [N, L, w_dim].

    layer: counted as the noise maps are, 4x4 first, then two a block. noise: as for synthesis. Blocks above
    are not computed. Raises ValueError where there is no such layer, or as synthesis does.
    """
    layers = _layers(network)
    if not 0 <= layer < len(layers):
        raise ValueError(f"the layer must lie in 0..{len(layers) - 1}, not {layer}")
    wanted = layers[layer]
    caught: list[Tensor] = []
    hook = wanted.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    stop = next(r for r in network.rgb_resolutions if r >= wanted.resolution)
    try:
        network(ws, noise=noise, resolution=stop)  # by the modules: nothing else calls hooks
    finally:
        hook.remove()
    return caught[0]


def map_picture(values: Tensor) -> NDArray[np.uint8]:
    """One map [r, r] in colours [r, r, 3]: light is zero, orange positive, blue negative."""
    numbers = values.detach().double().cpu().numpy()
    full = float(np.quantile(np.abs(numbers), _BRIGHTEST)) or 1.0
    share = np.clip(numbers / full, -1, 1)[..., None]
    ends = np.where(share < 0, np.array(_NEGATIVE), np.array(_POSITIVE))
    coloured = np.array(_ZERO) * (1 - np.abs(share)) + ends * np.abs(share)
    picture: NDArray[np.uint8] = coloured.round().astype(np.uint8)
    return picture


def map_statistics(values: Tensor) -> MapStatistics:
    """Of one map [r, r]."""
    numbers = values.detach().double()
    return MapStatistics(
        float(numbers.min()), float(numbers.max()), float(numbers.mean()), float(numbers.std(correction=0))
    )


def strength_of_channels(maps: Tensor) -> Tensor:
    """Root mean square [C] of each of the maps [C, r, r]: which channels have anything to say."""
    return maps.square().mean(dim=(1, 2)).sqrt()


def _layers(network: SynthesisNetwork) -> list[SynthesisLayer]:
    return [module for module in network.modules() if isinstance(module, SynthesisLayer)]

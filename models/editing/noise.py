"""Noise maps for the synthesis network from a short specification of each layer: a seed and a strength."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.stylegan2.generator import Generator

Draw = Callable[[int], Sequence[Tensor]]


@dataclass(frozen=True)
class LayerNoise:
    """seed None: the stored map; else the one that drawn_maps gives the layer. strength multiplies it."""

    seed: int | None = None
    strength: float = 1.0


def drawn_maps(generator: Generator, seed: int) -> list[Tensor]:
    """A map [1, 1, r, r] for every layer, all from one RandomState in the order of the layers, so that they
    are the same on every device.
    """
    random = np.random.RandomState(seed)
    return [
        torch.from_numpy(random.randn(1, 1, *stored.shape)).to(stored.device, stored.dtype)
        for stored in generator.synthesis.noise_maps()
    ]


def noise_maps(
    generator: Generator,
    layers: Sequence[LayerNoise],
    stored: Sequence[Tensor] | None = None,
    draw: Draw | None = None,
) -> list[Tensor | None] | None:
    """For every layer a map [1, 1, r, r], or None for the generator's own as it is; None where all are that.

    stored: maps [1, 1, r, r] in place of the generator's own. draw: drawn_maps, remembered. A map at strength
    1 is the very tensor it came from, so that what was computed with it can be found again.
    Returns None for a generator without noise inputs. Raises ValueError for a strength that is not finite, or
    where there are not as many specifications as layers.
    """
    if not all(math.isfinite(layer.strength) for layer in layers):
        raise ValueError("the noise strength must be a finite number")
    own = [stored_map[None, None] for stored_map in generator.synthesis.noise_maps()]
    if not own:
        return None
    if len(layers) != len(own):
        raise ValueError(f"noise needs {len(own)} specifications, not {len(layers)}")
    maps: list[Tensor | None] = []
    for index, layer in enumerate(layers):
        if layer.seed is not None:
            drawn = draw(layer.seed) if draw else drawn_maps(generator, layer.seed)
            maps.append(_times(drawn[index], layer.strength))
        elif stored is not None:
            maps.append(_times(stored[index], layer.strength))
        else:
            maps.append(None if layer.strength == 1 else own[index] * layer.strength)
    return None if all(each is None for each in maps) else maps


def _times(values: Tensor, strength: float) -> Tensor:
    return values if strength == 1 else values * strength

"""The noise of a document as maps for the synthesis, remembered so that a changed layer is one changed map.

Only what lies above it is then computed again (models.stylegan2.native.memory). Runs on the compute thread.
"""

from __future__ import annotations

import json

import torch
from torch import Tensor

from models.editing.noise import LayerNoise, drawn_maps, noise_maps
from models.stylegan2.generator import Generator
from server.documents import NoiseSpec
from server.engine.cache import StageCache
from server.engine.latents import Array

DRAWS_CAPACITY = 8  # of maps for all layers: 11 MB each where the picture is 1024 wide
MAPS_CAPACITY = 4


def noise_key(spec: NoiseSpec) -> str:
    """What of a specification makes a picture another one."""
    layers = [[layer, own.seed, own.strength] for layer, own in sorted(spec.layers.items())]
    return json.dumps([spec.seed, spec.strength, layers])


class NoiseStage:
    """Of one generator, whose tuned copies have the same maps."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._draws: StageCache[list[Tensor]] = StageCache(DRAWS_CAPACITY)
        self._maps: StageCache[list[Tensor | None] | None] = StageCache(MAPS_CAPACITY)
        self._found: StageCache[list[Tensor]] = StageCache(MAPS_CAPACITY)

    def maps(
        self, spec: NoiseSpec, latent: str | None = None, found: tuple[Array, ...] = ()
    ) -> list[Tensor | None] | None:
        """For the synthesis. found: the maps [r, r] that the latent of that id was found with, if any; they
        are its stored ones.
        """
        owner = latent if found else None
        return self._maps.get_or_compute(
            json.dumps([owner, noise_key(spec)]), lambda: self._compute(spec, owner, found)
        )

    def _compute(
        self, spec: NoiseSpec, owner: str | None, found: tuple[Array, ...]
    ) -> list[Tensor | None] | None:
        count = len(self._generator.synthesis.noise_resolutions)
        layers = [LayerNoise(*spec.of_layer(layer)) for layer in range(count)]
        stored = self._found.get_or_compute(owner, lambda: self._tensors(found)) if owner else None
        return noise_maps(self._generator, layers, stored, self._draw)

    def _draw(self, seed: int) -> list[Tensor]:
        return self._draws.get_or_compute(str(seed), lambda: drawn_maps(self._generator, seed))

    def _tensors(self, found: tuple[Array, ...]) -> list[Tensor]:
        device = self._generator.w_avg.device
        return [torch.from_numpy(each).to(device)[None, None] for each in found]

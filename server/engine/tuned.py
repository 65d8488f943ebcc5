"""Generators that were adapted to one face (pivotal tuning), beside the one they were made from.

That one is not changed, and everybody else's pictures come from it.
"""

from __future__ import annotations

import torch

from models.projection.tuning import apply_tuning, tuning_of
from models.stylegan2.generator import Generator
from models.weights import CheckpointError
from server.engine.cache import StageCache
from server.engine.latents import Latent
from server.problems import Problem

CAPACITY = 2  # each has convolutions of its own: as much memory as most of a generator


class TunedGenerators:
    """Of one generator, by latent; what was not used for longest goes first. Used by one thread only."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._tuned: StageCache[Generator] = StageCache(CAPACITY)

    def of(self, key: str, latent: Latent) -> Generator:
        """What a latent is rendered with: the generator itself where nothing was tuned.

        key names the latent. Raises Problem unknown_latent where the tuning is damaged.
        """
        if not latent.tuning:
            return self._generator
        return self._tuned.get_or_compute(key, lambda: tuned(self._generator, latent))


def tuned(generator: Generator, latent: Latent) -> Generator:
    """The generator with a latent's tuning. Raises Problem unknown_latent where that does not fit it."""
    try:
        factors = {name: torch.from_numpy(values.copy()) for name, values in latent.tuning.items()}
        return apply_tuning(generator, tuning_of(factors))
    except CheckpointError as error:
        raise Problem("unknown_latent", "The stored latent is damaged.") from error

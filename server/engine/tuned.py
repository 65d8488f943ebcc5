"""Generators that were adapted to one face (pivotal tuning), beside the one they were made from.

That one is not changed, and everybody else's pictures come from it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import torch

from models.projection.tuning import apply_tuning, tunable_weights, tuning_of
from models.stylegan2.generator import Generator
from models.stylegan2.native.entry import packed_bytes
from models.weights import CheckpointError
from server.engine.latents import Latent
from server.problems import Problem

CAPACITY = 2  # each has convolutions of its own: as much memory as most of a generator


@dataclass(frozen=True)
class _Tuned:
    generator: Generator
    bytes: int


class TunedGenerators:
    """Of one generator, by latent; what was not used for longest goes first. `of` is the compute thread's;
    others may look at bytes, and ask for room.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._changing = threading.Lock()
        self._tuned: OrderedDict[str, _Tuned] = OrderedDict()  # the one used last is last

    @property
    def bytes(self) -> int:
        """What they hold beside the generator that they were made from."""
        with self._changing:
            return sum(tuned.bytes for tuned in self._tuned.values())

    def of(self, key: str, latent: Latent) -> Generator:
        """What a latent is rendered with: the generator itself where nothing was tuned.

        key names the latent. Raises Problem unknown_latent where the tuning is damaged.
        """
        if not latent.tuning:
            return self._generator
        with self._changing:
            known = self._tuned.get(key)
            if known is not None:
                self._tuned.move_to_end(key)
                return known.generator
        made = tuned(self._generator, latent)
        with self._changing:
            self._tuned[key] = _Tuned(made, _own_bytes(made, self._generator))
        self.keep(CAPACITY)
        return made

    def keep(self, count: int) -> None:
        """Forget all but so many. Who is just rendering with one keeps it until it is done."""
        with self._changing:
            while len(self._tuned) > count:
                self._tuned.popitem(last=False)


def tuned(generator: Generator, latent: Latent) -> Generator:
    """The generator with a latent's tuning. Raises Problem unknown_latent where that does not fit it."""
    try:
        factors = {name: torch.from_numpy(values.copy()) for name, values in latent.tuning.items()}
        return apply_tuning(generator, tuning_of(factors))
    except CheckpointError as error:
        raise Problem("unknown_latent", "The stored latent is damaged.") from error


def _own_bytes(made: Generator, original: Generator) -> int:
    """Of the convolutions that are its own, and of the form in which kernels keep all of them once more."""
    shared = {weight.data_ptr() for weight in tunable_weights(original).values()}
    own = [weight for weight in tunable_weights(made).values() if weight.data_ptr() not in shared]
    return sum(weight.numel() * weight.element_size() for weight in own) + packed_bytes(made.synthesis)

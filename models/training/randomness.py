"""Random numbers of a training step: a function of the run's seed and the step, of nothing before it.

So an interrupted run goes on to the same weights without storing any generator's state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

BEFORE_THE_FIRST = 2**32 - 1  # the step number of what happens once before a phase


def step_seed(seed: int, phase: int, step: int) -> int:
    """A number of 63 bits, unrelated for neighbouring steps."""
    words = np.random.SeedSequence([seed, phase, step]).generate_state(2)
    return (int(words[0]) << 31) ^ int(words[1])


@contextmanager
def step_randomness(
    seed: int, phase: int, step: int, device: torch.device
) -> Iterator[np.random.RandomState]:
    """PyTorch's global random numbers, and a NumPy generator, of one step; the caller's are put back."""
    value = step_seed(seed, phase, step)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(value)
        yield np.random.RandomState(value % 2**32)

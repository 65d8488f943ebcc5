"""Adam for every kind of phase: which parameters learn, and how fast."""

from __future__ import annotations

import math

from torch import nn
from torch.optim import Adam

from models.stylegan2.discriminator import Discriminator
from models.stylegan2.generator import Generator
from models.stylegan2.operations import FullyConnected
from models.training.phases import AdversarialPhase, MappingLesson, PairPhase, Phase

WARM_UP_STEPS = 50  # every phase begins with a fresh Adam, whose first steps are long for what it knows
# Pairs leave noise layers below this resolution silent, as they are in an untrained network: where the same
# maps come with every face, coarse ones become landmarks, and drawn anew they would move the eyes.
NOISE_FROM = 64
BIAS_SLOWNESS = 25.0  # in the mapping's lesson: a weight acts divided by the root of its layer's width


def lazy_adam(learning_rate: float, interval: int) -> dict[str, object]:
    """Adam's settings (betas 0 and 0.99) where a regulariser takes a step of its own every `interval` steps
    and is multiplied by it: rate and memory shrink by interval / (interval + 1), so that both together act
    as one step did (StyleGAN2, appendix B, "Lazy regularization")."""
    ratio = interval / (interval + 1)
    return {"lr": learning_rate * ratio, "betas": (0.0, 0.99**ratio), "eps": 1e-8}


def generator_optimizer(generator: Generator, phase: Phase) -> Adam:
    """Adam over what learns of the generator in this phase."""
    if isinstance(phase, MappingLesson):
        return _lesson_optimizer(generator, phase)
    if isinstance(phase, AdversarialPhase):
        return Adam(generator.parameters(), **lazy_adam(phase.learning_rate, phase.path_length_interval))  # type: ignore[arg-type]
    synthesis = dict(generator.synthesis.named_parameters())
    synthesis = {name: value for name, value in synthesis.items() if not is_coarse_noise(name)}
    groups = [
        {"params": [v for n, v in synthesis.items() if ".affine." not in n], "lr": phase.learning_rate},
        {
            "params": [v for n, v in synthesis.items() if ".affine." in n],
            "lr": phase.learning_rate * phase.style_speed,
        },
    ]
    return Adam(groups, betas=(0.9, 0.99), eps=1e-8)


def _lesson_optimizer(generator: Generator, phase: MappingLesson) -> Adam:
    """Stored weights are 1 / lr_multiplier times what acts, so the step is enlarged to match."""
    rate = phase.learning_rate / lr_multiplier(generator.mapping)
    named = list(generator.mapping.named_parameters())
    groups = [
        {"params": [v for n, v in named if n.endswith("weight")], "lr": rate},
        {"params": [v for n, v in named if n.endswith("bias")], "lr": rate / BIAS_SLOWNESS},
    ]
    return Adam(groups, betas=(0.9, 0.99), eps=1e-8)


def discriminator_optimizer(discriminator: Discriminator, phase: Phase) -> Adam:
    """Adam over the discriminator, its rate lowered for the lazy R1 penalty."""
    assert isinstance(phase, PairPhase | AdversarialPhase) and phase.adversary is not None
    settings = lazy_adam(phase.adversary.learning_rate, phase.adversary.r1_interval)
    return Adam(discriminator.parameters(), **settings)  # type: ignore[arg-type]


def set_rate(optimizer: Adam, factor: float) -> None:
    """Set every group's learning rate to factor times the one it was made with."""
    for group in optimizer.param_groups:
        group.setdefault("full_lr", group["lr"])
        group["lr"] = group["full_lr"] * factor


def warm_up(step: int) -> float:
    """Factor of the learning rate in the first steps of a phase."""
    return min((step + 1) / WARM_UP_STEPS, 1.0)


def one_cycle(step: int, steps: int, warm: float = 0.1, start: float = 1 / 25, end: float = 1e-4) -> float:
    """Factor of the peak learning rate: half a cosine up over the share `warm` of the steps, half a cosine
    down to `end` over the rest."""
    peak = max(warm * steps, 1.0)
    if step < peak:
        low, share = start, step / peak
    else:
        low, share = end, 1 - (step - peak) / max(steps - 1 - peak, 1.0)
    return low + (1 - low) * 0.5 * (1 - math.cos(math.pi * min(max(share, 0.0), 1.0)))


def lr_multiplier(mapping: nn.Module) -> float:
    """By how much the mapping's stored weights act less than they are large."""
    layer = mapping.get_submodule("fc0")
    assert isinstance(layer, FullyConnected)
    return layer.lr_multiplier


def is_coarse_noise(name: str) -> bool:
    """Whether the synthesis parameter b<resolution>.<layer>.noise_strength lies below NOISE_FROM."""
    return name.endswith("noise_strength") and int(name.split(".")[0][1:]) < NOISE_FROM

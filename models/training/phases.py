"""What a training run of a generator consists of: phases, as plain values that decide all that happens."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from models.stylegan2.generator_config import GeneratorConfig

Score = Literal["pair", "energy"]


@dataclass(frozen=True)
class Adversary:
    """The discriminator's part of a phase: logistic losses, lazy R1, adaptive augmentation.

    r1_gamma None takes 0.0002 * resolution^2 / batch, the rule of StyleGAN2-ADA (its appendix C).
    """

    weight: float = 1.0  # of the adversarial loss in the generator's
    learning_rate: float = 2e-3
    channel_base: int = 4096
    channel_max: int = 256
    group: int = 4  # pictures that minibatch standard deviation compares
    r1_gamma: float | None = None
    r1_interval: int = 16  # steps
    ada_target: float | None = None  # r_t aimed at (paper: 0.6); None: no augmentation
    ada_interval: int = 4  # steps
    ada_full_scale: int = 500_000  # pictures within which p may go from 0 to 1

    def gamma(self, resolution: int, batch: int) -> float:
        """Weight of R1."""
        return 0.0002 * resolution**2 / batch if self.r1_gamma is None else self.r1_gamma


@dataclass(frozen=True)
class PairPhase:
    """G draws the render of z, and is compared with it.

    Only synthesis learns: from so few pictures a step the mapping would forget more of its lesson than they
    teach it (docs/training.md).

    energy: two noise draws a face under the energy score, so that noise learns what z does not decide.
    noise_kept: what is left of the noise strengths at the end. A short phase learns grain everywhere before
    it learns to keep it to hair.
    texture_weight: of losses.texture_distance.
    """

    name: str
    resolution: int  # level of the synthesis network that is compared
    steps: int
    score: Score = "pair"
    batch: int = 8
    learning_rate: float = 2e-3  # for stored synthesis weights
    style_speed: float = 5.0  # how much faster affine layers learn: w is 512 wide, what counts is not
    perceptual_weight: float = 0.5
    texture_weight: float = 0.0
    mixing: float = 0.7  # share of the faces whose layer groups know only their own factors
    average_half_life: float = 1_500.0  # pictures
    average_ramp_up: float = 0.3
    noise_kept: float = 1.0
    adversary: Adversary | None = None


@dataclass(frozen=True)
class MappingLesson:
    """The mapping is put together, and then learns w(z) by regression, without pictures. Comes first."""

    name: str
    steps: int
    batch: int = 512
    # Peak, times 1 / lr_multiplier; ten times as much undoes what was put together.
    learning_rate: float = 3e-4


@dataclass(frozen=True)
class AdversarialPhase:
    """StyleGAN2's game against pictures whose latents nobody knows."""

    name: str
    resolution: int  # level of the synthesis network that plays: lower first is the progressive start
    steps: int
    batch: int = 32
    learning_rate: float = 2e-3
    style_mixing: float = 0.9
    path_length_weight: float = 2.0
    path_length_interval: int = 4  # steps
    path_length_decay: float = 0.01
    path_length_shrink: int = 2  # path lengths are measured on so many times fewer pictures
    average_half_life: float = 10_000.0
    average_ramp_up: float = 0.05
    adversary: Adversary = Adversary(channel_base=32768, channel_max=512, ada_target=0.6)


Phase = PairPhase | MappingLesson | AdversarialPhase


@dataclass(frozen=True)
class Recipe:
    """A generator, the phases of its training in order, and the seed of all that is random.

    Raises ValueError for a mapping lesson that is not the first phase.
    """

    name: str
    config: GeneratorConfig
    phases: tuple[Phase, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        if any(isinstance(phase, MappingLesson) for phase in self.phases[1:]):
            raise ValueError("a mapping's lesson comes first, since what is drawn from w depends on it")

    def as_json(self) -> dict[str, object]:
        """Everything, as JSON gives it back."""
        phases = [_phase_values(phase) for phase in self.phases]
        return {"name": self.name, "config": _values(self.config), "seed": self.seed, "phases": phases}


def check_continues(recipe: Recipe, started: dict[str, object], phase: int) -> None:
    """Raise ValueError unless a run that `started` (as_json of its recipe), and is now in that phase, could
    have come to the same weights under recipe.

    Phases to come may differ, and the present one may get another number of steps, unless it is a mapping
    lesson, whose learning rate depends on it.
    """
    now = recipe.as_json()
    for entry in ("config", "seed"):
        if now[entry] != started[entry]:
            raise ValueError(f"this run was started with another {entry}; choose another folder")
    done = started["phases"]
    assert isinstance(done, list)
    if len(recipe.phases) < min(phase, len(done)):
        raise ValueError("this run has already gone through more phases; choose another folder")
    for i, (old, new) in enumerate(zip(done, recipe.phases, strict=False)):
        if i > phase:
            break
        if i == phase and not isinstance(new, MappingLesson):
            new = replace(new, steps=old["steps"])
        if _phase_values(new) != old:
            raise ValueError(f"phase {old['name']!r} of this run had other settings; choose another folder")


def _phase_values(phase: Phase) -> dict[str, object]:
    return {"kind": type(phase).__name__, **_values(phase)}


def _values(fields: Phase | GeneratorConfig) -> dict[str, object]:
    """The fields as JSON gives them back: lists for tuples."""
    values: dict[str, object] = json.loads(json.dumps(asdict(fields)))
    return values

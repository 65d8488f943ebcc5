"""What can be chosen for each rung of a projection: W, W+ and pivotal tuning, with their schedules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Rung = Literal["w", "w+", "pti"]


@dataclass(frozen=True)
class ProjectionSettings:
    """W. The defaults are NVIDIA's hyper-parameters; lengths are parts of the whole run.

    low_resolution: a lower level of a generator of the skip architecture, on which the first
    low_resolution_part of the steps runs, against the target made that small.
    """

    steps: int = 1000
    seed: int = 303
    w_avg_samples: int = 10_000
    initial_learning_rate: float = 0.1
    initial_noise_factor: float = 0.05
    lr_rampdown_length: float = 0.25
    lr_rampup_length: float = 0.05
    noise_ramp_length: float = 0.75
    regularize_noise_weight: float = 1e5
    low_resolution: int | None = None
    low_resolution_part: float = 0.5

    def __post_init__(self) -> None:
        if self.steps < 1 or self.w_avg_samples < 1:
            raise ValueError("steps and w_avg_samples must be at least 1")
        if self.noise_ramp_length <= 0:
            raise ValueError("the lengths of the ramps must be more than 0")
        if not 0 <= self.low_resolution_part < 1:
            raise ValueError("low_resolution_part must be at least 0 and less than 1")
        _check_ramps(self.lr_rampup_length, self.lr_rampdown_length)

    @property
    def rung(self) -> Rung:
        """Its name."""
        return "w"

    def learning_rate(self, step: int) -> float:
        """Linear ramp up, cosine ramp down; exactly 0 at step 0."""
        t = step / self.steps
        return ramped(self.initial_learning_rate, t, self.lr_rampup_length, self.lr_rampdown_length)

    def w_noise_scale(self, step: int, w_std: float) -> float:
        """Standard deviation of the noise that is added to w while it is looked for."""
        t = step / self.steps
        return w_std * self.initial_noise_factor * max(0.0, 1.0 - t / self.noise_ramp_length) ** 2

    def resolution(self, step: int) -> int | None:
        """The level that this step is synthesised to; None for the whole picture."""
        return self.low_resolution if step < self.steps * self.low_resolution_part else None


@dataclass(frozen=True)
class WPlusSettings:
    """W+: one w a layer, held near a common w by the penalty of e4e (Tov et al., "Designing an Encoder for
    StyleGAN Image Manipulation", 2021, equation 5).

    faithfulness 0..1: 0 stays editable, 1 goes as close to the photo as it can. pixel_weight: of the mean
    square difference of pixels in -1..1.
    """

    steps: int = 200
    seed: int = 303
    w_avg_samples: int = 10_000
    faithfulness: float = 0.5
    initial_learning_rate: float = 0.05
    lr_rampdown_length: float = 0.5
    lr_rampup_length: float = 0.05
    regularize_noise_weight: float = 1e5
    pixel_weight: float = 1.0
    strongest_pull: float = 30.0
    weakest_pull: float = 0.03

    def __post_init__(self) -> None:
        if self.steps < 1 or self.w_avg_samples < 1:
            raise ValueError("steps and w_avg_samples must be at least 1")
        if not 0 <= self.faithfulness <= 1:
            raise ValueError("faithfulness must lie in 0..1")
        if not 0 < self.weakest_pull <= self.strongest_pull:
            raise ValueError("the pulls must be more than 0, and the weakest not above the strongest")
        _check_ramps(self.lr_rampup_length, self.lr_rampdown_length)

    @property
    def rung(self) -> Rung:
        """Its name."""
        return "w+"

    @property
    def delta_weight(self) -> float:
        """Weight of the mean over the layers of |delta|^2 / w_std^2: geometric between the two pulls."""
        return math.exp(
            (1 - self.faithfulness) * math.log(self.strongest_pull)
            + self.faithfulness * math.log(self.weakest_pull)
        )

    def learning_rate(self, step: int) -> float:
        """Linear ramp up, cosine ramp down."""
        t = step / self.steps
        return ramped(self.initial_learning_rate, t, self.lr_rampup_length, self.lr_rampdown_length)


@dataclass(frozen=True)
class TuningSettings:
    """Pivotal tuning (Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021) by
    low-rank differences of the convolutions (Hu et al., "LoRA", 2021).

    locality_weight is the paper's lambda R, locality_radius its alpha in units of w_std; the locality loss
    is computed at every locality_interval-th step, and not at all with the weight 0.
    """

    steps: int = 150
    seed: int = 303
    w_avg_samples: int = 10_000
    rank: int = 8
    initial_learning_rate: float = 0.02
    lr_rampdown_length: float = 0.5
    lr_rampup_length: float = 0.05
    pixel_weight: float = 1.0
    locality_weight: float = 0.3
    locality_radius: float = 0.3
    locality_interval: int = 4

    def __post_init__(self) -> None:
        if self.steps < 1 or self.w_avg_samples < 1 or self.rank < 1 or self.locality_interval < 1:
            raise ValueError("steps, w_avg_samples, rank and locality_interval must be at least 1")
        _check_ramps(self.lr_rampup_length, self.lr_rampdown_length)

    @property
    def rung(self) -> Rung:
        """Its name."""
        return "pti"

    def learning_rate(self, step: int) -> float:
        """Linear ramp up, cosine ramp down."""
        t = step / self.steps
        return ramped(self.initial_learning_rate, t, self.lr_rampup_length, self.lr_rampdown_length)

    def regularises(self, step: int) -> bool:
        """Whether this step has a locality loss."""
        return self.locality_weight > 0 and step % self.locality_interval == 0


RungSettings = ProjectionSettings | WPlusSettings | TuningSettings


def ramped(rate: float, t: float, rampup: float, rampdown: float) -> float:
    """rate at the time t of 0..1: linear from 0 over rampup, cosine to 0 over the last rampdown."""
    down = min(1.0, (1.0 - t) / rampdown)
    up = min(1.0, t / rampup)
    return rate * (0.5 - 0.5 * math.cos(math.pi * down)) * up


def _check_ramps(rampup: float, rampdown: float) -> None:
    if min(rampup, rampdown) <= 0:
        raise ValueError("the lengths of the ramps must be more than 0")

"""A generator in training: its phases, and the state from which an interrupted run goes on unchanged."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch

from models.stylegan2.generator import Generator, GeneratorConfig

DEMO_CONFIG = GeneratorConfig(
    z_dim=512,
    w_dim=512,
    img_resolution=128,
    mapping_layers=3,
    mapping_features=1024,
    channel_base=4096,
    channel_max=256,
)


@dataclass(frozen=True)
class GeneratorTraining:
    """One phase of training; times in seconds, learning rates for stored synthesis weights."""

    resolution: int  # level of the synthesis network that is compared with the render
    steps: int  # step number at which this phase ends
    batch: int = 16
    learning_rate: float = 2e-3
    style_speed: float = 5.0  # how much faster the affine layers learn: w is 512 wide, what counts is not
    mapping_learning_rate: float = 5e-4  # times 1 / lr_multiplier of the mapping
    perceptual_weight: float = 0.5
    taught_w: bool = False  # synthesis alone, from faces.features.LatentTarget instead of the mapping
    noise_draws: bool = False  # energy loss of two noise draws instead of the pair loss
    ema_pictures: float = 1_500.0  # half-life of the weight average
    save_every: float = 240.0
    seed: int = 0


@dataclass
class TrainingState:
    """What a resumed run needs to go on as if it had never stopped."""

    generator: Generator
    average: Generator
    optimizer: torch.optim.Optimizer
    step: int
    pictures: int


def new_state(config: GeneratorConfig, phase: GeneratorTraining) -> TrainingState:
    """Untrained generator with small noise strengths, its average and Adam."""
    torch.manual_seed(phase.seed)
    generator = Generator(config)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    return TrainingState(generator, average, _optimizer(generator, phase), 0, 0)


def _optimizer(generator: Generator, phase: GeneratorTraining) -> torch.optim.Optimizer:
    mapping_rate = phase.mapping_learning_rate / generator.config.mapping_lr_multiplier
    synthesis = dict(generator.synthesis.named_parameters())
    styles = [value for name, value in synthesis.items() if ".affine." in name]
    rest = [value for name, value in synthesis.items() if ".affine." not in name]
    groups = [
        {"params": rest, "lr": phase.learning_rate},
        {"params": styles, "lr": phase.learning_rate * phase.style_speed},
        {"params": list(generator.mapping.parameters()), "lr": mapping_rate},
    ]
    return torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-8)


def save_state(state: TrainingState, path: Path) -> None:
    """Write atomically, so that a run killed while saving still resumes."""
    temporary = path.with_suffix(".tmp")
    torch.save(
        {
            "generator": state.generator.state_dict(),
            "average": state.average.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "step": state.step,
            "pictures": state.pictures,
            "torch_rng": torch.get_rng_state(),
        },
        temporary,
    )
    temporary.replace(path)


def load_state(path: Path, config: GeneratorConfig, phase: GeneratorTraining) -> TrainingState:
    """The state that save_state wrote, with the learning rates of this phase."""
    state = new_state(config, phase)
    saved = torch.load(path, weights_only=True)
    state.generator.load_state_dict(saved["generator"])
    state.average.load_state_dict(saved["average"])
    rates = [group["lr"] for group in state.optimizer.param_groups]
    state.optimizer.load_state_dict(saved["optimizer"])
    for group, rate in zip(state.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    torch.set_rng_state(saved["torch_rng"])
    state.step, state.pictures = saved["step"], saved["pictures"]
    return state


@torch.no_grad()
def update_average(state: TrainingState, phase: GeneratorTraining, batch: int) -> None:
    """Move the average towards the weights; its half-life grows with the run (ramp-up)."""
    half_life = min(phase.ema_pictures, max(state.pictures, 1) * 0.3)  # ramp-up
    beta = 0.5 ** (batch / half_life)
    for kept, new in zip(state.average.parameters(), state.generator.parameters(), strict=True):
        kept.lerp_(new, 1 - beta)
    for stored, current in zip(state.average.buffers(), state.generator.buffers(), strict=True):
        stored.copy_(current)

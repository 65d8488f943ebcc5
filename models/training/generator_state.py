"""A generator in training: everything from which an interrupted run goes on to the same weights."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.optim import Adam

from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator
from models.training.augmentation import Augmentation
from models.training.optimizers import discriminator_optimizer, generator_optimizer
from models.training.phases import Phase, Recipe, check_continues
from models.training.run_state import read_run_state, write_run_state

_FORMAT = "latentloom-training-2"


@dataclass
class TrainingState:
    """phase and step are those of the step to be done next; a part is None where the phase has no need."""

    recipe: Recipe
    generator: Generator
    average: Generator
    phase: int = 0
    step: int = 0  # within the phase
    pictures: int = 0  # shown to the generator in all phases
    optimizer: Adam | None = None  # the generator's in this phase
    discriminator: Discriminator | None = None
    discriminator_optimizer: Adam | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    path_length: float = 0.0  # running mean

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.generator.w_avg.device

    @property
    def finished(self) -> bool:
        """Whether all phases are done."""
        return self.phase == len(self.recipe.phases)

    @property
    def current(self) -> Phase:
        """The phase that the next step belongs to."""
        return self.recipe.phases[self.phase]


def new_state(recipe: Recipe, device: str | torch.device = "cpu") -> TrainingState:
    """Untrained weights, drawn from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        generator = Generator(recipe.config)
    generator.to(device).to(memory_format=torch.channels_last)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    return TrainingState(recipe, generator, average)


def save_state(state: TrainingState, path: Path) -> None:
    """Write the state; a file already there is replaced at the end or not at all."""
    opponent = state.discriminator
    values = {
        "phase": state.phase,
        "step": state.step,
        "pictures": state.pictures,
        "path_length": state.path_length,
        "augmentation": vars(state.augmentation),
        "generator": state.generator.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict() if state.optimizer else None,
        "discriminator": opponent.state_dict() if opponent else None,
        "discriminator_config": vars(opponent.config) if opponent else None,
        "discriminator_optimizer": (
            state.discriminator_optimizer.state_dict() if state.discriminator_optimizer else None
        ),
    }
    write_run_state(path, _FORMAT, json.dumps(state.recipe.as_json()), values)


def read_generator_state(path: Path) -> dict[str, Any]:
    """The values of a state file. Raises ValueError where it is none, OSError where it cannot be read."""
    return read_run_state(path, _FORMAT)


def load_state(path: Path, recipe: Recipe, device: str | torch.device = "cpu") -> TrainingState:
    """The state that save_state wrote, to go on under recipe.

    Raises ValueError where the file is no such state, or of a run that recipe does not continue.
    """
    saved = read_generator_state(path)
    check_continues(recipe, json.loads(saved["settings"]), saved["phase"])
    state = new_state(recipe, device)
    state.generator.load_state_dict(saved["generator"])
    state.average.load_state_dict(saved["average"])
    for name in ("phase", "step", "pictures", "path_length"):
        setattr(state, name, saved[name])
    state.augmentation = Augmentation(**saved["augmentation"])
    if saved["discriminator"] is not None:
        opponent = Discriminator(DiscriminatorConfig(**saved["discriminator_config"]))
        opponent.load_state_dict(saved["discriminator"])
        state.discriminator = opponent.to(device).to(memory_format=torch.channels_last)
    if saved["optimizer"] is not None:
        state.optimizer = generator_optimizer(state.generator, state.current)
        state.optimizer.load_state_dict(saved["optimizer"])
    if saved["discriminator_optimizer"] is not None:
        assert state.discriminator is not None
        state.discriminator_optimizer = discriminator_optimizer(state.discriminator, state.current)
        state.discriminator_optimizer.load_state_dict(saved["discriminator_optimizer"])
    return state

"""Training a generator: goes through the phases of a recipe, resumable at any step to the same weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.projection.perceptual import Levels
from models.stylegan2.checkpoint import save_generator
from models.training.adversarial_steps import adversarial_step
from models.training.adversary import enter_game
from models.training.averaging import set_w_avg
from models.training.generator_state import TrainingState, save_state
from models.training.journal import Journal
from models.training.mapping import (
    W_OFFSET,
    LessonFaces,
    lesson_score,
    lesson_step,
    put_together,
    shift_w,
)
from models.training.optimizers import generator_optimizer
from models.training.pair_steps import pair_step, wake_fine_noise, weaken_noise
from models.training.pairs import batches, picture_tensor
from models.training.phases import AdversarialPhase, MappingLesson, PairPhase
from models.training.randomness import BEFORE_THE_FIRST, step_randomness
from models.training.shard_pictures import Pictures
from models.training.sheets import COLUMNS, beside, save_sheet
from models.training.teacher import Floats, Teacher
from models.training.watch import Watch

STATE_FILE = "state.pt"
GENERATOR_FILE = "generator.safetensors"
_HELD_OUT = 128  # renders that the error is measured on

Figures = dict[str, float]
Part = TypeVar("Part")


@dataclass(frozen=True)
class Material:
    """What a generator learns from.

    pictures [N, R, R, 3], which a mapping lesson does without; for rendered faces also their z [N, z_dim],
    the teacher of w, and a few pictures with z that training does not see. levels: of the network
    that pairs are compared with.
    """

    pictures: Pictures | None = None
    z: Floats | None = None
    held_out: Pictures | None = None
    held_out_z: Floats | None = None
    teacher: Teacher | None = None
    levels: Levels | None = None


def train_generator(state: TrainingState, material: Material, folder: Path, watch: Watch) -> bool:
    """Go on with the run until its recipe is done or watch says stop; returns whether it is done.

    Writes state.pt, generator.safetensors (the average, float16), sheets and log.jsonl into folder. Raises
    ValueError where the material is not what the recipe needs, FloatingPointError where a loss is not finite.
    """
    _check_size(state, material)
    with Journal(folder) as journal:
        while not state.finished:
            if state.optimizer is None:
                begin_phase(state, material)
            if not _run_phase(state, material, folder, journal, watch):
                return False
            finish_phase(state, material, journal)
            save_files(state, folder)
    return True


def save_files(state: TrainingState, folder: Path) -> None:
    """The state to go on from, and the average as a generator file."""
    set_w_avg(state.average, state.recipe.seed)
    save_state(state, folder / STATE_FILE)
    save_generator(state.average, folder / GENERATOR_FILE, torch.float16)


def begin_phase(state: TrainingState, material: Material) -> None:
    """What happens once before the first step of the state's phase."""
    phase = state.current
    with step_randomness(state.recipe.seed, state.phase, BEFORE_THE_FIRST, state.device):
        if isinstance(phase, MappingLesson):
            teacher = _needed(material.teacher, "a teacher of w")
            mapping = state.generator.mapping
            put_together(mapping, teacher.layers(len(mapping.get_parameter("fc0.bias")), W_OFFSET))
        elif phase.adversary is not None:
            enter_game(state, phase, phase.adversary)
    if isinstance(phase, PairPhase) and phase.score == "energy":
        for generator in (state.generator, state.average):
            wake_fine_noise(generator)
    state.optimizer = generator_optimizer(state.generator, phase)


def finish_phase(state: TrainingState, material: Material, journal: Journal) -> None:
    """What happens once after the last step; the state then stands before the next phase."""
    if isinstance(state.current, MappingLesson):
        score = lesson_score(state.generator.mapping, _lesson_target(material), state.recipe.seed)
        journal.write(_steps_so_far(state), {"mapping_r2": float(score.mean())}, state.current.name)
        _adopt_mapping(state)
    elif isinstance(state.current, PairPhase):
        for generator in (state.generator, state.average):
            weaken_noise(generator, state.current.noise_kept)
    state.phase, state.step = state.phase + 1, 0
    state.optimizer, state.discriminator_optimizer = None, None


def _adopt_mapping(state: TrainingState) -> None:
    """Take the taught mapping into the average; let synthesis expect its w, which is offset."""
    state.average.mapping.load_state_dict(state.generator.mapping.state_dict())
    for generator in (state.generator, state.average):
        shift_w(generator.synthesis, W_OFFSET)


def _run_phase(
    state: TrainingState, material: Material, folder: Path, journal: Journal, watch: Watch
) -> bool:
    """To the end of the phase (True) or to where watch stops it; both saved."""
    phase = state.current
    steps = _steps_of(state, material)
    last_save = last_log = time.monotonic()
    recent: list[Figures] = []
    while state.step < phase.steps:
        if watch.should_stop():
            checkpoint(state, material, folder, journal)
            return False
        recent.append(next(steps))
        state.step += 1
        now = time.monotonic()
        if now - last_log >= watch.log_every or state.step == phase.steps:
            figures = _means(recent) | {"steps_per_s": len(recent) / max(now - last_log, 1e-9)}
            journal.write(_steps_so_far(state), figures | {"pictures": state.pictures}, phase.name)
            watch.report(phase.name, state.step, phase.steps, figures)
            recent, last_log = [], now
        if now - last_save >= watch.save_every and state.step < phase.steps:
            checkpoint(state, material, folder, journal)
            last_save = time.monotonic()
    checkpoint(state, material, folder, journal)
    return True


def _check_size(state: TrainingState, material: Material) -> None:
    """Before the first step, since the phase that needs the size may come after hours."""
    to_come = state.recipe.phases[state.phase :]
    largest = max((p.resolution for p in to_come if not isinstance(p, MappingLesson)), default=0)
    if material.pictures is not None and material.pictures.shape[1] < largest:
        side = material.pictures.shape[1]
        raise ValueError(f"the pictures are {side} pixels wide, too small to train at {largest}")


def _steps_of(state: TrainingState, material: Material) -> Iterator[Figures]:
    """An endless iterator that does one step of the state's phase at a time."""
    phase, recipe = state.current, state.recipe
    if isinstance(phase, MappingLesson):
        faces = LessonFaces(_lesson_target(material), recipe.config.z_dim, phase, recipe.seed)
        while True:
            assert state.optimizer is not None
            faces_z, faces_w = (x.to(state.device) for x in faces(state.step))
            mapping = state.generator.mapping
            loss = lesson_step(mapping, state.optimizer, phase, state.step, faces_z, faces_w)
            yield _finite({"mapping_loss": loss}, state)
    pictures = _needed(material.pictures, "pictures")
    for index in batches(len(pictures), phase.batch, recipe.seed + state.phase, state.step):
        real = picture_tensor(pictures[index], phase.resolution).to(state.device)
        with step_randomness(recipe.seed, state.phase, state.step, state.device) as random:
            if isinstance(phase, AdversarialPhase):
                figures = adversarial_step(state, phase, real)
            else:
                z = _needed(material.z, "the z of every picture")[index]
                levels = _needed(material.levels, "a network to compare with")
                figures = pair_step(state, phase, z, real, material.teacher, levels, random)
        yield _finite(figures, state)


def checkpoint(state: TrainingState, material: Material, folder: Path, journal: Journal) -> None:
    """Save state and average, draw a sample sheet, log the error on held-out renders."""
    save_files(state, folder)
    phase, step = state.current, _steps_so_far(state)
    if isinstance(phase, MappingLesson):
        return
    sheet = folder / f"sheet-{step:07d}.png"
    if isinstance(phase, AdversarialPhase):
        z = np.random.RandomState(0).randn(3 * COLUMNS, state.generator.z_dim)
        save_sheet(
            list(_drawn(state, state.average.mapping(_on(state, z)), phase.resolution).split(COLUMNS)), sheet
        )
        return
    if material.held_out is None or material.held_out_z is None:
        return
    real = picture_tensor(material.held_out[:_HELD_OUT], phase.resolution).to(state.device)
    ws = state.average.mapping(_on(state, material.held_out_z[:_HELD_OUT]))
    fake = _drawn(state, ws, phase.resolution)
    shown = min(len(real) // COLUMNS, 3) * COLUMNS
    save_sheet(beside(real[:shown], fake[:shown]), sheet)
    journal.write(step, {"held_out_l1": float((fake - real).abs().mean())}, phase.name)


@torch.no_grad()
def _drawn(state: TrainingState, ws: Tensor, resolution: int) -> Tensor:
    return torch.cat([state.average.synthesis(part, resolution=resolution) for part in ws.split(16)])


def _on(state: TrainingState, z: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(z.astype(np.float32)).to(state.device)


def _lesson_target(material: Material) -> Callable[[Floats], Floats]:
    target = _needed(material.teacher, "a teacher of w").target
    return lambda z: target(z) + np.float32(W_OFFSET)


def _steps_so_far(state: TrainingState) -> int:
    return sum(phase.steps for phase in state.recipe.phases[: state.phase]) + state.step


def _means(figures: list[Figures]) -> Figures:
    """The mean of every figure over the steps that have it."""
    names = {name: None for step in figures for name in step}
    return {name: float(np.mean([step[name] for step in figures if name in step])) for name in names}


def _finite(figures: Figures, state: TrainingState) -> Figures:
    if all(math.isfinite(value) for value in figures.values()):
        return figures
    raise FloatingPointError(
        f"a loss is not finite at step {state.step} of phase {state.current.name!r}; lower its learning rate"
    )


def _needed(part: Part | None, what: str) -> Part:
    if part is None:
        raise ValueError(f"this recipe needs {what}, which are not there; choose another recipe or folder")
    return part

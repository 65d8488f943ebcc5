"""One step of a phase in which the render of every z is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.projection.perceptual import Levels
from models.stylegan2.generator import Generator
from models.training.adversary import adversarial_loss, discriminator_step
from models.training.averaging import average_decay, update_average
from models.training.generator_state import TrainingState
from models.training.losses import downsample_like, energy_loss, pair_loss, seen, texture_distance
from models.training.optimizers import is_coarse_noise, set_rate, warm_up
from models.training.phases import PairPhase
from models.training.teacher import Floats, Teacher

_LEAST_NOISE = 0.02


def pair_step(
    state: TrainingState,
    phase: PairPhase,
    z: Floats,
    real: Tensor,
    teacher: Teacher | None,
    levels: Levels,
    random: np.random.RandomState,
) -> dict[str, float]:
    """Adam, discriminator and average once, on z [N, z_dim] and their renders real [N, 3, R, R] in -1..1."""
    assert state.optimizer is not None
    set_rate(state.optimizer, warm_up(state.step))
    real = downsample_like(real, phase.resolution)
    ws = training_latents(state, phase, z, teacher, random)
    with torch.no_grad():
        wanted = seen(real, levels)
    if phase.score == "energy":
        drawn = state.generator.synthesis(ws.repeat(2, 1, 1), "random", resolution=phase.resolution)
        fake, second = drawn.chunk(2)
        looks = [seen(fake, levels), seen(second, levels)]
        loss = energy_loss(looks[0], looks[1], wanted, phase.perceptual_weight).mean()
    else:
        fake = state.generator.synthesis(ws, "const", resolution=phase.resolution)
        looks = [seen(fake, levels)]
        loss = pair_loss(looks[0], wanted, phase.perceptual_weight).mean()
    logged = {"loss": float(loss.detach())}
    if phase.texture_weight:
        texture = torch.stack([texture_distance(look, wanted) for look in looks]).mean()
        loss = loss + phase.texture_weight * texture
        logged["texture"] = float(texture.detach())
    if phase.adversary is not None:
        game = adversarial_loss(state, fake)
        loss = loss + phase.adversary.weight * game
        logged["adversarial_loss"] = float(game.detach())
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    state.optimizer.step()
    if phase.adversary is not None:
        logged |= discriminator_step(state, phase, phase.adversary, real, fake)
    state.pictures += len(z)
    decay = average_decay(len(z), state.pictures, phase.average_half_life, phase.average_ramp_up)
    update_average(state.average, state.generator, decay)
    return logged


@torch.no_grad()
def training_latents(
    state: TrainingState,
    phase: PairPhase,
    z: Floats,
    teacher: Teacher | None,
    random: np.random.RandomState,
) -> Tensor:
    """The ws [N, L, w_dim] from which a step draws the faces z [N, z_dim].

    They are the mapping's; mixing adds for a share of the faces what it adds to the w of the lesson.
    """
    ws: Tensor = state.generator.mapping(torch.from_numpy(z).to(state.device))
    if teacher is None or phase.mixing == 0:
        return ws
    taught = teacher.mixed(z, state.generator.num_ws, phase.mixing, random)
    return ws + torch.from_numpy(taught - teacher.target(z)[:, None]).to(state.device)


@torch.no_grad()
def weaken_noise(generator: Generator, share: float) -> None:
    """Multiply the strength of all noise by share."""
    for name, strength in generator.synthesis.named_parameters():
        if name.endswith("noise_strength"):
            strength.mul_(share)


@torch.no_grad()
def wake_fine_noise(generator: Generator) -> None:
    """Before noise is drawn anew: at least a little of it from NOISE_FROM on, where fixed maps have taught
    silence, since a strength of zero has no gradient."""
    for name, strength in generator.synthesis.named_parameters():
        fine = name.endswith("noise_strength") and not is_coarse_noise(name)
        if fine and strength.abs() < _LEAST_NOISE / 2:
            strength.fill_(_LEAST_NOISE)

"""One step of StyleGAN2's game against pictures whose latents nobody knows."""

from __future__ import annotations

import torch
from torch import Tensor

from models.training.adversarial_losses import path_length_penalty, path_lengths
from models.training.adversary import adversarial_loss, discriminator_step
from models.training.averaging import average_decay, update_average
from models.training.generator_state import TrainingState
from models.training.losses import downsample_like
from models.training.optimizers import set_rate, warm_up
from models.training.phases import AdversarialPhase
from models.training.style_mixing import mixed_styles


def adversarial_step(state: TrainingState, phase: AdversarialPhase, real: Tensor) -> dict[str, float]:
    """Generator, path length, discriminator and average once, on real pictures [N, 3, R, R] in -1..1.

    Draws from PyTorch's global random numbers. Returns what is worth logging.
    """
    real = downsample_like(real, phase.resolution)
    n = len(real)
    logged = _generator_step(state, phase, n)
    if phase.path_length_weight and state.step % phase.path_length_interval == 0:
        logged |= _path_length_step(state, phase, max(n // phase.path_length_shrink, 1))
    with torch.no_grad():
        fake = _pictures(state, phase, _styles(state, phase, n))
    logged |= discriminator_step(state, phase, phase.adversary, real, fake)
    state.pictures += n
    decay = average_decay(n, state.pictures, phase.average_half_life, phase.average_ramp_up)
    update_average(state.average, state.generator, decay)
    return logged


def _generator_step(state: TrainingState, phase: AdversarialPhase, n: int) -> dict[str, float]:
    assert state.optimizer is not None
    set_rate(state.optimizer, warm_up(state.step))
    loss = adversarial_loss(state, _pictures(state, phase, _styles(state, phase, n)))
    state.optimizer.zero_grad(set_to_none=True)
    (phase.adversary.weight * loss).backward()
    state.optimizer.step()
    return {"adversarial_loss": float(loss.detach())}


def _path_length_step(state: TrainingState, phase: AdversarialPhase, n: int) -> dict[str, float]:
    assert state.optimizer is not None
    ws = _styles(state, phase, n)
    pictures = _pictures(state, phase, ws)
    lengths = path_lengths(pictures, ws, torch.randn_like(pictures))
    mean = torch.tensor(state.path_length, device=state.device)
    penalty, moved = path_length_penalty(lengths, mean, phase.path_length_decay)
    state.optimizer.zero_grad(set_to_none=True)
    (penalty * phase.path_length_weight * phase.path_length_interval).backward()
    state.optimizer.step()
    state.path_length = float(moved)
    return {"path_length": float(lengths.detach().mean()), "path_length_penalty": float(penalty.detach())}


def _styles(state: TrainingState, phase: AdversarialPhase, n: int) -> Tensor:
    z = torch.randn(n, state.generator.z_dim, device=state.device)
    return mixed_styles(state.generator.mapping, z, phase.style_mixing)


def _pictures(state: TrainingState, phase: AdversarialPhase, ws: Tensor) -> Tensor:
    drawn: Tensor = state.generator.synthesis(ws, "random", resolution=phase.resolution)
    return drawn

"""A discriminator in training: making it, growing it to the next level, and one step of it."""

from __future__ import annotations

import torch
from torch import Tensor

from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.training.adversarial_losses import discriminator_loss, generator_loss, r1_penalty
from models.training.augmentation import adapt, augment, observe
from models.training.generator_state import TrainingState
from models.training.optimizers import discriminator_optimizer, set_rate, warm_up
from models.training.phases import AdversarialPhase, Adversary, PairPhase


def enter_game(state: TrainingState, phase: PairPhase | AdversarialPhase, adversary: Adversary) -> None:
    """Give the state a discriminator for the level of this phase, grown from the one it has."""
    config = DiscriminatorConfig(
        img_resolution=phase.resolution,
        img_channels=state.generator.img_channels,
        channel_base=adversary.channel_base,
        channel_max=adversary.channel_max,
        mbstd_group_size=adversary.group,
    )
    opponent = Discriminator(config)
    if state.discriminator is not None:
        take_over(opponent, state.discriminator)
    opponent = opponent.to(state.device).to(memory_format=torch.channels_last)
    state.discriminator = opponent
    state.discriminator_optimizer = discriminator_optimizer(opponent, phase)


def take_over(grown: Discriminator, smaller: Discriminator) -> None:
    """Copy all weights that both have: every block but the one that takes the picture in."""
    own, known = grown.state_dict(), smaller.state_dict()
    shared = {name: value for name, value in known.items() if name in own and own[name].shape == value.shape}
    grown.load_state_dict({**own, **shared})


def adversarial_loss(state: TrainingState, fake: Tensor) -> Tensor:
    """What the generator is to make small: the loss of its pictures [N, C, R, R] before the discriminator."""
    assert state.discriminator is not None
    state.discriminator.requires_grad_(False)
    return generator_loss(state.discriminator(augment(fake, state.augmentation.p)))


def discriminator_step(
    state: TrainingState,
    phase: PairPhase | AdversarialPhase,
    adversary: Adversary,
    real: Tensor,
    fake: Tensor,
) -> dict[str, float]:
    """Teach the discriminator real from fake [N, C, R, R], lazily regularised; adapt the augmentation.

    R1 is taken at the augmented pictures, which are what the discriminator sees; that spares the second
    derivative of resampling. Returns what is worth logging.
    """
    opponent, optimizer = state.discriminator, state.discriminator_optimizer
    assert opponent is not None and optimizer is not None
    opponent.requires_grad_(True)
    set_rate(optimizer, warm_up(state.step))
    p = state.augmentation.p
    real_logits = opponent(augment(real, p))
    fake_logits = opponent(augment(fake.detach(), p))
    loss = discriminator_loss(real_logits, fake_logits)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    logged = {"discriminator_loss": float(loss.detach()), "ada_p": p}
    if state.step % adversary.r1_interval == 0:
        seen = augment(real, p).detach().requires_grad_(True)
        penalty = r1_penalty(seen, opponent(seen))
        weight = adversary.gamma(phase.resolution, phase.batch) / 2 * adversary.r1_interval
        optimizer.zero_grad(set_to_none=True)
        (penalty * weight).backward()
        optimizer.step()
        logged["r1"] = float(penalty.detach())
    if adversary.ada_target is not None:
        observe(state.augmentation, real_logits)
        if state.step % adversary.ada_interval == adversary.ada_interval - 1:
            logged["r_t"] = adapt(state.augmentation, adversary.ada_target, adversary.ada_full_scale)
    return logged

"""StyleGAN2's losses and regularisers against values worked out by hand."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.training.adversarial_losses import (
    discriminator_loss,
    generator_loss,
    path_length_penalty,
    path_lengths,
    r1_penalty,
)
from models.training.adversary import take_over
from models.training.averaging import average_decay, set_w_avg, update_average
from models.training.optimizers import lazy_adam, one_cycle
from models.training.phases import Adversary
from models.training.style_mixing import mixed_styles

CONFIG = GeneratorConfig(8, 8, 16, mapping_layers=2, channel_base=128, channel_max=8)


def small_generator() -> Generator:
    torch.manual_seed(0)
    return Generator(CONFIG)


def test_the_generators_loss_is_the_surprise_that_its_pictures_look_real() -> None:
    logits = torch.tensor([[0.0], [math.log(3)]])  # D believes 1/2 and 3/4
    assert float(generator_loss(logits)) == pytest.approx(-(math.log(1 / 2) + math.log(3 / 4)) / 2)


def test_the_discriminators_loss_counts_both_kinds_of_error() -> None:
    real, fake = torch.tensor([[math.log(3)]]), torch.tensor([[math.log(1 / 4)]])  # 3/4 and 1/5
    assert float(discriminator_loss(real, fake)) == pytest.approx(-math.log(3 / 4) - math.log(4 / 5))


def test_a_fooled_discriminator_still_leaves_the_generator_a_gradient() -> None:
    """Non-saturating: at a logit of -10 the minimax loss would have a gradient of 5e-5."""
    logit = torch.tensor([[-10.0]], requires_grad=True)
    generator_loss(logit).backward()
    assert float(logit.grad or 0) == pytest.approx(-1, abs=1e-4)


def test_r1_is_the_squared_gradient_of_the_logit() -> None:
    """D(x) = a . x + sum(x^2) / 2 has the gradient a + x."""
    real = torch.randn(3, 2, 4, 4, requires_grad=True)
    a = torch.randn(2, 4, 4, requires_grad=True)
    logits = (a * real).sum(dim=(1, 2, 3)) + real.square().sum(dim=(1, 2, 3)) / 2
    penalty = r1_penalty(real, logits[:, None])
    torch.testing.assert_close(penalty, (a + real).square().sum(dim=(1, 2, 3)).mean())
    penalty.backward()  # through the gradient itself: d/da of mean |a + x|^2
    assert a.grad is not None
    torch.testing.assert_close(a.grad, 2 * (a + real).mean(dim=0).detach())


def test_path_lengths_are_those_of_a_linear_synthesis() -> None:
    """Two layers that add A w_1 + B w_2: the gradients are A^T y and B^T y, y divided by sqrt(4 pixels)."""
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 4, 5, generator=random)
    ws = torch.randn(3, 2, 5, generator=random).requires_grad_(True)
    y = torch.randn(3, 1, 2, 2, generator=random)
    pictures = (ws[:, 0] @ a.T + ws[:, 1] @ b.T).reshape(3, 1, 2, 2)
    flat = y.reshape(3, 4) / 2
    expected = (((flat @ a).square().sum(dim=1) + (flat @ b).square().sum(dim=1)) / 2).sqrt()
    torch.testing.assert_close(path_lengths(pictures, ws, y), expected)


def test_the_running_mean_of_path_lengths_moves_slowly_and_carries_no_gradient() -> None:
    lengths = torch.tensor([1.0, 3.0], requires_grad=True)
    penalty, mean = path_length_penalty(lengths, torch.tensor(1.0), 0.1)
    assert float(mean) == pytest.approx(1.1) and not mean.requires_grad
    assert float(penalty.detach()) == pytest.approx(((1 - 1.1) ** 2 + (3 - 1.1) ** 2) / 2)


def test_path_length_regularisation_reaches_every_weight_through_the_generator() -> None:
    """The second derivative against a finite difference of the first, in double precision."""
    generator = small_generator().double()
    ws = torch.randn(2, generator.num_ws, 8, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 3, 16, 16, dtype=torch.float64)

    def penalty() -> Tensor:
        lengths = path_lengths(generator.synthesis(ws, "const"), ws, y)
        return lengths.square().mean()

    penalty().backward()
    weight = generator.synthesis.block(8).conv0.weight
    assert weight.grad is not None
    analytic, step = float(weight.grad[0, 0, 1, 1]), 1e-5
    with torch.no_grad():
        weight[0, 0, 1, 1] += step
    above = float(penalty().detach())
    with torch.no_grad():
        weight[0, 0, 1, 1] -= 2 * step
    below = float(penalty().detach())
    assert analytic == pytest.approx((above - below) / (2 * step), rel=1e-5)
    silent = [n for n, p in generator.synthesis.named_parameters() if p.grad is None and "affine" in n]
    assert not silent


def test_lazy_regularisation_keeps_adams_memory_per_picture() -> None:
    """16 steps and the one for R1 together forget as much as 16 steps of plain Adam."""
    settings = lazy_adam(0.002, 16)
    betas = settings["betas"]
    assert isinstance(betas, tuple)
    assert betas[1] ** 17 == pytest.approx(0.99**16)
    assert settings["lr"] == pytest.approx(0.002 * 16 / 17) and betas[0] == 0
    Adam([nn.Parameter(torch.zeros(1))], **settings)  # type: ignore[arg-type]


def test_r1s_weight_follows_resolution_and_batch_unless_it_is_given() -> None:
    assert Adversary().gamma(256, 16) == pytest.approx(0.8192)
    assert Adversary(r1_gamma=10).gamma(256, 16) == 10


def test_the_average_halves_what_is_old_within_its_half_life() -> None:
    assert average_decay(10, 100_000, 10, 0.05) == pytest.approx(0.5)
    assert average_decay(20, 400, 1e9, 0.05) == pytest.approx(0.5)  # ramp-up: 5 % of 400
    assert average_decay(10, 0, 1e9, 0.05) == 0


def test_the_average_follows_weights_and_copies_buffers() -> None:
    generator = small_generator()
    average = copy.deepcopy(generator)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(1)
        generator.synthesis.block(4).conv1.noise_const.fill_(7)
    before = [p.clone() for p in average.parameters()]
    update_average(average, generator, 0.75)
    for old, new in zip(before, average.parameters(), strict=True):
        torch.testing.assert_close(new, old + 0.25)
    assert torch.equal(average.synthesis.block(4).conv1.noise_const, torch.full((4, 4), 7.0))


def test_the_centre_of_truncation_is_the_mean_of_w() -> None:
    generator = small_generator()
    set_w_avg(generator, 0, 4000)
    w = generator.mapping(torch.randn(20_000, 8))[:, 0]
    torch.testing.assert_close(generator.w_avg, w.detach().mean(dim=0), atol=0.05, rtol=0)


def test_mixed_styles_change_source_once_at_a_random_layer() -> None:
    mapping = small_generator().mapping
    z = torch.randn(400, 8)
    torch.manual_seed(1)
    ws, own = mixed_styles(mapping, z, 0.9).detach(), mapping(z).detach()
    from_own = (ws == own).all(dim=2)
    assert from_own[:, 0].all()  # the first layer is never mixed
    assert (from_own[:, 1:].int() <= from_own[:, :-1].int()).all()  # own layers first, then the other's
    crossover = from_own.sum(dim=1)
    mixed = (crossover < own.shape[1]).float().mean()
    assert 0.84 < float(mixed) < 0.96
    assert set(crossover.tolist()) == set(range(1, own.shape[1] + 1))
    assert torch.equal(mixed_styles(mapping, z, 0.0), mapping(z))


def test_a_grown_discriminator_keeps_what_the_smaller_one_knew() -> None:
    torch.manual_seed(0)
    small = Discriminator(DiscriminatorConfig(16, channel_base=128, channel_max=8))
    grown = Discriminator(DiscriminatorConfig(32, channel_base=128, channel_max=8))
    take_over(grown, small)
    shared = set(small.state_dict()) & set(grown.state_dict())
    assert {name.split(".")[0] for name in shared} == {"b16", "b8", "b4"}
    assert all(torch.equal(small.state_dict()[name], grown.state_dict()[name]) for name in shared)
    assert grown(torch.randn(4, 3, 32, 32)).shape == (4, 1)


def test_the_learning_rate_of_the_lesson_rises_for_a_tenth_and_falls_to_nothing() -> None:
    rates = [one_cycle(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(1 / 25) and max(rates) == rates[100] == 1
    assert rates[:101] == sorted(rates[:101]) and rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[-1] == pytest.approx(1e-4)

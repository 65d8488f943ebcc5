"""StyleGAN2's losses and regularisers for generator and discriminator, each a function of tensors.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020 (StyleGAN2); Goodfellow et al.,
"Generative Adversarial Networks", 2014; Mescheder et al., "Which Training Methods for GANs do actually
Converge?", 2018.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating logistic loss -log sigmoid(D(G(z))) (Goodfellow et al., section 3), mean over [N, 1]."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Logistic loss -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))), mean over [N, 1] each."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def r1_penalty(real: Tensor, logits: Tensor) -> Tensor:
    """Mean over the batch of |grad D(x)|^2 at real pictures x [N, C, h, w], which must require gradients.

    The loss is gamma / 2 times this (Mescheder et al., equation 9).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(pictures: Tensor, ws: Tensor, directions: Tensor) -> Tensor:
    """|J_w^T y| [N] of pictures [N, C, h, w] drawn from ws [N, L, D], root mean square over the layers
    (StyleGAN2, section 3.2).

    directions y [N, C, h, w] are standard normal; they are divided by the root of the number of pixels, so
    that the length does not depend on the resolution.
    """
    y = directions / math.sqrt(pictures.shape[2] * pictures.shape[3])
    (gradient,) = torch.autograd.grad((pictures * y).sum(), ws, create_graph=True)
    lengths: Tensor = gradient.square().sum(dim=2).mean(dim=1).sqrt()
    return lengths


def path_length_penalty(lengths: Tensor, mean: Tensor, decay: float) -> tuple[Tensor, Tensor]:
    """E (length - a)^2 and the new running mean a (StyleGAN2, equation 4).

    mean: the running mean before, a scalar without gradient; it moves by the share `decay` to this batch's.
    """
    moved = mean.lerp(lengths.detach().mean(), decay)
    return (lengths - moved).square().mean(), moved

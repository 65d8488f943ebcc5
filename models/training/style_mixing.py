"""Style mixing regularisation: during training some pictures take their last layers from a second latent.

Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019, section 3.1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.stylegan2.mapping import MappingNetwork


def mixed_styles(mapping: MappingNetwork, z: Tensor, probability: float) -> Tensor:
    """ws [N, L, w_dim] of z [N, z_dim]; with that probability the rows from a random one (not the first) on
    come from another random z. Draws from PyTorch's global random numbers.
    """
    first: Tensor = mapping(z)
    if probability == 0:
        return first
    second = mapping(torch.randn_like(z))
    n, layers = first.shape[:2]
    crossover = torch.randint(1, layers, (n, 1, 1), device=z.device)
    mixed = torch.rand((n, 1, 1), device=z.device) < probability
    rows = torch.arange(layers, device=z.device)[None, :, None]
    return torch.where(mixed & (rows >= crossover), second, first)

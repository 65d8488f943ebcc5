"""Mapping networks: latents and labels to w (the generator's), labels alone (the discriminator's).

Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019, section 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.stylegan2.operations import FullyConnected


class MappingNetwork(nn.Module):
    """z [N, z_dim] (and labels c [N, c_dim]) -> ws [N, num_ws, w_dim]."""

    w_avg: Tensor

    def __init__(
        self,
        *,
        z_dim: int,
        w_dim: int,
        num_ws: int,
        num_layers: int,
        c_dim: int = 0,
        hidden_features: int | None = None,  # None: w_dim, as for embed_features
        embed_features: int | None = None,
        lr_multiplier: float = 0.01,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.num_ws, self.num_layers = z_dim, c_dim, num_ws, num_layers
        embedded = (embed_features or w_dim) if c_dim else 0
        if c_dim:
            self.embed = FullyConnected(c_dim, embedded)
        _add_layers(self, z_dim + embedded, hidden_features or w_dim, w_dim, num_layers, lr_multiplier)
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """Truncation (StyleGAN, section B) acts on the first truncation_cutoff layers, or on all.

        Raises ValueError where labels are missing or z has the wrong width.
        """
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z must be [N, {self.z_dim}], not {list(z.shape)}")
        x = unit_second_moment(z.to(torch.float32))
        if self.c_dim:
            if c is None or c.shape != (z.shape[0], self.c_dim):
                raise ValueError(f"this generator is conditional: c must be [N, {self.c_dim}]")
            x = torch.cat([x, unit_second_moment(self.embed(c.to(torch.float32)))], dim=1)
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        ws = x[:, None, :].repeat(1, self.num_ws, 1)
        return truncate(ws, self.w_avg, truncation_psi, truncation_cutoff)


class LabelMapping(nn.Module):
    """Labels c [N, c_dim] -> [N, out_features]: what a conditional discriminator projects its features on."""

    def __init__(
        self,
        *,
        c_dim: int,
        out_features: int,
        num_layers: int,
        hidden_features: int | None = None,  # None: out_features, as for embed_features
        embed_features: int | None = None,
        lr_multiplier: float = 0.01,
    ) -> None:
        super().__init__()
        self.num_layers = num_layers
        embedded = embed_features or out_features
        self.embed = FullyConnected(c_dim, embedded)
        hidden = hidden_features or out_features
        _add_layers(self, embedded, hidden, out_features, num_layers, lr_multiplier)

    def forward(self, c: Tensor) -> Tensor:
        x = unit_second_moment(self.embed(c))
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x


def truncate(ws: Tensor, w_avg: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
    """Move the first cutoff layers of ws [N, L, C] (all where None) to w_avg + psi * (w - w_avg)."""
    if psi == 1.0:
        return ws
    end = ws.shape[1] if cutoff is None else cutoff
    return torch.cat([w_avg.lerp(ws[:, :end], psi), ws[:, end:]], dim=1)


def unit_second_moment(x: Tensor) -> Tensor:
    """x [N, C] scaled so that the mean square of each row is 1."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def _add_layers(
    network: nn.Module, inputs: int, hidden: int, outputs: int, count: int, lr_multiplier: float
) -> None:
    widths = [inputs, *[hidden] * (count - 1), outputs]
    for i in range(count):
        layer = FullyConnected(widths[i], widths[i + 1], activate=True, lr_multiplier=lr_multiplier)
        network.add_module(f"fc{i}", layer)

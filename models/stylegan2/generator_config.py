"""What fixes the shapes of a generator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Architecture = Literal["orig", "skip", "resnet"]


@dataclass(frozen=True)
class GeneratorConfig:
    """Everything that fixes the shapes of a generator."""

    z_dim: int
    w_dim: int
    img_resolution: int
    img_channels: int = 3
    c_dim: int = 0
    mapping_layers: int = 8
    mapping_features: int | None = None  # hidden width of the mapping; None: w_dim
    mapping_lr_multiplier: float = 0.01
    channel_base: int = 32768
    channel_max: int = 512
    conv_clamp: float | None = None
    resample_filter: tuple[float, ...] = (1, 3, 3, 1)
    use_noise: bool = True
    architecture: Architecture = "skip"
    embed_features: int | None = None  # width of the label's embedding; None: w_dim
    block_channels: tuple[int, ...] | None = None  # feature maps from 4x4 up, instead of channel_base, _max

    def __post_init__(self) -> None:
        log2 = math.log2(self.img_resolution) if self.img_resolution > 0 else 0.0
        if not log2.is_integer() or log2 < 2:
            raise ValueError(f"img_resolution must be a power of two from 4, not {self.img_resolution}")
        if self.block_channels is not None and len(self.block_channels) != len(self.resolutions):
            raise ValueError(f"block_channels must be {len(self.resolutions)} numbers")
        embedded = (self.embed_features or self.w_dim) if self.c_dim else 0
        if self.mapping_layers == 0 and self.z_dim + embedded != self.w_dim:
            raise ValueError("without mapping layers w is z with the embedded label, and w_dim their width")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... img_resolution."""
        return tuple(2**i for i in range(2, int(math.log2(self.img_resolution)) + 1))

    @property
    def rgb_resolutions(self) -> tuple[int, ...]:
        """Levels with a picture of their own: all in the skip architecture, otherwise only the last."""
        return self.resolutions if self.architecture == "skip" else self.resolutions[-1:]

    def channels(self, resolution: int) -> int:
        """Feature maps of the block of that resolution."""
        if self.block_channels is not None:
            return self.block_channels[self.resolutions.index(resolution)]
        return min(self.channel_base // resolution, self.channel_max)

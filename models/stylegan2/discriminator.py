"""The StyleGAN2 discriminator with the parameter names of NVIDIA's checkpoints.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020 (architectures: Figure 7), and
"Training Generative Adversarial Networks with Limited Data", 2020 (labels).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.stylegan2.generator_config import Architecture
from models.stylegan2.mapping import LabelMapping
from models.stylegan2.operations import Convolution, FullyConnected, downsample2, fir_kernel
from models.stylegan2.synthesis_blocks import RESIDUAL_GAIN


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Everything that fixes the shapes and the arithmetic of a discriminator."""

    img_resolution: int
    img_channels: int = 3
    c_dim: int = 0
    architecture: Architecture = "resnet"
    channel_base: int = 32768
    channel_max: int = 512
    block_channels: tuple[int, ...] | None = None  # feature maps from 4x4 up, instead of channel_base, _max
    conv_clamp: float | None = None
    resample_filter: tuple[float, ...] = (1, 3, 3, 1)
    mbstd_group_size: int | None = 4  # pictures that minibatch standard deviation compares; None: the batch
    mbstd_num_channels: int = 1  # 0: none
    cmap_dim: int | None = None  # width of the projected label; None: the feature maps of 4x4
    mapping_layers: int = 8
    mapping_features: int | None = None  # None: cmap_dim, as for embed_features
    embed_features: int | None = None
    mapping_lr_multiplier: float = 0.01

    def __post_init__(self) -> None:
        log2 = math.log2(self.img_resolution) if self.img_resolution > 0 else 0.0
        if not log2.is_integer() or log2 < 3:
            raise ValueError(f"img_resolution must be a power of two from 8, not {self.img_resolution}")
        if self.block_channels is not None and len(self.block_channels) != len(self.resolutions):
            raise ValueError(f"block_channels must be {len(self.resolutions)} numbers")
        embedded = self.embed_features or self.out_features
        if self.c_dim and self.mapping_layers == 0 and embedded != self.out_features:
            raise ValueError("without mapping layers the embedded label must be cmap_dim wide")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... img_resolution."""
        return tuple(2**i for i in range(2, int(math.log2(self.img_resolution)) + 1))

    @property
    def out_features(self) -> int:
        """Width of the last layer: the projected label's, or one logit where there are no labels."""
        return (self.cmap_dim or self.channels(4)) if self.c_dim else 1

    def channels(self, resolution: int) -> int:
        """Feature maps that enter the block of that resolution."""
        if self.block_channels is not None:
            return self.block_channels[self.resolutions.index(resolution)]
        return min(self.channel_base // resolution, self.channel_max)


class DownsamplingShortcut(nn.Module):
    """The residual branch of a 'resnet' block: a 1x1 convolution without bias at half the size."""

    resample_filter: Tensor

    def __init__(self, in_channels: int, out_channels: int, taps: tuple[float, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.register_buffer("resample_filter", fir_kernel(taps))

    def forward(self, x: Tensor) -> Tensor:
        x = downsample2(x, self.resample_filter)
        return F.conv2d(x, self.weight * (RESIDUAL_GAIN / math.sqrt(self.weight.shape[1])))


class DiscriminatorBlock(nn.Module):
    """All layers of one resolution: to half the size; takes the picture in where it has a fromrgb."""

    resample_filter: Tensor

    def __init__(self, config: DiscriminatorConfig, resolution: int) -> None:
        super().__init__()
        channels, below = config.channels(resolution), config.channels(resolution // 2)
        taps, clamp = config.resample_filter, config.conv_clamp
        self.register_buffer("resample_filter", fir_kernel(taps))
        self.skips_picture = config.architecture == "skip"
        takes_picture = self.skips_picture or resolution == config.img_resolution
        self.fromrgb = (
            Convolution(config.img_channels, channels, 1, conv_clamp=clamp) if takes_picture else None
        )
        self.conv0 = Convolution(channels, channels, 3, conv_clamp=clamp)
        self.conv1 = Convolution(channels, below, 3, down=True, resample_filter=taps, conv_clamp=clamp)
        self.skip = DownsamplingShortcut(channels, below, taps) if config.architecture == "resnet" else None

    def forward(self, x: Tensor | None, img: Tensor) -> tuple[Tensor, Tensor]:
        """x [N, channels, r, r] (None in the first block), img [N, C, r, r] -> both at half the size."""
        if self.fromrgb is not None:
            features = self.fromrgb(img)
            x = features if x is None else x + features
        assert x is not None
        if self.skip is None:
            x = self.conv1(self.conv0(x))
        else:
            x = self.skip(x) + self.conv1(self.conv0(x), gain=RESIDUAL_GAIN)
        return x, downsample2(img, self.resample_filter) if self.skips_picture else img


class DiscriminatorEpilogue(nn.Module):
    """The 4x4 end: minibatch standard deviation, one convolution, two dense layers."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        channels, added = config.channels(4), config.mbstd_num_channels
        self.group_size, self.num_channels = config.mbstd_group_size, added
        skip = config.architecture == "skip"
        self.fromrgb = Convolution(config.img_channels, channels, 1) if skip else None
        self.conv = Convolution(channels + added, channels, 3, conv_clamp=config.conv_clamp)
        self.fc = FullyConnected(channels * 16, channels, activate=True)
        self.out = FullyConnected(channels, config.out_features)

    def forward(self, x: Tensor, img: Tensor) -> Tensor:
        """x [N, channels, 4, 4], img [N, C, 4, 4] -> [N, out_features]."""
        if self.fromrgb is not None:
            x = x + self.fromrgb(img)
        if self.num_channels:
            x = minibatch_stddev(x, self.group_size, self.num_channels)
        features: Tensor = self.out(self.fc(self.conv(x).flatten(1)))
        return features


class Discriminator(nn.Module):
    """Pictures (and labels) -> logits: positive where they look real."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.c_dim, self.img_channels = config.c_dim, config.img_channels
        self.img_resolution = config.img_resolution
        for resolution in config.resolutions[:0:-1]:
            self.add_module(f"b{resolution}", DiscriminatorBlock(config, resolution))
        self.b4 = DiscriminatorEpilogue(config)
        self.mapping: LabelMapping | None = None
        if config.c_dim:
            self.mapping = LabelMapping(
                c_dim=config.c_dim,
                out_features=config.out_features,
                num_layers=config.mapping_layers,
                hidden_features=config.mapping_features,
                embed_features=config.embed_features,
                lr_multiplier=config.mapping_lr_multiplier,
            )

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """img [N, C, R, R], about -1..1, and c [N, c_dim] -> logits [N, 1].

        A logit depends on the batch it comes with (minibatch standard deviation). Raises ValueError on
        shapes that do not fit this discriminator.
        """
        expected = (self.img_channels, self.img_resolution, self.img_resolution)
        if img.ndim != 4 or img.shape[1:] != expected:
            raise ValueError(f"img must be [N, {', '.join(map(str, expected))}], not {list(img.shape)}")
        x: Tensor | None = None
        img = img.to(torch.float32)
        for resolution in self.config.resolutions[:0:-1]:
            x, img = self.get_submodule(f"b{resolution}")(x, img)
        assert x is not None
        features: Tensor = self.b4(x, img)
        if self.mapping is None:
            return features
        if c is None or c.shape != (features.shape[0], self.c_dim):
            raise ValueError(f"this discriminator is conditional: c must be [N, {self.c_dim}]")
        projected: Tensor = self.mapping(c.to(torch.float32))
        return (features * projected).sum(dim=1, keepdim=True) / math.sqrt(features.shape[1])


def minibatch_stddev(x: Tensor, group_size: int | None, num_channels: int) -> Tensor:
    """x [N, C, H, W] -> [N, C + num_channels, H, W]: how much pictures of a group differ, as constant maps.

    ProGAN, section 3. A group holds every (N / group_size)-th picture of the batch. Raises ValueError where
    the batch cannot be divided into such groups.
    """
    n, c, h, w = x.shape
    group = n if group_size is None else min(group_size, n)
    if n % group:
        raise ValueError(f"a batch of {n} cannot be divided into groups of {group}: minibatch deviation")
    y = x.reshape(group, n // group, num_channels, c // num_channels, h, w)
    deviation = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(2, 3, 4))  # [N / group, num_channels]
    maps = deviation.repeat(group, 1)[:, :, None, None].expand(-1, -1, h, w)
    return torch.cat([x, maps], dim=1)

"""The StyleGAN2 generator with the parameter names of NVIDIA's checkpoints.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020; the three architectures are
those of its Figure 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.stylegan2 import cuda_synthesis
from models.stylegan2.mapping import MappingNetwork
from models.stylegan2.native import entry as native
from models.stylegan2.native.memory import SynthesisMemory
from models.stylegan2.operations import (
    FullyConnected,
    fir_kernel,
    leaky_relu,
    modulated_convolution,
    upsample2,
)

NoiseMode = Literal["const", "none", "random"]
Architecture = Literal["orig", "skip", "resnet"]
RESIDUAL_GAIN = math.sqrt(0.5)  # of both branches of a 'resnet' block: their sum keeps the variance


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


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU; doubles the size where up is set."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self, config: GeneratorConfig, in_channels: int, out_channels: int, resolution: int, *, up: bool
    ) -> None:
        super().__init__()
        self.resolution, self.up, self.conv_clamp = resolution, up, config.conv_clamp
        self.affine = FullyConnected(config.w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        taps = config.resample_filter if up else (1, 3, 3, 1)  # unused there, but NVIDIA's files hold it
        self.register_buffer("resample_filter", fir_kernel(taps))
        self.use_noise = config.use_noise
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(resolution, resolution))
            self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(
        self, x: Tensor, w: Tensor, noise_mode: NoiseMode, noise: Tensor | None, gain: float = 1.0
    ) -> Tensor:
        styles = self.affine(w)
        up_kernel = self.resample_filter if self.up else None
        x = modulated_convolution(x, self.weight, styles, demodulate=True, up_kernel=up_kernel)
        field = self.noise_field(x, noise_mode, noise)
        if field is not None:
            x = x + field
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        x = x + self.bias[None, :, None, None]
        return leaky_relu(x, gain=math.sqrt(2) * gain, clamp=clamp)

    def noise_field(self, x: Tensor, mode: NoiseMode, given: Tensor | None) -> Tensor | None:
        """What is added to activations x, [N or 1, 1, r, r] or [r, r]; None for nothing."""
        if not self.use_noise or (mode == "none" and given is None):
            return None
        if given is not None:
            return given * self.noise_strength
        if mode == "random":
            drawn = torch.randn([x.shape[0], 1, self.resolution, self.resolution], device=x.device)
            return drawn * self.noise_strength
        return self.noise_const * self.noise_strength


class ToRGB(nn.Module):
    """Modulated 1x1 convolution without demodulation to the picture's channels."""

    def __init__(self, config: GeneratorConfig, in_channels: int) -> None:
        super().__init__()
        self.conv_clamp = config.conv_clamp
        self.affine = FullyConnected(config.w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(config.img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        styles = self.affine(w) / math.sqrt(self.weight.shape[1])
        x = modulated_convolution(x, self.weight, styles, demodulate=False)
        x = x + self.bias[None, :, None, None]
        return x if self.conv_clamp is None else x.clamp(-self.conv_clamp, self.conv_clamp)


class UpsamplingShortcut(nn.Module):
    """The residual branch of a 'resnet' block: a 1x1 convolution without bias at twice the size."""

    resample_filter: Tensor

    def __init__(self, in_channels: int, out_channels: int, taps: tuple[float, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.register_buffer("resample_filter", fir_kernel(taps))

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.weight * (RESIDUAL_GAIN / math.sqrt(self.weight.shape[1])))
        return upsample2(x, self.resample_filter)


class SynthesisBlock(nn.Module):
    """All layers of one resolution; where it has a ToRGB, that is added to the upsampled RGB before it."""

    resample_filter: Tensor

    def __init__(self, config: GeneratorConfig, resolution: int) -> None:
        super().__init__()
        channels = config.channels(resolution)
        self.first = resolution == 4
        self.register_buffer("resample_filter", fir_kernel(config.resample_filter))
        self.skip: UpsamplingShortcut | None = None
        if self.first:
            self.const = nn.Parameter(torch.randn(channels, 4, 4))
        else:
            below = config.channels(resolution // 2)
            self.conv0 = SynthesisLayer(config, below, channels, resolution, up=True)
            if config.architecture == "resnet":
                self.skip = UpsamplingShortcut(below, channels, config.resample_filter)
        self.conv1 = SynthesisLayer(config, channels, channels, resolution, up=False)
        self.torgb = ToRGB(config, channels) if resolution in config.rgb_resolutions else None

    @property
    def num_conv(self) -> int:
        """Convolutions that take a row of ws and a noise map: one in the first block, else two."""
        return 1 if self.first else 2

    def forward(
        self,
        x: Tensor | None,
        img: Tensor | None,
        ws: Tensor,
        noise_mode: NoiseMode,
        noise: Sequence[Tensor | None],
    ) -> tuple[Tensor, Tensor | None]:
        """ws [N, num_conv + 1, w_dim]; the last row is ToRGB's and the next block's first."""
        w = ws[:, self.num_conv - 1]
        if x is None:
            batch = self.const.unsqueeze(0).expand(ws.shape[0], -1, -1, -1)
            x = batch.contiguous(memory_format=torch.channels_last)
            x = self.conv1(x, w, noise_mode, noise[-1])
        elif self.skip is None:
            x = self.conv0(x, ws[:, 0], noise_mode, noise[0])
            x = self.conv1(x, w, noise_mode, noise[-1])
        else:
            shortcut = self.skip(x)
            x = self.conv0(x, ws[:, 0], noise_mode, noise[0])
            x = shortcut + self.conv1(x, w, noise_mode, noise[-1], gain=RESIDUAL_GAIN)
        if self.torgb is None:
            return x, img
        rgb = self.torgb(x, ws[:, self.num_conv])
        return x, rgb if img is None else upsample2(img, self.resample_filter) + rgb


class SynthesisNetwork(nn.Module):
    """ws [N, num_ws, w_dim] -> picture [N, C, R, R], about -1..1, not clamped."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.resolutions = config.resolutions
        self.rgb_resolutions = config.rgb_resolutions
        self.img_resolution = config.img_resolution
        self.w_dim = config.w_dim
        for resolution in config.resolutions:
            self.add_module(f"b{resolution}", SynthesisBlock(config, resolution))
        self.num_ws = 2 * len(config.resolutions)

    def block(self, resolution: int) -> SynthesisBlock:
        """The block of that resolution."""
        module = self.get_submodule(f"b{resolution}")
        assert isinstance(module, SynthesisBlock)
        return module

    @property
    def noise_resolutions(self) -> tuple[int, ...]:
        """Side of every noise map in the order of the layers: 4, 8, 8, 16, 16, ..."""
        return (4, *(r for r in self.resolutions[1:] for _ in range(2)))

    def noise_maps(self) -> list[Tensor]:
        """The stored noise maps [r, r] in the order of the layers; empty without noise inputs."""
        return [value for name, value in self.named_buffers() if name.endswith("noise_const")]

    def forward(
        self,
        ws: Tensor,
        noise_mode: NoiseMode = "const",
        noise: Sequence[Tensor | None] | None = None,
        resolution: int | None = None,
        memory: SynthesisMemory | None = None,
        force_fp32: bool = False,
    ) -> Tensor:
        """noise: one map [N or 1, 1, r, r] a layer, or None there for what noise_mode says.
        resolution: stop at that level, one of rgb_resolutions, and return its RGB.
        memory: activations of the last picture, for a batch of one; it changes the time, not the picture.
        force_fp32: no float16 on CUDA. On a CPU there is none.

        Where no gradients are wanted, kernels of our own compute it on a CPU (models/stylegan2/native), CUDA
        graphs on a GPU. Raises ValueError on shapes that do not fit this generator.
        """
        if ws.ndim != 3 or ws.shape[1:] != (self.num_ws, self.w_dim):
            raise ValueError(f"ws must be [N, {self.num_ws}, {self.w_dim}], not {list(ws.shape)}")
        maps = self._checked_noise(noise)
        stop = self.img_resolution if resolution is None else resolution
        if stop not in self.rgb_resolutions:
            raise ValueError(f"resolution must be one of {self.rgb_resolutions}, not {stop}")
        if memory is not None and len(ws) != 1:
            raise ValueError("a memory is for one picture at a time")
        if ws.is_cuda:
            picture = None if force_fp32 else cuda_synthesis.picture(self, ws, noise_mode, maps, stop)
        else:
            picture = native.picture(self, ws, noise_mode, maps, stop, memory)
        return self._by_modules(ws, noise_mode, maps, stop) if picture is None else picture

    def _by_modules(
        self, ws: Tensor, noise_mode: NoiseMode, maps: Sequence[Tensor | None], stop: int
    ) -> Tensor:
        x: Tensor | None = None
        img: Tensor | None = None
        first = 0
        for r in self.resolutions:
            block = self.block(r)
            rows = ws[:, first : first + block.num_conv + 1]
            x, img = block(x, img, rows, noise_mode, maps[first : first + block.num_conv])
            first += block.num_conv
            if r == stop:
                break
        assert img is not None
        return img

    def _checked_noise(self, noise: Sequence[Tensor | None] | None) -> list[Tensor | None]:
        sides = self.noise_resolutions
        if noise is None:
            return [None] * len(sides)
        if len(noise) != len(sides):
            raise ValueError(f"noise needs {len(sides)} maps, not {len(noise)}")
        for i, (given, side) in enumerate(zip(noise, sides, strict=True)):
            if given is not None and given.shape[-3:] != (1, side, side):
                raise ValueError(f"noise map {i} must be [N or 1, 1, {side}, {side}]")
        return list(noise)


class Generator(nn.Module):
    """Mapping and synthesis together; attributes carry NVIDIA's names."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.synthesis = SynthesisNetwork(config)
        self.mapping = MappingNetwork(
            z_dim=config.z_dim,
            w_dim=config.w_dim,
            num_ws=self.synthesis.num_ws,
            num_layers=config.mapping_layers,
            c_dim=config.c_dim,
            hidden_features=config.mapping_features,
            embed_features=config.embed_features,
            lr_multiplier=config.mapping_lr_multiplier,
        )
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, config.c_dim, config.w_dim
        self.img_resolution, self.img_channels = config.img_resolution, config.img_channels
        self.num_ws = self.synthesis.num_ws

    @property
    def w_avg(self) -> Tensor:
        """Mean of w over z, [w_dim]: the centre of truncation."""
        return self.mapping.w_avg

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "const",
    ) -> Tensor:
        """z [N, z_dim] -> picture [N, C, R, R]."""
        ws = self.mapping(z, c, truncation_psi, truncation_cutoff)
        picture: Tensor = self.synthesis(ws, noise_mode)
        return picture


def to_uint8(img: Tensor) -> Tensor:
    """Picture [N, C, H, W] of -1..1 -> uint8 [N, H, W, C], NVIDIA's rule: x * 127.5 + 128, truncated."""
    return (img.permute(0, 2, 3, 1) * 127.5 + 128).clamp(0, 255).to(torch.uint8)

"""Layers and blocks of the synthesis network, with the parameter names of NVIDIA's checkpoints.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020; the three architectures are
those of its Figure 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.operations import (
    FullyConnected,
    fir_kernel,
    leaky_relu,
    modulated_convolution,
    upsample2,
)

NoiseMode = Literal["const", "none", "random"]
RESIDUAL_GAIN = math.sqrt(0.5)  # of both branches of a 'resnet' block: their sum keeps the variance


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

"""The few operations StyleGAN2 needs beyond PyTorch's own. Activations are NCHW, best channels_last."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2)


def fir_kernel(taps: tuple[float, ...]) -> Tensor:
    """Separable low-pass filter with sum 1: the outer product [k, k] of the taps, or, from eight taps on,
    one row [k] that fir() applies in both directions (as NVIDIA's files hold it).
    """
    # In NumPy: arithmetic on the meta device, where networks are laid out, loads PyTorch's whole compiler.
    row = np.array(taps, dtype=np.float32)
    kernel = np.outer(row, row) if len(taps) < 8 else row
    return torch.tensor(kernel / kernel.sum())


def fir(
    x: Tensor, kernel: Tensor, padding: tuple[int, int, int, int], gain: float = 1.0, stride: int = 1
) -> Tensor:
    """Convolve every channel with kernel [k, k] or [k] after zero padding (left, right, top, bottom;
    negative: cropping), and keep every stride-th sample.
    """
    channels = x.shape[1]
    left, right, top, bottom = padding
    if kernel.ndim == 1:
        row = (kernel * math.sqrt(gain)).flip(0).to(x.dtype).expand(channels, 1, 1, -1)
        x = F.conv2d(F.pad(x, padding), row, stride=(1, stride), groups=channels)
        return F.conv2d(x, row.transpose(2, 3), stride=(stride, 1), groups=channels)
    flipped = (kernel * gain).flip([0, 1]).to(x.dtype)
    weight = flipped[None, None].expand(channels, 1, *kernel.shape)
    if left == right >= 0 and top == bottom >= 0:
        return F.conv2d(x, weight, padding=(top, left), stride=stride, groups=channels)
    return F.conv2d(F.pad(x, padding), weight, stride=stride, groups=channels)


def upsample2(x: Tensor, kernel: Tensor) -> Tensor:
    """Twice the size by zero insertion and low-pass filtering (the RGB skip of Figure 7b, StyleGAN2)."""
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, h, 2, w, 2)
    spread[:, :, :, 0, :, 0] = x
    spread = spread.reshape(n, c, 2 * h, 2 * w)
    k = kernel.shape[0]
    before, after = (k + 1) // 2, (k - 2) // 2
    return fir(spread, kernel, (before, after, before, after), gain=4.0)


def downsample2(x: Tensor, kernel: Tensor) -> Tensor:
    """Half the size by low-pass filtering and leaving out every second sample."""
    k = kernel.shape[0]
    before, after = (k - 1) // 2, (k - 2) // 2
    return fir(x, kernel, (before, after, before, after), stride=2)


def leaky_relu(x: Tensor, gain: float = LRELU_GAIN, clamp: float | None = None) -> Tensor:
    """Leaky ReLU of slope 0.2 times gain, then clamped to +-clamp where a clamp is given."""
    x = F.leaky_relu(x, LRELU_SLOPE) * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


class FullyConnected(nn.Module):
    """x [N, in] -> [N, out] with the equalised learning rate of ProGAN, section 4.1.

    Weights are stored divided by the learning rate multiplier and scaled when used.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activate: bool = False,
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        weight = torch.randn(out_features, in_features)
        self.weight = nn.Parameter(weight if weight.is_meta else weight / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_multiplier))
        self.activate = activate
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        gain = self.lr_multiplier / math.sqrt(self.weight.shape[1])
        y = torch.addmm(self.bias * self.lr_multiplier, x, self.weight.t(), alpha=gain)
        return leaky_relu(y) if self.activate else y


class Convolution(nn.Module):
    """Convolution with bias and leaky ReLU; halves the size where down is set.

    Weights are scaled by 1 / sqrt(fan-in) when used (equalised learning rate). NVIDIA's Conv2dLayer.
    """

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        down: bool = False,
        resample_filter: tuple[float, ...] = (1, 3, 3, 1),  # unused without down, but NVIDIA's files hold it
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.down, self.conv_clamp = down, conv_clamp
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("resample_filter", fir_kernel(resample_filter))

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """x [N, in, h, w] -> [N, out, h, w] or half of it, times gain."""
        weight = self.weight / math.sqrt(self.weight[0].numel())
        if self.down:
            k = self.resample_filter.shape[0]
            before, after = (k + 1) // 2, k // 2
            x = fir(x, self.resample_filter, (before, after, before, after))
            x = F.conv2d(x, weight, self.bias, stride=2)
        else:
            x = F.conv2d(x, weight, self.bias, padding=weight.shape[2] // 2)
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        return leaky_relu(x, gain=LRELU_GAIN * gain, clamp=clamp)


def modulated_convolution(
    x: Tensor, weight: Tensor, styles: Tensor, *, demodulate: bool, up_kernel: Tensor | None = None
) -> Tensor:
    """Weight modulation and demodulation (StyleGAN2, equations 1 and 3) on the activations.

    x [N, in, h, w], weight [out, in, k, k], styles [N, in]; with an up_kernel the output is twice
    as large. Scaling what goes in and what comes out keeps one weight for the whole batch, which
    is the same numbers as a grouped convolution with N weights, and much faster on a CPU.
    """
    x = x * styles[:, :, None, None]
    if up_kernel is None:
        x = F.conv2d(x, weight, padding=weight.shape[2] // 2)
    else:
        x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        k = up_kernel.shape[0]
        before, after = (k - 1) // 2, (k - 2) // 2  # 1, 1 for the usual four taps
        x = fir(x, up_kernel, (before, after, before, after), gain=4.0)
    if demodulate:
        energy = styles.square() @ weight.square().sum(dim=(2, 3)).t()
        x = x * torch.rsqrt(energy + 1e-8)[:, :, None, None]
    return x

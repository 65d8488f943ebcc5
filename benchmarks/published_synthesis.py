"""StyleGAN2 synthesis as the published PyTorch code computes it on a CPU: what ours is compared with.

Written from what that code does in inference: every sample gets its own modulated and demodulated weight and
the batch is one grouped convolution; activations are NCHW; an up-convolution is a transposed convolution and
then a generic FIR filter that inserts zeros, pads and convolves; noise, bias, activation, gain and clamp are
operations of their own. Same numbers as ours, within rounding.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from models.stylegan2.generator import Generator
from models.stylegan2.synthesis_blocks import SynthesisLayer, ToRGB

Padding = tuple[int, int, int, int]


def published_synthesis(generator: Generator, ws: Tensor, resolution: int | None = None) -> Tensor:
    """ws [N, L, w_dim] -> picture [N, C, R, R] with the stored noise, of the skip architecture."""
    network = generator.synthesis
    x = image = None
    row = 0
    for r in network.resolutions:
        block = network.block(r)
        if x is None:
            x = block.const[None].repeat(ws.shape[0], 1, 1, 1)
        else:
            x = _layer(block.conv0, x, ws[:, row])
            row += 1
        x = _layer(block.conv1, x, ws[:, row])
        row += 1
        assert block.torgb is not None
        rgb = _to_rgb(block.torgb, x, ws[:, row])
        if image is None:
            image = rgb
        else:
            image = _upfirdn(image, block.resample_filter, up=2, padding=(2, 1, 2, 1), gain=4.0).add_(rgb)
        if r == resolution:
            break
    assert image is not None
    return image


def _layer(layer: SynthesisLayer, x: Tensor, w: Tensor) -> Tensor:
    kernel = layer.resample_filter if layer.up else None
    x = _modulated(x, layer.weight, layer.affine(w), demodulate=True, up_kernel=kernel)
    if layer.use_noise:
        x = x.add_(layer.noise_const * layer.noise_strength)
    x = x + layer.bias.reshape(1, -1, 1, 1)
    x = F.leaky_relu(x, 0.2)
    x = x * math.sqrt(2)
    return x if layer.conv_clamp is None else x.clamp(-layer.conv_clamp, layer.conv_clamp)


def _to_rgb(to_rgb: ToRGB, x: Tensor, w: Tensor) -> Tensor:
    styles = to_rgb.affine(w) * (1 / math.sqrt(to_rgb.weight.shape[1]))
    x = _modulated(x, to_rgb.weight, styles, demodulate=False, up_kernel=None)
    x = x + to_rgb.bias.reshape(1, -1, 1, 1)
    return x if to_rgb.conv_clamp is None else x.clamp(-to_rgb.conv_clamp, to_rgb.conv_clamp)


def _modulated(
    x: Tensor, weight: Tensor, styles: Tensor, *, demodulate: bool, up_kernel: Tensor | None
) -> Tensor:
    """The fused form: one grouped convolution with a weight for each sample."""
    samples, (out_channels, in_channels, size, _) = x.shape[0], weight.shape
    w = weight[None] * styles.reshape(samples, 1, -1, 1, 1)
    if demodulate:
        w = w * (w.square().sum(dim=[2, 3, 4]) + 1e-8).rsqrt().reshape(samples, -1, 1, 1, 1)
    x = x.reshape(1, -1, *x.shape[2:])
    if up_kernel is None:
        x = F.conv2d(x, w.reshape(-1, in_channels, size, size), padding=size // 2, groups=samples)
    else:
        turned = w.transpose(1, 2).reshape(samples * in_channels, out_channels, size, size)
        x = F.conv_transpose2d(x, turned, stride=2, groups=samples)
        x = _upfirdn(x, up_kernel, up=1, padding=(1, 1, 1, 1), gain=4.0)
    return x.reshape(samples, -1, *x.shape[2:])


def _upfirdn(x: Tensor, kernel: Tensor, *, up: int, padding: Padding, gain: float) -> Tensor:
    """Insert zeros, pad, filter."""
    n, channels, height, width = x.shape
    x = x.reshape(n, channels, height, 1, width, 1)
    x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1])
    x = F.pad(x.reshape(n, channels, height * up, width * up), padding)
    weight = (kernel * gain).flip([0, 1])[None, None].repeat(channels, 1, 1, 1)
    return F.conv2d(x, weight, groups=channels)

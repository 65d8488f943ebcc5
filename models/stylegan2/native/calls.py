"""The layers of the synthesis network on a batch: their tensors put into tasks, and the kernels that do them.

Activations are [N, r, C / lanes, r, lanes], with C padded by zeros to a multiple of the machine's block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.stylegan2.native import upconvolution, winograd
from models.stylegan2.native.division import of_convolution, of_upconvolution
from models.stylegan2.native.kernels import Call
from models.stylegan2.native.layer_task import LayerTask
from models.stylegan2.native.machine import Machine
from models.stylegan2.native.packed import (
    PackedWeights,
    pack_const,
    pack_convolution,
    pack_layer_bias,
    pack_rgb,
    pack_upconvolution,
    padded,
)
from models.stylegan2.native.rgb import (
    TILE,
    EnlargeTask,
    enlarge_code,
    enlarge_scratch,
    rgb_code,
    rgb_scratch,
)
from models.stylegan2.native.watch import Watched
from models.stylegan2.native.workspace import FLOAT, workspace
from models.stylegan2.operations import LRELU_GAIN

if TYPE_CHECKING:
    from models.stylegan2.synthesis_blocks import SynthesisBlock, SynthesisLayer, ToRGB

CACHE = 16 * 2**20  # bytes; larger results are written past the caches


@dataclass(frozen=True)
class Picture:
    """A ToRGB, and the picture it is added to."""

    to_rgb: ToRGB
    styles: Tensor  # [N, C]
    image: Tensor  # [N, channels, r, r], contiguous


@dataclass(frozen=True)
class Modulated:
    """A convolution with the style and demodulation of each sample, and its noise."""

    layer: SynthesisLayer
    styles: Tensor  # [N, in]
    gains: Tensor  # [N, out]
    noise: Tensor | None  # [N or 1, r, r]


@dataclass(frozen=True)
class Weights:
    """The tensors of a network in the forms the kernels read."""

    machine: Machine
    watch: Watched

    def packed(self, layer: SynthesisLayer) -> PackedWeights:
        """Of a convolution."""
        pack = pack_upconvolution if layer.up else pack_convolution
        return self.watch.derived(layer, "weight", pack, self.machine)

    def bias(self, layer: SynthesisLayer) -> Tensor:
        """[out], padded, times the gain of the activation."""
        return self.watch.derived(layer, "bias", pack_layer_bias, self.machine)

    def to_rgb(self, to_rgb: ToRGB) -> Tensor:
        """[channels, in], padded."""
        return self.watch.derived(to_rgb, "weight", pack_rgb, self.machine)

    def const(self, block: SynthesisBlock) -> Tensor:
        """The learned input as activations of one sample."""
        return self.watch.derived(block, "const", pack_const, self.machine)

    def taps(self, module: SynthesisLayer | SynthesisBlock) -> list[float] | None:
        """`separable` of a filter."""
        return self.watch.derived(module, "resample_filter", separable, self.machine)


def packed_size(layer: SynthesisLayer, machine: Machine) -> int:
    """Bytes of the packed weights of a layer."""
    points = (upconvolution.POINTS if layer.up else winograd.POINTS) ** 2
    channels = padded(layer.weight.shape[0], machine) * padded(layer.weight.shape[1], machine)
    return channels * (points + 1) * FLOAT


def convolution(
    weights: Weights,
    step: Modulated,
    x: Tensor,
    out: Tensor,
    picture: Picture | None = None,
    keep: bool = True,
) -> list[Call]:
    """The layer on x, into out, and its ToRGB added to the picture.

    Without keep only the picture is wanted, and out need not be written.
    """
    layer, threads = step.layer, torch.get_num_threads()
    packed, bias, machine = weights.packed(layer), weights.bias(layer), weights.machine
    noise = torch.zeros(layer.resolution) if step.noise is None else step.noise.contiguous()
    divide = of_upconvolution if layer.up else of_convolution
    out_channels, in_channels = packed.energies.shape
    division = divide(machine, threads, x.shape[0], x.shape[1], in_channels, out_channels)
    size = division.scratch
    if picture is not None:
        size += rgb_scratch(picture.image.shape[1], division.tiles)
    scratch = workspace().floats("scratch", size * threads)
    whole = division.group == out_channels  # an item has all channels of its pixels
    task = LayerTask(
        threads=threads,
        weights=packed.filters.data_ptr(),
        styles=step.styles.data_ptr(),
        gains=step.gains.data_ptr(),
        bias=bias.data_ptr(),
        noise=noise.data_ptr(),
        clamp=math.inf if layer.conv_clamp is None else layer.conv_clamp,
        out=out.data_ptr(),
        out_sample=out.stride(0),
        out_row=out.stride(1),
        out_channels=out_channels,
        out_streamed=int(out.numel() // out.shape[0] * FLOAT > CACHE),
        out_kept=int(keep or not whole),
        tiles=division.tiles,
        group=division.group,
        span=division.span,
        lines=division.lines,
        scratch=scratch.data_ptr(),
        scratch_size=size,
    )
    _set_input(task, x)
    if step.noise is not None:
        task.noise_row = layer.resolution
        task.noise_sample = layer.resolution**2 if noise.shape[0] > 1 else 0
        task.noise_strength = float(layer.noise_strength) * LRELU_GAIN
    if layer.up:
        taps = weights.taps(layer)
        assert taps is not None
        task.taps[:] = taps
    shown: tuple[object, ...] = ()
    if picture is not None and whole:
        shown = _set_picture(task, picture, weights)
    write = upconvolution.upconvolution_code if layer.up else winograd.convolution_code
    call = Call(write, task, (packed, step, bias, noise, scratch, x, out, shown))
    return [call] if picture is None or whole else [call, rgb(weights, out, picture)]


def rgb(weights: Weights, x: Tensor, picture: Picture) -> Call:
    """Add ToRGB of activations x to the picture."""
    task = LayerTask()
    _set_input(task, x)
    task.out_channels = task.in_channels
    task.scratch_size = rgb_scratch(picture.image.shape[1], x.shape[3] // TILE)
    scratch = workspace().floats("scratch", task.scratch_size * torch.get_num_threads())
    task.scratch = scratch.data_ptr()
    return Call(rgb_code, task, (x, scratch, _set_picture(task, picture, weights)))


def enlargement(machine: Machine, image: Tensor, taps: list[float], out: Tensor) -> Call:
    """out [N, C, 2r, 2r] = image [N, C, r, r] at twice its size; both contiguous. taps: of `separable`."""
    side, threads = image.shape[-1], torch.get_num_threads()
    size = enlarge_scratch(machine, side)
    scratch = workspace().floats("scratch", size * threads)
    task = EnlargeTask(
        small=image.data_ptr(), large=out.data_ptr(), height=side, width=side, scratch_size=size
    )
    task.planes = image.shape[0] * image.shape[1]
    task.taps[:] = taps
    task.scratch = scratch.data_ptr()
    return Call(enlarge_code, task, (image, out, scratch))


def separable(kernel: Tensor, _machine: Machine) -> list[float] | None:
    """The factors of a low-pass filter [4, 4] that enlarges: four taps down and four along, flipped.

    The gain is 2 for each. None where the filter is not the product of two.
    """
    if kernel.shape != (4, 4):
        return None
    exact = kernel.double()
    down, along, total = exact.sum(dim=1), exact.sum(dim=0), float(exact.sum())
    if total == 0.0 or not torch.allclose(torch.outer(down, along) / total, exact, rtol=0.0, atol=1e-7):
        return None
    return [*(down * (2.0 / total)).flip(0).tolist(), *(along * 2.0).flip(0).tolist()]


def _set_input(task: LayerTask, x: Tensor) -> None:
    samples, height, registers, width, lanes = x.shape
    task.x, task.x_sample, task.x_row = x.data_ptr(), x.stride(0), x.stride(1)
    task.samples, task.height, task.width, task.in_channels = samples, height, width, registers * lanes


def _set_picture(task: LayerTask, picture: Picture, weights: Weights) -> tuple[object, ...]:
    """What the task then points to."""
    to_rgb, image = picture.to_rgb, picture.image
    matrix, bias = weights.to_rgb(to_rgb), to_rgb.bias.contiguous()
    task.rgb_channels, task.image = image.shape[1], image.data_ptr()
    task.rgb_weights, task.rgb_bias, task.rgb_styles = (
        matrix.data_ptr(),
        bias.data_ptr(),
        picture.styles.data_ptr(),
    )
    task.rgb_clamp = math.inf if to_rgb.conv_clamp is None else to_rgb.conv_clamp
    return matrix, bias, picture

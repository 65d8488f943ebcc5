"""The whole synthesis network by kernels: ws to picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.stylegan2.native.calls import (
    Modulated,
    Picture,
    Weights,
    convolution,
    enlargement,
    rgb,
)
from models.stylegan2.native.kernels import Call, Writer, run
from models.stylegan2.native.memory import SynthesisMemory
from models.stylegan2.native.modulation import (
    Affine,
    demodulation_code,
    demodulations,
    styles,
    styles_code,
)
from models.stylegan2.native.rgb import enlarge_code, rgb_code
from models.stylegan2.native.upconvolution import upconvolution_code
from models.stylegan2.native.winograd import convolution_code
from models.stylegan2.native.workspace import workspace

if TYPE_CHECKING:
    from models.stylegan2.generator import SynthesisNetwork
    from models.stylegan2.synthesis_blocks import SynthesisBlock, SynthesisLayer, ToRGB

TOGETHER = 8  # samples at most; more would only need more memory
SHARED = 64  # up to here samples of a batch share one reading of the weights; above they need too much memory
KERNELS: tuple[Writer, ...] = (
    styles_code,
    demodulation_code,
    convolution_code,
    upconvolution_code,
    rgb_code,
    enlarge_code,
)


def convolutions(network: SynthesisNetwork) -> list[SynthesisLayer]:
    """The 3x3 convolutions in the order of the rows of ws."""
    return [layer for r in network.resolutions for layer in _of_block(network.block(r))]


def _to_rgb(block: SynthesisBlock) -> ToRGB:
    assert block.torgb is not None  # every block has one in the skip architecture
    return block.torgb


def _of_block(block: SynthesisBlock) -> list[SynthesisLayer]:
    return [block.conv1] if block.first else [block.conv0, block.conv1]


def synthesize(
    weights: Weights,
    network: SynthesisNetwork,
    ws: Tensor,
    noise: Sequence[Tensor | None],
    resolution: int,
    memory: SynthesisMemory | None = None,
) -> Tensor:
    """ws [N, L, w_dim], noise of each layer [N or 1, r, r] or None -> picture [N, C, R, R].

    A picture is the same to the last bit whatever else is in the batch or in the memory, for any number of
    threads. The caller holds the workspace's lock.
    """
    blocks = [network.block(r) for r in network.resolutions if r <= resolution]
    if memory is not None:
        memory.recall(weights.watch, ws, noise)
    channels = _to_rgb(blocks[-1]).weight.shape[0]
    pictures = torch.empty(ws.shape[0], channels, resolution, resolution)
    for start in range(0, ws.shape[0], TOGETHER):
        part = slice(start, start + TOGETHER)
        plan = _Plan(weights, memory)
        steps = plan.modulate(blocks, ws[part], [_of_samples(field, part) for field in noise])
        plan.arrange(steps, pictures[part])
        plan.run()
    last = len(blocks) - 1
    if memory is not None and resolution < network.img_resolution and memory.image(last) is None:
        memory.keep_image(last, pictures.clone())  # what is handed out may be changed
    return pictures


def _of_samples(field: Tensor | None, samples: slice) -> Tensor | None:
    """The noise of some samples; one map may be for all."""
    return field if field is None or field.shape[0] == 1 else field[samples]


@dataclass(frozen=True)
class _Step:
    """A block with what the latent makes of it."""

    block: SynthesisBlock
    index: int
    convolutions: list[Modulated]  # one in the first block, else two
    rgb_styles: Tensor  # [N, C]

    @property
    def resolution(self) -> int:
        """Of what comes out of it."""
        return self.block.conv1.resolution

    @property
    def first(self) -> int:
        """The number of its first convolution, counted through the network."""
        return max(0, 2 * self.index - 1)

    def of_sample(self, sample: int) -> _Step:
        """The same for one of the batch."""
        row = slice(sample, sample + 1)

        def one(step: Modulated) -> Modulated:
            return Modulated(step.layer, step.styles[row], step.gains[row], _of_samples(step.noise, row))

        return _Step(self.block, self.index, list(map(one, self.convolutions)), self.rgb_styles[row])


class _Plan:
    """The calls that make a picture.

    All are prepared before the first is made: the kernels fill the caches, and between them Python is slow.
    """

    def __init__(self, weights: Weights, memory: SynthesisMemory | None) -> None:
        self.weights, self.machine, self.memory = weights, weights.machine, memory
        self.calls: list[Call] = []
        self._written: list[int] = []
        self._images: list[tuple[int, Tensor]] = []

    def run(self) -> None:
        """Make the calls; from then on the memory holds what they wrote."""
        run(self.machine, self.calls)
        if self.memory is not None:
            for convolution in self._written:
                self.memory.written(convolution)
            for block, image in self._images:
                self.memory.keep_image(block, image)

    def modulate(
        self, blocks: Sequence[SynthesisBlock], ws: Tensor, noise: Sequence[Tensor | None]
    ) -> list[_Step]:
        """Styles and demodulation of all layers."""
        layers = [layer for block in blocks for layer in _of_block(block)]
        affines = [Affine(layer.affine, row, 1.0) for row, layer in enumerate(layers)]
        for index, to_rgb in enumerate(map(_to_rgb, blocks)):
            fan_in = to_rgb.weight.shape[1]
            affines.append(Affine(to_rgb.affine, 2 * index + 1, 1.0 / math.sqrt(fan_in)))
        made, make_styles = styles(self.machine, self.weights.watch, affines, ws)
        energies = [self.weights.packed(layer).energies for layer in layers]
        gains, make_gains = demodulations(energies, made[: len(layers)])
        self.calls += [make_styles, make_gains]
        steps = list(map(Modulated, layers, made, gains, noise))
        return [
            _Step(block, i, steps[max(0, 2 * i - 1) : 2 * i + 1], made[len(layers) + i])
            for i, block in enumerate(blocks)
        ]

    def arrange(self, steps: Sequence[_Step], pictures: Tensor) -> None:
        """The blocks into pictures: the low ones for all samples together, the others sample by sample."""
        low = len(steps)
        if pictures.shape[0] > 1:
            low = sum(step.resolution <= SHARED for step in steps)
        self._reserve(steps[:low], pictures.shape[0])
        if low == len(steps):
            self._through(steps, None, None, pictures)
            return
        self._reserve(steps[low:], 1)
        x, image = self._through(steps[:low], None, None, None)
        for i in range(pictures.shape[0]):
            own = [step.of_sample(i) for step in steps[low:]]
            self._through(own, x[i : i + 1], image[i : i + 1], pictures[i : i + 1])

    def _reserve(self, steps: Sequence[_Step], samples: int) -> None:
        """Make the buffers as large as these steps need them, not larger and larger on the way."""
        for step in steps:
            for index, one in enumerate(step.convolutions, step.first):
                workspace().floats(_buffer(index, samples), math.prod(self._shape(one, samples)))

    def _through(
        self, steps: Sequence[_Step], x: Tensor | None, image: Tensor | None, pictures: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Blocks one after another on the activations and the picture below them.

        The last picture goes into pictures if that is given; the last activations then hold anything.
        """
        for step in steps:
            x, image = self._block(step, x, image, pictures if step is steps[-1] else None)
        assert x is not None and image is not None
        return x, image

    def _block(
        self, step: _Step, x: Tensor | None, image: Tensor | None, last: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Activations and picture after a block; last: where the picture goes if nothing comes after it."""
        known = self._known(2 * step.index)
        shown = None if self.memory is None else self.memory.image(step.index)
        if known is not None and shown is not None:
            return known, shown if last is None else last.copy_(shown)
        picture = Picture(_to_rgb(step.block), step.rgb_styles, self._enlarged(step, image, last))
        if known is not None:
            self.calls.append(rgb(self.weights, known, picture))
        else:
            if x is None:
                x = self.weights.const(step.block).expand(step.rgb_styles.shape[0], -1, -1, -1, -1)
            else:
                x = self._convolve(step.convolutions[0], step.first, x)
            known = self._convolve(step.convolutions[-1], 2 * step.index, x, picture, keep=last is None)
        if last is None:
            self._images.append((step.index, picture.image))
        return known, picture.image

    def _known(self, convolution: int) -> Tensor | None:
        return None if self.memory is None else self.memory.activation(convolution)

    def _convolve(
        self, step: Modulated, index: int, x: Tensor, picture: Picture | None = None, keep: bool = True
    ) -> Tensor:
        if (known := self._known(index)) is not None:
            return known
        shape = self._shape(step, x.shape[0])
        place = None if self.memory is None else self.memory.place(index, shape)
        if place is not None:
            self._written.append(index)
        out = (
            workspace().floats(_buffer(index, x.shape[0]), math.prod(shape)).view(shape)
            if place is None
            else place
        )
        self.calls += convolution(self.weights, step, x, out, picture, keep or place is not None)
        return out

    def _shape(self, step: Modulated, samples: int) -> tuple[int, ...]:
        side, lanes = step.layer.resolution, self.machine.lanes
        return samples, side, step.gains.shape[1] // lanes, side, lanes

    def _enlarged(self, step: _Step, image: Tensor | None, out: Tensor | None) -> Tensor:
        """What ToRGB is added to: the picture of the block below at twice its size."""
        channels = _to_rgb(step.block).weight.shape[0]
        out = torch.empty(step.rgb_styles.shape[0], channels, *2 * (step.resolution,)) if out is None else out
        if image is None:
            return out.zero_()
        taps = self.weights.taps(step.block)
        assert taps is not None
        self.calls.append(enlargement(self.machine, image, taps, out))
        return out


def _buffer(convolution: int, samples: int) -> str:
    """Convolutions take turns with two buffers; those of a batch and of its single samples must not meet."""
    return f"{'batch' if samples > 1 else 'sample'} {convolution % 2}"

"""What both kinds of layer share: their task, zero borders, and noise + bias + activation."""

from __future__ import annotations

import ctypes
from ctypes import c_float, c_int64, c_void_p
from dataclasses import dataclass

from models.stylegan2.native.vector_code import Code, Floats, Int, Vector
from models.stylegan2.operations import LRELU_SLOPE


class LayerTask(ctypes.Structure):
    """One layer on a batch. Strides count float32.

    Activations are [sample, row, channels / lanes, column, lanes]: neighbours of a row lie a register apart.
    """

    _fields_ = (
        ("next_item", c_int64),  # counters of the team, 0 at the start
        ("next_slot", c_int64),
        ("threads", c_int64),  # in the team
        ("x", c_void_p),
        ("x_sample", c_int64),
        ("x_row", c_int64),
        ("out", c_void_p),
        ("out_sample", c_int64),
        ("out_row", c_int64),
        ("out_kept", c_int64),  # 0: only ToRGB sees the result
        ("out_streamed", c_int64),  # 1: written past the caches, because it is larger than they are
        ("weights", c_void_p),  # packed
        ("styles", c_void_p),  # [samples, in_channels]
        ("gains", c_void_p),  # [samples, out_channels]: demodulation times the gain of the activation
        ("bias", c_void_p),  # [out_channels], times that gain
        ("noise", c_void_p),
        ("noise_sample", c_int64),
        ("noise_row", c_int64),
        ("noise_strength", c_float),  # times that gain
        ("clamp", c_float),  # infinite where there is none
        ("samples", c_int64),
        ("height", c_int64),  # of x
        ("width", c_int64),
        ("in_channels", c_int64),  # a multiple of the machine's block, as is the next one
        ("out_channels", c_int64),
        ("tiles", c_int64),  # that go through the matrix products together
        ("group", c_int64),  # output channels in an item of work
        ("span", c_int64),  # up-convolution: rows of tiles in an item
        ("lines", c_int64),  # up-convolution: rows of tiles at a time
        ("taps", c_float * 8),  # up-convolution: the filter down a column, then along a row
        ("scratch", c_void_p),
        ("scratch_size", c_int64),  # of one thread
        ("rgb_channels", c_int64),  # 0: no ToRGB here
        ("rgb_weights", c_void_p),  # [rgb_channels, out_channels]
        ("rgb_styles", c_void_p),  # [samples, out_channels]
        ("rgb_bias", c_void_p),
        ("rgb_clamp", c_float),
        ("image", c_void_p),  # [samples, rgb_channels, height, width]: ToRGB is added to it
    )


@dataclass(frozen=True)
class Pixels:
    """Activations from some pixel on."""

    memory: Floats
    row: Int  # stride from row to row
    width: Int  # pixels in a row

    def line(self, row: Int | int, channel: Int) -> Floats:
        """The register of channels that begins there, pixel after pixel of a row."""
        return self.memory.at(self.row * row + channel * self.width)


class Layer:
    """The numbers of the task inside a kernel."""

    def __init__(self, code: Code) -> None:
        self.code = code
        task = code.task
        self.samples, self.height, self.width = (task.number(n) for n in ("samples", "height", "width"))
        self.in_channels, self.out_channels = task.number("in_channels"), task.number("out_channels")
        self.x, self.x_sample, self.x_row = task.floats("x"), task.number("x_sample"), task.number("x_row")
        self.out, self.out_sample = task.floats("out"), task.number("out_sample")
        self.out_row, self.out_kept = task.number("out_row"), task.number("out_kept")
        self.weights, self.tiles = task.floats("weights"), task.number("tiles")
        self.strength, self.clamp = task.factor("noise_strength"), task.factor("clamp")

    def scratch(self) -> Floats:
        """Memory of the thread that asks."""
        slot = self.code.task.drawn("next_slot")
        return self.code.task.floats("scratch").at(slot * self.code.task.number("scratch_size"))

    def styles(self, sample: Int) -> Floats:
        """Of that sample, [in_channels]."""
        return self.code.task.floats("styles").at(sample * self.in_channels)

    def noise_line(self, sample: Int, row: Int) -> Floats:
        """The noise of a row of pixels of the result."""
        task = self.code.task
        return task.floats("noise").at(sample * task.number("noise_sample") + row * task.number("noise_row"))

    def activation(self, sample: Int, channel: Int) -> Activation:
        """For the register of channels that begins there."""
        task = self.code.task
        gain = task.floats("gains").vector(sample * self.out_channels + channel)
        return Activation(gain, task.floats("bias").vector(channel), self.strength, self.clamp)

    def write(self, line: Floats, values: list[Vector]) -> None:
        """Results of neighbouring pixels, past the caches if the task says so."""
        code, streamed = self.code, self.code.task.number("out_streamed") >= 1
        with code.when(streamed):
            for i, value in enumerate(values):
                line.stream(i * code.lanes, value)
        with code.when(~streamed):
            for i, value in enumerate(values):
                line.store(i * code.lanes, value)

    def pixels(self, sample: Int, row: Int, column: Int, side: int, patch: Floats) -> Pixels:
        """x from (row, column) on, to read side x side pixels.

        Where these reach over the border they are copied into patch, with zeros beyond it.
        """
        code = self.code
        inside = (row >= 0) & (column >= 0) & (row + side <= self.height) & (column + side <= self.width)
        with code.when(~inside):
            self._copy(sample, row, column, Pixels(patch, self.in_channels * side, code.whole(side)), side)
        source = self.x.at(sample * self.x_sample + row * self.x_row + column * code.lanes)
        return Pixels(
            code.select(inside, source, patch),
            code.select(inside, self.x_row, self.in_channels * side),
            code.select(inside, self.width, code.whole(side)),
        )

    def _copy(self, sample: Int, row: Int, column: Int, patch: Pixels, side: int) -> None:
        code, lanes = self.code, self.code.lanes
        with code.loop(0, side) as i, code.loop(0, side) as j, code.loop(0, self.in_channels, lanes) as c:
            y, x = row + i, column + j
            target = patch.line(i, c).at(j * lanes)
            target.store(0, code.zeros())
            with code.when((y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)):
                source = self.x.at(sample * self.x_sample + y * self.x_row + c * self.width)
                target.store(0, source.vector(x * lanes))


@dataclass(frozen=True)
class Activation:
    """leaky_relu(total * gain + strength * noise + bias), limited to +-clamp.

    The activation's own factor sqrt(2) is in gain, strength and bias already: leaky ReLU lets a positive
    factor pass.
    """

    gain: Vector
    bias: Vector
    strength: Vector
    clamp: Vector

    def __call__(self, total: Vector, noise: Vector) -> Vector:
        y = noise * self.strength + (total * self.gain + self.bias)
        y = (y * LRELU_SLOPE).at_least(y)
        return y.at_most(self.clamp).at_least(self.clamp * -1.0)

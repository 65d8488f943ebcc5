"""3x3 convolution at twice the size with its low-pass filter, and everything that follows it in a layer.

A convolution that inserts zeros is four small ones: along each axis even results see two taps of the filter,
odd ones one. Two even results come from three products (Winograd's F(2, 2)) and two odd ones from two, so a
tile of 2x2 pixels becomes 4x4 by 25 products instead of 36. The low-pass filter runs over the rows just made,
while they are in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.stylegan2.native.layer_task import Activation, Layer, LayerTask, Pixels
from models.stylegan2.native.machine import Machine
from models.stylegan2.native.matrix_product import multiply_rows
from models.stylegan2.native.vector_code import Carried, Code, Floats, Int, Vector

STEP, SIDE, VALUES, POINTS = (
    2,
    4,
    4,
    5,
)  # per axis: pixels in, results, transformed values, products of a tile
SEEN = 3  # pixels that a tile reads
MARGIN = 1  # columns of zeros before the first


def input_transform(d: list[Vector]) -> list[Vector]:
    """x[-1], x[0], x[1] of a tile -> the values that the products take."""
    return [d[0] - d[1], d[1], d[1] - d[2], d[2]]


def output_transform(m: list[Vector]) -> list[Vector]:
    """Products to results: even, odd, even, odd."""
    return [m[0] + m[1], m[3], m[1] - m[2], m[4]]


def filter_transform() -> Tensor:
    """Taps to factors of the products, [5, 3] in float64: even results take taps 2 and 0, odd ones tap 1."""
    rows = [[0, 0, 1], [1, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    return torch.tensor(rows, dtype=torch.float64)


def tile_columns(width: int) -> int:
    """Tiles in a row: the last is there for the one even result beyond the border."""
    return width // STEP + 1


def scratch_floats(machine: Machine, in_channels: int, group: int, tiles: int, lines: int, width: int) -> int:
    """float32 a thread needs for tiles (a multiple of machine.rows) at a time out of so many rows."""
    spread = VALUES**2 * (tiles * (in_channels + machine.lanes) + machine.lanes)
    products = POINTS**2 * (tiles * machine.block + machine.lanes)
    ring = (lines + 1) * SIDE * group * (MARGIN + SIDE * tile_columns(width))
    return SEEN**2 * in_channels + spread + products + ring


def upconvolution_code(machine: Machine) -> Code:
    """The kernel. An item is `span` rows of tiles by `group` output channels, done `lines` rows at a time."""
    code = Code("upconvolution", LayerTask, machine.lanes)
    layer = Layer(code)
    rows = layer.height // STEP + 1
    span, group, lines = code.task.number("span"), code.task.number("group"), code.task.number("lines")
    spans, groups = (rows - 1 + span - 1) // span, layer.out_channels // group
    tiling = _Tiling.in_scratch(layer, machine, group, lines)
    tiling.clear_margin()
    with code.items("next_item", spans * groups * layer.samples) as item:
        sample, channel = item // (spans * groups), item // spans % groups * group
        first = item % spans * span
        stop = (first + span + 1).at_most(rows)
        with code.when(first.equals(0)):
            tiling.clear_row_above()
        with code.loop(first, stop, lines) as row:
            end = (row + lines).at_most(stop)
            tiling.convolve(sample, row, end, channel)
            # Row y needs rows y-1 to y+2 of the convolution. An item's first tiles only provide its past.
            begin = code.select(row.equals(first), row * SIDE + 2, row * SIDE - 2)
            begin = code.select(row.equals(0), code.whole(0), begin)
            with code.loop(begin, (end * SIDE - 2).at_most(layer.height * 2)) as y:
                tiling.filter_row(sample, y, channel)
    return code


@dataclass(frozen=True)
class _Tiling:
    """The memory of one thread and what is done in it."""

    layer: Layer
    machine: Machine
    columns: Int  # tiles in a row
    group: Int
    patch: Floats
    values: Floats  # [VALUES^2, tiles, in_channels], padded
    value_row: Int
    value_step: Int
    products: Floats  # [POINTS^2, tiles, block], padded
    product_step: Int
    ring: Floats  # [rows, group / lanes, width, lanes]: what the low-pass filter still needs
    ring_rows: Int
    ring_width: Int

    @classmethod
    def in_scratch(cls, layer: Layer, machine: Machine, group: Int, lines: Int) -> _Tiling:
        columns = layer.width // STEP + 1
        row = layer.in_channels + machine.lanes  # a stride that spreads over the sets of the cache
        value_step = layer.tiles * row + machine.lanes
        product_step = layer.tiles * machine.block + machine.lanes
        patch = layer.scratch()
        values = patch.at(layer.in_channels * SEEN**2)
        products = values.at(value_step * VALUES**2)
        ring = products.at(product_step * POINTS**2)
        rows, width = (lines + 1) * SIDE, columns * SIDE + MARGIN
        return cls(
            layer,
            machine,
            columns,
            group,
            patch,
            values,
            row,
            value_step,
            products,
            product_step,
            ring,
            rows,
            width,
        )

    def ring_line(self, row: Int, channel: Int) -> Floats:
        """A row of a register of channels, from column -1 on; row counts from the picture's top."""
        slot = (row + self.ring_rows) % self.ring_rows
        return self.ring.at(slot * self.group * self.ring_width + channel * self.ring_width)

    def clear_margin(self) -> None:
        """Column -1 is zero."""
        code = self.layer.code
        with code.loop(0, self.ring_rows) as row, code.loop(0, self.group, code.lanes) as channel:
            self.ring_line(row, channel).store(0, code.zeros())

    def clear_row_above(self) -> None:
        """Row -1 is zero."""
        code = self.layer.code
        start = self.ring_line(code.whole(-1), code.whole(0))
        with code.loop(0, self.group * self.ring_width, code.lanes) as i:
            start.store(i, code.zeros())

    def convolve(self, sample: Int, row: Int, end: Int, channel: Int) -> None:
        """Rows of tiles into the ring, each as four rows."""
        layer, code, block = self.layer, self.layer.code, self.machine.block
        count = (end - row) * self.columns
        with code.loop(0, count, layer.tiles) as first:
            here = layer.tiles.at_most(count - first)
            with code.loop(0, here) as i:
                y, x = row + (first + i) // self.columns, (first + i) % self.columns
                source = layer.pixels(sample, y * STEP - 1, x * STEP - 1, SEEN, self.patch)
                self._transform(source, layer.styles(sample), self.values.at(i * self.value_row))
            with code.loop(0, self.group, block) as part:
                self._multiply(channel + part, here)
                with code.loop(0, here) as i:
                    y, x = row + (first + i) // self.columns, (first + i) % self.columns
                    for lane in range(0, block, code.lanes):
                        products = self.products.at(i * block + lane)
                        self._store(products, y * SIDE, x * SIDE + MARGIN, part + lane)

    def _transform(self, source: Pixels, styles: Floats, out: Floats) -> None:
        layer, code = self.layer, self.layer.code
        with code.loop(0, layer.in_channels, code.lanes) as c:
            style = styles.vector(c)
            lines = [source.line(i, c) for i in range(SEEN)]
            columns = [
                input_transform([line.vector(j * code.lanes) * style for line in lines]) for j in range(SEEN)
            ]
            for i in range(VALUES):
                for j, value in enumerate(input_transform([column[i] for column in columns])):
                    out.store(self.value_step * (i * VALUES + j) + c, value)

    def _multiply(self, channel: Int, here: Int) -> None:
        layer, code, machine = self.layer, self.layer.code, self.machine
        weights = layer.weights.at(channel * POINTS**2 * layer.in_channels)
        with code.loop(0, POINTS) as i, code.loop(0, POINTS) as j:
            point, value = i * POINTS + j, self._value_of(i) * VALUES + self._value_of(j)
            right = weights.at(point * layer.in_channels * machine.block)
            left, out = self.values.at(value * self.value_step), self.products.at(point * self.product_step)
            multiply_rows(code, machine, left, self.value_row, right, out, layer.in_channels, here)

    def _value_of(self, point: Int) -> Int:
        """The transformed value that a product takes: 0, 1, 2, 1, 3."""
        code = self.layer.code
        return code.select(point < 3, point, code.select(point.equals(3), code.whole(1), code.whole(3)))

    def _store(self, source: Floats, row: Int, column: Int, channel: Int) -> None:
        code = self.layer.code
        columns = [
            output_transform([source.vector(self.product_step * (i * POINTS + j)) for i in range(POINTS)])
            for j in range(POINTS)
        ]
        for i in range(SIDE):
            line = self.ring_line(row + i, channel).at(column * code.lanes)
            for j, value in enumerate(output_transform([entry[i] for entry in columns])):
                line.store(j * code.lanes, value)

    def filter_row(self, sample: Int, y: Int, channel: Int) -> None:
        """Row y of the result for this group of channels."""
        layer, code = self.layer, self.layer.code
        taps = [code.task.array("taps").spread(i) for i in range(8)]
        noise = layer.noise_line(sample, y)
        width = layer.width * 2
        with code.loop(0, self.group, code.lanes) as part:
            lines = [self.ring_line(y + i, part) for i in (-1, 0, 1, 2)]
            out = layer.out.at(sample * layer.out_sample + y * layer.out_row + (channel + part) * width)
            self._filter_line(lines, taps, layer.activation(sample, channel + part), noise, out, width)

    def _filter_line(
        self,
        lines: list[Floats],
        taps: list[Vector],
        activate: Activation,
        noise: Floats,
        out: Floats,
        width: Int,
    ) -> None:
        layer, code = self.layer, self.layer.code

        def down(column: Int | int) -> Vector:
            sums = [line.vector(column * code.lanes) * tap for line, tap in zip(lines, taps, strict=False)]
            return (sums[0] + sums[1]) + (sums[2] + sums[3])

        past = [Carried(code, down(column)) for column in range(3)]
        with code.loop(0, width) as x:
            values = [entry.value for entry in past] + [down(x + 3)]
            sums = [value * tap for value, tap in zip(values, taps[4:], strict=True)]
            total = (sums[0] + sums[1]) + (sums[2] + sums[3])
            layer.write(out.at(x * code.lanes), [activate(total, noise.spread(x))])
            for entry, value in zip(past, values[1:], strict=True):
                entry.value = value

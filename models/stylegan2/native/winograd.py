"""3x3 convolution by Winograd's minimal filtering F(4x4, 3x3), with everything that follows it in a layer.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016: a tile of 4x4 results comes from
6x6 products instead of 144. The polynomials are evaluated at 0, +-sqrt(1/2), +-sqrt(2) and infinity: their
powers stay near 1, which keeps the float32 error about a quarter of that at the customary 0, +-1, +-2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models.stylegan2.native.layer_task import Layer, LayerTask, Pixels
from models.stylegan2.native.machine import Machine
from models.stylegan2.native.matrix_product import multiply_rows
from models.stylegan2.native.rgb import add_tiles, tile_rgb
from models.stylegan2.native.vector_code import Code, Floats, Int, Vector

SIDE, POINTS = 4, 6  # results and products of a tile in each direction
LINE = 16  # float32 in a cache line
NEAR, FAR = math.sqrt(0.5), math.sqrt(2.0)


def input_transform(d: list[Vector]) -> list[Vector]:
    """B^T d of the paper's equation 9 for these points: six values to six."""
    even_near, odd_near = d[4] - d[2] * 2.0, d[3] - d[1] * 2.0
    even_far, odd_far = d[4] - d[2] * 0.5, d[3] - d[1] * 0.5
    return [
        d[0] + d[4] - d[2] * 2.5,
        even_near + odd_near * NEAR,
        even_near - odd_near * NEAR,
        even_far + odd_far * FAR,
        even_far - odd_far * FAR,
        d[1] + d[5] - d[3] * 2.5,
    ]


def output_transform(m: list[Vector]) -> list[Vector]:
    """A^T m: six products to four results."""
    even_near, odd_near = m[1] + m[2], m[1] - m[2]
    even_far, odd_far = m[3] + m[4], m[3] - m[4]
    return [
        m[0] + (even_near + even_far),
        odd_near * NEAR + odd_far * FAR,
        even_near * 0.5 + even_far * 2.0,
        m[5] + (odd_near * (0.5 * NEAR) + odd_far * (2.0 * FAR)),
    ]


def filter_transform() -> Tensor:
    """G of the paper, [6, 3] in float64, with the factors that input_transform leaves out."""
    points = [[point**k for k in range(3)] for point in (0.0, NEAR, -NEAR, FAR, -FAR)] + [[0.0, 0.0, 1.0]]
    factors = [1.0, -2 / 3, -2 / 3, 1 / 6, 1 / 6, 1.0]
    return torch.tensor(points, dtype=torch.float64) * torch.tensor(factors, dtype=torch.float64)[:, None]


def scratch_floats(machine: Machine, in_channels: int, out_channels: int, tiles: int) -> int:
    """float32 a thread needs for tiles (a multiple of machine.rows) at a time."""
    row = in_channels + machine.lanes
    products = POINTS**2 * (tiles * (row + machine.block) + 2 * machine.lanes)
    return POINTS**2 * in_channels + products + tiles * SIDE**2 * out_channels


def convolution_code(machine: Machine) -> Code:
    """The kernel. An item is some tiles by a group of output channels."""
    code = Code("convolution", LayerTask, machine.lanes)
    layer = Layer(code)
    block = _Block.in_scratch(layer, machine)
    group, channels = code.task.number("group"), code.task.number("rgb_channels")
    with code.items("next_item", block.parts * (layer.out_channels // group) * layer.samples) as item:
        sample, start, first, count = block.item(item, group)
        block.transform(sample, first, count)
        with code.loop(start, start + group, machine.block) as channel:
            with code.loop(0, POINTS**2) as point:
                with code.when(channel.equals(start)):
                    block.fetch(item + code.task.number("threads"), group, point)
                block.multiply(channel, point, count)
            block.finish(sample, first, count, channel)
        with code.when(channels >= 1):
            for tile in block.tiles(first, count):
                own = block.shown.at(tile.index * channels * SIDE**2)
                tile_rgb(layer, sample, block.place(sample, tile), own)
            add_tiles(layer, sample, first, count, block.shown)
    return code


@dataclass(frozen=True)
class _Tile:
    """The results of 4x4 pixels."""

    index: Int  # within the item
    row: Int  # of its first pixel
    column: Int


@dataclass(frozen=True)
class _Block:
    """The memory of one thread for a block of tiles, and what is done in it."""

    layer: Layer
    machine: Machine
    across: Int  # tiles in a row of the picture
    parts: Int  # blocks in a picture
    patch: Floats
    values: Floats  # [POINTS^2, tiles, in_channels], padded: V of the paper
    value_row: Int
    value_step: Int
    products: Floats  # [POINTS^2, tiles, block], padded: M of the paper
    product_step: Int
    passing: Floats  # [tiles, SIDE, out_channels / lanes, SIDE, lanes]: results that only ToRGB sees
    shown: Floats  # [tiles, rgb_channels, SIDE, SIDE]

    @classmethod
    def in_scratch(cls, layer: Layer, machine: Machine) -> _Block:
        across = layer.width // SIDE
        parts = (across * (layer.height // SIDE) + layer.tiles - 1) // layer.tiles
        row = layer.in_channels + machine.lanes  # a stride that spreads over the sets of the cache
        value_step = layer.tiles * row + machine.lanes
        product_step = layer.tiles * machine.block + machine.lanes
        patch = layer.scratch()
        values = patch.at(layer.in_channels * POINTS**2)
        products = values.at(value_step * POINTS**2)
        passing = products.at(product_step * POINTS**2)
        shown = passing.at(layer.tiles * layer.out_channels * SIDE**2)
        return cls(
            layer,
            machine,
            across,
            parts,
            patch,
            values,
            row,
            value_step,
            products,
            product_step,
            passing,
            shown,
        )

    def item(self, item: Int, group: Int) -> tuple[Int, Int, Int, Int]:
        """Its sample, first channel, first tile and number of tiles."""
        layer = self.layer
        in_sample = self.parts * (layer.out_channels // group)
        first = item % self.parts * layer.tiles
        count = layer.tiles.at_most(self.across * (layer.height // SIDE) - first)
        return item // in_sample, item % in_sample // self.parts * group, first, count

    def tiles(self, first: Int, count: Int) -> Iterator[_Tile]:
        """A loop over the tiles of the item."""
        with self.layer.code.loop(0, count) as i:
            yield _Tile(i, (first + i) // self.across * SIDE, (first + i) % self.across * SIDE)

    def transform(self, sample: Int, first: Int, count: Int) -> None:
        """V = B^T (x * style) B of each tile."""
        layer, code = self.layer, self.layer.code
        for tile in self.tiles(first, count):
            source = layer.pixels(sample, tile.row - 1, tile.column - 1, POINTS, self.patch)
            out = self.values.at(tile.index * self.value_row)
            with code.loop(0, layer.in_channels, code.lanes) as c:
                style = layer.styles(sample).vector(c)
                lines = [source.line(i, c) for i in range(POINTS)]
                columns = [
                    input_transform([line.vector(j * code.lanes) * style for line in lines])
                    for j in range(POINTS)
                ]
                for i in range(POINTS):
                    for j, value in enumerate(input_transform([column[i] for column in columns])):
                        out.store(self.value_step * (i * POINTS + j) + c, value)

    def multiply(self, channel: Int, point: Int, count: Int) -> None:
        """M = V U of one point for a block of channels."""
        layer, machine = self.layer, self.machine
        weights = layer.weights.at((channel * POINTS**2 + point * machine.block) * layer.in_channels)
        left, out = self.values.at(point * self.value_step), self.products.at(point * self.product_step)
        multiply_rows(layer.code, machine, left, self.value_row, weights, out, layer.in_channels, count)

    def finish(self, sample: Int, first: Int, count: Int, channel: Int) -> None:
        """A^T M A of a block of channels, activated, to its place."""
        layer, lanes = self.layer, self.machine.lanes
        for tile in self.tiles(first, count):
            target = self.place(sample, tile)
            for part in range(0, self.machine.block, lanes):
                source = self.products.at(tile.index * self.machine.block + part)
                columns = [
                    output_transform(
                        [source.vector(self.product_step * (i * POINTS + j)) for i in range(POINTS)]
                    )
                    for j in range(POINTS)
                ]
                activate = layer.activation(sample, channel + part)
                for i in range(SIDE):
                    noise = layer.noise_line(sample, tile.row + i).at(tile.column)
                    totals = output_transform([column[i] for column in columns])
                    values = [activate(total, noise.spread(j)) for j, total in enumerate(totals)]
                    layer.write(target.line(i, channel + part), values)

    def place(self, sample: Int, tile: _Tile) -> Pixels:
        """Where a tile's results go: to the output, or where only ToRGB sees them."""
        layer, code, kept = self.layer, self.layer.code, self.layer.out_kept >= 1
        output = sample * layer.out_sample + tile.row * layer.out_row + tile.column * code.lanes
        passing = self.passing.at(tile.index * SIDE**2 * layer.out_channels)
        return Pixels(
            code.select(kept, layer.out.at(output), passing),
            code.select(kept, layer.out_row, layer.out_channels * SIDE),
            code.select(kept, layer.width, code.whole(SIDE)),
        )

    def fetch(self, item: Int, group: Int, part: Int) -> None:
        """Fetch a 36th of an item's input: while the matrix products run, memory has nothing to do."""
        layer, code = self.layer, self.layer.code
        sample, _, first, _ = self.item(item, group)
        row = first // self.across * SIDE - 1 + part // POINTS
        column = first % self.across * SIDE
        start = layer.x.at(sample * layer.x_sample + row * layer.x_row + column * code.lanes)
        run = layer.tiles * (SIDE * code.lanes)  # float32 side by side, for each register of channels
        lines = run * (layer.in_channels // code.lanes) // LINE
        begin, end = part % POINTS * lines // POINTS, (part % POINTS + 1) * lines // POINTS
        with code.loop(begin, end) as line:
            register, position = line * LINE // run, line * LINE % run
            code.prefetch(start.at(register * layer.width * code.lanes + position))

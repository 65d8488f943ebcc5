"""The picture: ToRGB of a tile of activations, and the picture of the level below at twice its size."""

from __future__ import annotations

import ctypes
from ctypes import c_float, c_int64, c_void_p

from models.stylegan2.native.layer_task import Layer, LayerTask, Pixels
from models.stylegan2.native.machine import Machine
from models.stylegan2.native.sums import row_sums
from models.stylegan2.native.vector_code import Carried, Code, Floats, Int, Vector

TILE = 4  # pixels side by side that are worked on at a time
TOGETHER = 3  # channels of a picture, likewise


def rgb_scratch(channels: int, tiles: int) -> int:
    """float32 a thread needs for ToRGB of so many tiles."""
    return channels * tiles * TILE * TILE


def tile_rgb(layer: Layer, sample: Int, pixels: Pixels, out: Floats) -> None:
    """ToRGB of 4x4 pixels, [rgb_channels, 4, 4], to out."""
    code, channels = layer.code, layer.code.task.number("rgb_channels")
    whole = channels // TOGETHER * TOGETHER
    with code.loop(0, TILE) as i:
        with code.loop(0, whole, TOGETHER) as channel:
            _line_rgb(layer, sample, channel, TOGETHER, pixels, i, out)
        with code.loop(whole, channels) as channel:
            _line_rgb(layer, sample, channel, 1, pixels, i, out)


def _line_rgb(
    layer: Layer, sample: Int, first: Int, count: int, pixels: Pixels, line: Int, out: Floats
) -> None:
    """Some channels of four pixels side by side."""
    code, task, depth = layer.code, layer.code.task, layer.out_channels
    limit = task.factor("rgb_clamp", TILE)
    styles = task.floats("rgb_styles").at(sample * depth)
    weights = [task.floats("rgb_weights").at((first + k) * depth) for k in range(count)]
    sums = [[Carried(code, code.zeros()) for _ in range(TILE)] for _ in range(count)]
    with code.loop(0, depth, code.lanes) as c:
        values = [pixels.line(line, c).vector(j * code.lanes) for j in range(TILE)]
        for weight, own in zip(weights, sums, strict=True):
            factor = weight.vector(c) * styles.vector(c)
            for value, entry in zip(values, own, strict=True):
                entry.value = value * factor + entry.value
    for k, own in enumerate(sums):
        value = row_sums([entry.value for entry in own]) + task.floats("rgb_bias").spread(first + k, TILE)
        out.store(((first + k) * TILE + line) * TILE, value.at_most(limit).at_least(limit * -1.0))


def add_tiles(layer: Layer, sample: Int, first: Int, count: Int, tiles: Floats) -> None:
    """Add the results of tile_rgb of count tiles, from the first of the picture on, to the picture.

    Line by line, not tile by tile: all lines of a large picture compete for the same places in the cache.
    """
    code, channels = layer.code, layer.code.task.number("rgb_channels")
    across = layer.width // TILE
    with code.loop(0, channels) as channel, code.loop(0, TILE) as i, code.loop(0, count) as tile:
        row, column = (first + tile) // across * TILE + i, (first + tile) % across * TILE
        line = ((sample * channels + channel) * layer.height + row) * layer.width
        target = code.task.floats("image").at(line + column)
        own = tiles.vector(((tile * channels + channel) * TILE + i) * TILE, TILE)
        target.store(0, target.vector(0, TILE) + own)


class EnlargeTask(ctypes.Structure):
    """Twice the size for `planes` pictures [height, width] one after another, by the filter of the skip."""

    _fields_ = (
        ("next_item", c_int64),
        ("next_slot", c_int64),
        ("small", c_void_p),
        ("large", c_void_p),
        ("planes", c_int64),
        ("height", c_int64),
        ("width", c_int64),
        ("taps", c_float * 8),  # down a column, then along a row
        ("scratch", c_void_p),
        ("scratch_size", c_int64),
    )


def enlarge_scratch(machine: Machine, width: int) -> int:
    """float32 a thread needs."""
    return 6 * (width + 2 * machine.lanes)


def enlarge_code(machine: Machine) -> Code:
    """The kernel: zero insertion and low-pass filter (Figure 7b of StyleGAN2) without the zeros.

    Of four taps two meet the inserted zeros: even results are taps 0 and 2 of neighbours -1 and 0, odd ones
    taps 1 and 3 of neighbours 0 and 1. First between rows, then along the row.
    """
    code = Code("enlarge", EnlargeTask, machine.lanes)
    lanes, height, width = machine.lanes, code.task.number("height"), code.task.number("width")
    taps = [code.task.array("taps").spread(i) for i in range(8)]
    padded = width + 2 * lanes
    memory = code.task.floats("scratch").at(code.task.drawn("next_slot") * code.task.number("scratch_size"))
    with code.loop(0, padded * 4, lanes) as i:
        memory.store(i, code.zeros())
    rows, line, wide = [memory.at(padded * i) for i in range(3)], memory.at(padded * 3), memory.at(padded * 4)
    with code.items("next_item", code.task.number("planes") * height) as item:
        plane, y = item // height, item % height
        source = code.task.floats("small").at(plane * height * width)
        for shift, row in zip((-1, 0, 1), rows, strict=True):
            neighbour = y + shift
            with code.loop(0, padded, lanes) as c:
                row.store(c, code.zeros())
            with code.when((neighbour >= 0) & (neighbour < height)):
                row.copy(source.at(neighbour * width), width)
        for odd in (0, 1):
            with code.loop(0, width, lanes) as c:
                above, below = rows[odd].vector(c), rows[odd + 1].vector(c)
                line.store(c + lanes, above * taps[odd] + below * taps[odd + 2])
            _enlarge_line(code, line, wide, width, taps[4:])
            large = code.task.floats("large").at((plane * height * 2 + y * 2 + odd) * width * 2)
            large.copy(wide, width * 2)
    return code


def _enlarge_line(code: Code, line: Floats, wide: Floats, width: Int, taps: list[Vector]) -> None:
    lanes = code.lanes
    order = [lane for pair in zip(range(lanes), range(lanes, 2 * lanes), strict=True) for lane in pair]
    with code.loop(0, width, lanes) as c:
        left, here, right = (line.vector(c + (lanes + shift)) for shift in (-1, 0, 1))
        even, odd = left * taps[0] + here * taps[2], here * taps[1] + right * taps[3]
        wide.store(c * 2, even.shuffled(odd, order[:lanes]))
        wide.store(c * 2 + lanes, even.shuffled(odd, order[lanes:]))


def rgb_code(machine: Machine) -> Code:
    """The kernel: ToRGB of activations that are there already (x of the task); a row of tiles is an item."""
    code = Code("rgb", LayerTask, machine.lanes)
    layer = Layer(code)
    rows, across = layer.height // TILE, layer.width // TILE
    results = layer.scratch()
    with code.items("next_item", rows * layer.samples) as item:
        sample, row = item // rows, item % rows
        with code.loop(0, across) as tile:
            start = layer.x.at(
                sample * layer.x_sample + row * TILE * layer.x_row + tile * (TILE * code.lanes)
            )
            out = results.at(tile * code.task.number("rgb_channels") * TILE**2)
            tile_rgb(layer, sample, Pixels(start, layer.x_row, layer.width), out)
        add_tiles(layer, sample, row * across, across, results)
    return code

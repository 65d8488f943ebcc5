"""How a layer is divided into items of work. It changes the time, never the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

from models.stylegan2.native import upconvolution, winograd
from models.stylegan2.native.machine import Machine

# Measured on a processor with 1 MB of second-level cache for each core.
TILES = 16  # that share one reading of the weights; with more, their products leave the cache
TILES_OF_MANY_WEIGHTS = 32  # where reading the weights would take longer than that
MANY_WEIGHTS = 2**16  # pairs of channels
GATHERED = (
    96  # the same for an up-convolution with short rows, where reading the weights is what takes the time
)
RING = 16384  # pixels times channels of the rows that are kept for the low-pass filter
ITEMS = 4  # of work for each thread, where there is enough: who is disturbed leaves some to the others


@dataclass(frozen=True)
class Division:
    """The fields of a LayerTask of these names, and the float32 of scratch that a thread needs."""

    tiles: int
    group: int
    span: int
    lines: int
    scratch: int


@cache
def of_convolution(
    machine: Machine, threads: int, samples: int, side: int, in_channels: int, out_channels: int
) -> Division:
    """For x of side x side pixels."""
    count = (side // winograd.SIDE) ** 2
    most = TILES_OF_MANY_WEIGHTS if in_channels * out_channels >= MANY_WEIGHTS else TILES
    tiles = _rounded_up(min(most, count), machine.rows)
    items = -(-count // tiles) * samples
    blocks = out_channels // machine.block
    parts = next((n for n in _divisors(blocks) if n * items >= ITEMS * threads), blocks)
    scratch = winograd.scratch_floats(machine, in_channels, out_channels, tiles)
    return Division(tiles, out_channels // parts, span=0, lines=0, scratch=scratch)


@cache
def of_upconvolution(
    machine: Machine, threads: int, samples: int, side: int, in_channels: int, out_channels: int
) -> Division:
    """For x of side x side pixels, half of those that come out."""
    rows, columns = side // upconvolution.STEP, upconvolution.tile_columns(side)
    lines = max(1, min(rows + 1, GATHERED // columns))
    tiles = _rounded_up(lines * columns if lines > 1 else min(TILES, columns), machine.rows)

    def time(choice: tuple[int, int]) -> float:
        """Rounds of items times what one takes: its rows and one more, each with channels in and out."""
        parts, spans = choice
        rounds = -(-parts * spans * samples // threads)
        return rounds * (-(-rows // spans) + 1) * (out_channels / parts + machine.block / 2)

    blocks = _divisors(out_channels // machine.block)
    fitting = [parts for parts in blocks if out_channels // parts * side <= RING] or blocks[-1:]
    parts, spans = min(product(fitting, range(1, rows + 1)), key=time)
    group, span = out_channels // parts, -(-rows // spans)
    scratch = upconvolution.scratch_floats(machine, in_channels, group, tiles, lines, side)
    return Division(tiles, group, span, lines, scratch)


def _rounded_up(count: int, step: int) -> int:
    return -(-count // step) * step


def _divisors(count: int) -> list[int]:
    return [n for n in range(1, count + 1) if count % n == 0]

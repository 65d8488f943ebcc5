"""The innermost loop: a few rows of one matrix times a few columns of another, all sums in registers."""

from __future__ import annotations

from models.stylegan2.native.machine import Machine
from models.stylegan2.native.vector_code import Carried, Code, Floats, Int

SINGLE = 2  # so many rows over are cheaper one by one than as a block of machine.rows


def multiply_rows(
    code: Code,
    machine: Machine,
    left: Floats,
    stride: Int,
    right: Floats,
    out: Floats,
    depth: Int,
    count: Int,
) -> None:
    """out [count, block] = left [count, depth] @ right [depth, block]; rows of left lie stride apart.

    Up to machine.rows - 1 rows more than count may be read and written.
    """
    over = count % machine.rows
    whole = code.select(over <= SINGLE, count - over, count)
    with code.loop(0, whole, machine.rows) as row:
        _multiply(
            code,
            machine,
            machine.rows,
            left.at(row * stride),
            stride,
            right,
            out.at(row * machine.block),
            depth,
        )
    with code.loop(whole, count) as row:
        _multiply(code, machine, 1, left.at(row * stride), stride, right, out.at(row * machine.block), depth)


def _multiply(
    code: Code, machine: Machine, rows: int, left: Floats, stride: Int, right: Floats, out: Floats, depth: Int
) -> None:
    """Each number of the left is spread over a register once and multiplied with `columns` of the right.

    The rows * columns sums are independent, which hides the latency of the multiply-add.
    """
    lanes = machine.lanes
    sums = [[Carried(code, code.zeros()) for _ in range(machine.columns)] for _ in range(rows)]
    starts = [left.at(stride * row) for row in range(rows)]
    with code.loop(0, depth) as k:
        weights = [right.vector(k * machine.block + column * lanes) for column in range(machine.columns)]
        for start, row in zip(starts, sums, strict=True):
            factor = start.spread(k)
            for weight, entry in zip(weights, row, strict=True):
                entry.value = factor * weight + entry.value
    for i, row in enumerate(sums):
        for j, entry in enumerate(row):
            out.store(i * machine.block + j * lanes, entry.value)

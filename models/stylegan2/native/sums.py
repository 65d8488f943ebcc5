"""Sums over the lanes of a register."""

from __future__ import annotations

from models.stylegan2.native.vector_code import Vector

FOUR = 4


def row_sums(vectors: list[Vector]) -> Vector:
    """The sum of the lanes of each of four vectors, as one vector of four."""
    folded = []
    for vector in vectors:
        while vector.lanes > FOUR:
            half = vector.lanes // 2
            low, high = range(half), range(half, vector.lanes)
            vector = vector.shuffled(vector, low) + vector.shuffled(vector, high)
        folded.append(vector)
    first, second = _pair_sums(folded[0], folded[1]), _pair_sums(folded[2], folded[3])
    return _pair_sums(first, second)


def _pair_sums(a: Vector, b: Vector) -> Vector:
    return a.shuffled(b, (0, 2, 4, 6)) + a.shuffled(b, (1, 3, 5, 7))

"""Stored directions as documents use them: read once, checked against the generator, put on other layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from models.editing.directions import Direction, DirectionFile, direction_file, load_directions
from models.stylegan2.generator import Generator
from models.weights import CheckpointError
from server.documents import Document
from server.engine.cache import StageCache
from server.engine.editing_interface import DirectionSource
from server.problems import Problem

CAPACITY = 256

Moves = tuple[tuple[Direction, float], ...]


def no_directions(direction: UUID) -> bytes:
    """The source of an engine that keeps none."""
    raise Problem("unknown_direction", f"There is no direction {direction}: it was deleted.")


class KnownDirections:
    """Of all models. Used by the compute thread only."""

    def __init__(self, source: DirectionSource) -> None:
        self._source = source
        self._files: StageCache[DirectionFile] = StageCache(CAPACITY)

    def moves(self, document: Document, generator: Generator, sha256: str) -> Moves:
        """What the document does, in an order that does not depend on the document's.

        Raises Problem unknown_direction, direction_of_other_generator, document_does_not_fit.
        """
        moving = [move for move in document.directions if move.strength != 0]
        found = []
        for move in sorted(moving, key=lambda m: (m.direction.bytes, m.layers or (), m.strength)):
            file = self._files.get_or_compute(
                str(move.direction),
                lambda move=move: read_file(self._source(move.direction)),  # type: ignore[misc]
            )
            found.append((of_generator(file, sha256), move))
        return tuple(
            (on_layers(direction, move.layers, generator.num_ws), move.strength) for direction, move in found
        )

    def forget(self, direction_id: UUID) -> None:
        """It was deleted."""
        self._files.drop(str(direction_id))


def direction_bytes(direction: Direction, generator_sha256: str) -> bytes:
    """A file of one direction."""
    return direction_file(DirectionFile(generator_sha256, (direction,)))


def read_file(data: bytes) -> DirectionFile:
    """Raises Problem bad_direction."""
    try:
        return load_directions(data)
    except CheckpointError as error:
        raise Problem("bad_direction", str(error)) from error


def of_generator(file: DirectionFile, sha256: str) -> Direction:
    """The file's first direction. Raises Problem direction_of_other_generator."""
    direction = file.directions[0]
    if file.generator != sha256:
        detail = (
            f"The direction {direction.name} was found in another model, or in another version of this one."
        )
        raise Problem("direction_of_other_generator", detail, "Look for it again in this model.")
    return direction


def on_layers(direction: Direction, layers: Sequence[int] | None, num_ws: int) -> Direction:
    """The direction on other rows; None: on its own.

    One that differs from row to row can only leave rows out. Raises Problem document_does_not_fit.
    """
    if layers is None:
        return direction
    rows = tuple(sorted(set(layers)))
    possible = direction.layers if direction.vector.ndim == 2 else tuple(range(num_ws))
    if not set(rows) <= set(possible):
        shown = ", ".join(map(str, possible))
        raise Problem("document_does_not_fit", f"The layers of {direction.name} are some of {shown}.")
    if direction.vector.ndim == 1:
        return replace(direction, layers=rows)
    kept = [direction.layers.index(row) for row in rows]
    return replace(direction, layers=rows, vector=direction.vector[kept])

"""Directions: named vectors in W that move chosen rows of ws by a strength, and the files they are kept in.

Where they come from is in the files beside this one: sefa, ganspace, boundaries, linear_attributes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.editing.errors import BadDirection, ValueOutOfRange
from models.weights import CheckpointError, read_weights, replace_file, weight_file

FORMAT = "latentloom-directions"
MAX_DIRECTIONS = 4096
MAX_NAME = 80


@dataclass(frozen=True)
class Direction:
    """ws[l] + strength * scale * vector on its layers l."""

    name: str
    vector: Tensor  # [C] unit length, or [len(layers), C] where each layer has its own
    layers: tuple[int, ...]
    method: str  # "sefa", "ganspace", "boundary", "regression" …
    scale: float = 1.0  # length of strength 1: the deviation of the population of w along the vector
    minimum: float = -3.0  # of the strength, for a slider
    maximum: float = 3.0
    explained: float | None = None  # share of the variance, or of what the style weights do, 0..1

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= MAX_NAME or not self.name.isprintable():
            raise BadDirection(f"A direction needs a name of 1 to {MAX_NAME} printable characters.")
        if not self.layers or min(self.layers) < 0 or len(set(self.layers)) < len(self.layers):
            raise BadDirection(f"The direction {self.name} needs layers, each named once, from 0.")
        if self.vector.ndim not in (1, 2) or (self.vector.ndim == 2 and len(self.vector) != len(self.layers)):
            raise BadDirection(f"The direction {self.name} needs one vector, or one for each of its layers.")
        numbers = (self.scale, self.minimum, self.maximum, self.explained or 0.0)
        if not all(map(math.isfinite, numbers)) or not bool(torch.isfinite(self.vector).all()):
            raise BadDirection(f"The direction {self.name} holds numbers that are not finite.")
        if self.scale <= 0 or self.minimum >= self.maximum:
            raise BadDirection(f"The direction {self.name} needs a scale above 0 and a range of strengths.")


def apply_directions(ws: Tensor, moves: Sequence[tuple[Direction, float]]) -> Tensor:
    """ws [N, L, C] moved along all of them; ws itself where every strength is 0.

    Raises BadDirection for another generator's direction, ValueOutOfRange for a strength that is no number.
    """
    for direction, strength in moves:
        if not math.isfinite(strength):
            raise ValueOutOfRange(f"The strength of {direction.name} must be a number, not {strength}.")
        check_direction(direction, ws.shape[1], ws.shape[2])
    moving = [(direction, strength) for direction, strength in moves if strength != 0]
    if not moving:
        return ws
    moved = ws.clone()
    for direction, strength in moving:
        moved[:, list(direction.layers)] += strength * direction.scale * direction.vector.to(ws)
    return moved


def check_direction(direction: Direction, num_ws: int, w_dim: int) -> None:
    """Raises BadDirection, which says what does not fit, for a generator with num_ws rows of w_dim."""
    if direction.vector.shape[-1] != w_dim:
        raise BadDirection(
            f"The direction {direction.name} has {direction.vector.shape[-1]} numbers, w has {w_dim}."
        )
    if max(direction.layers) >= num_ws:
        raise BadDirection(
            f"The direction {direction.name} is for layer {max(direction.layers)}; there are {num_ws} layers."
        )


@dataclass(frozen=True)
class DirectionFile:
    """What a file of directions holds."""

    generator: str | None  # sha256 of the generator file they were found in; None: not known
    directions: tuple[Direction, ...]


def save_directions(path: str | Path, content: DirectionFile) -> None:
    """Write direction_file's bytes."""
    replace_file(Path(path), direction_file(content))


def direction_file(content: DirectionFile) -> bytes:
    """The bytes of a weight file in float32."""
    entries = [
        {
            "name": d.name,
            "layers": list(d.layers),
            "method": d.method,
            "scale": d.scale,
            "minimum": d.minimum,
            "maximum": d.maximum,
            "explained": d.explained,
        }
        for d in content.directions
    ]
    tensors = {f"vector.{i}": d.vector for i, d in enumerate(content.directions)}
    return weight_file(FORMAT, {"generator": content.generator, "directions": entries}, tensors)


def load_directions(source: str | Path | bytes) -> DirectionFile:
    """Read a file of directions. Raises CheckpointError; OSError where it cannot be opened."""
    config, tensors = read_weights(source, FORMAT)
    entries, generator = config.get("directions"), config.get("generator")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_DIRECTIONS:
        raise CheckpointError(f"A file of directions holds 1 to {MAX_DIRECTIONS} of them; this one does not.")
    if generator is not None and not isinstance(generator, str):
        raise CheckpointError("This file of directions does not say which generator it is for.")
    try:
        return DirectionFile(generator, tuple(_direction(e, tensors, i) for i, e in enumerate(entries)))
    except (KeyError, TypeError, ValueError) as error:
        reason = f": {error}" if isinstance(error, BadDirection) else "."
        raise CheckpointError(f"A direction in this file is damaged{reason}") from error


def named_directions(content: DirectionFile) -> Mapping[str, Direction]:
    """By name. Raises CheckpointError where two have the same."""
    names = [d.name for d in content.directions]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise CheckpointError(f"Two directions of this file are called {json.dumps(twice)}.")
    return dict(zip(names, content.directions, strict=True))


def _direction(entry: object, tensors: Mapping[str, Tensor], index: int) -> Direction:
    if not isinstance(entry, dict):
        raise TypeError("a direction is an object")
    layers = entry["layers"]
    if not isinstance(layers, list) or not all(type(layer) is int and layer < 64 for layer in layers):
        raise TypeError("layers are whole numbers")
    if not isinstance(entry["name"], str) or not isinstance(entry["method"], str):
        raise TypeError("names are text")
    explained = entry["explained"]
    return Direction(
        name=entry["name"],
        vector=tensors[f"vector.{index}"].to(torch.float32),
        layers=tuple(layers),
        method=entry["method"],
        scale=float(entry["scale"]),
        minimum=float(entry["minimum"]),
        maximum=float(entry["maximum"]),
        explained=None if explained is None else float(explained),
    )

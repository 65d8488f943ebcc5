"""Sheets of rendered faces: many different ones, or one attribute a row with everything else held."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import (
    GLASSES_STYLES,
    HAIR_STYLES,
    Z_DIM,
    Array,
    FaceFactors,
    face_factors,
    smoothstep,
)
from models.faces.render import render_faces, render_factors

Picture = NDArray[np.uint8]

_LIGHT = np.array([[1.0, 0.35, 0.30, 0, 0, 0, 0, 0, 0]])


@dataclass(frozen=True)
class _Row:
    """An attribute that moves from one value to another, on a man, a woman or a person between."""

    who: str
    field: str
    first: float
    last: float


ATTRIBUTE_ROWS: tuple[_Row, ...] = (
    _Row("man", "age", 5, 80),
    _Row("woman", "age", 5, 80),
    _Row("woman", "gender", 1, 0),
    _Row("man", "smile", 0, 1),
    _Row("woman", "jaw_open", 0, 0.5),
    _Row("man", "beard", 0, 1),
    _Row("woman", "beard", 0, 1),
    _Row("man", "baldness", 0, 1),
    _Row("woman", "baldness", 0, 1),
    _Row("man", "yaw", -35, 35),
    _Row("woman", "pitch", -16, 16),
    _Row("woman", "melanin", 0.03, 0.95),
    _Row("woman", "glasses_style", 0, len(GLASSES_STYLES) - 1),
    _Row("woman", "hair_style", 0, len(HAIR_STYLES) - 1),
    _Row("man", "hair_style", 0, len(HAIR_STYLES) - 1),
    _Row("man", "key_direction", -75, 75),
)


def contact_sheet(rows: int, columns: int, size: int, seed: int) -> Picture:
    """The faces of RandomState(seed), [rows * size, columns * size, 3]."""
    z = np.random.RandomState(seed).randn(rows * columns, Z_DIM)
    return _tiled(render_faces(z, size), columns)


def attribute_rows(columns: int, size: int) -> Picture:
    """One row for each of ATTRIBUTE_ROWS, [len(ATTRIBUTE_ROWS) * size, columns * size, 3]."""
    rows = [render_factors(_varied(row, columns), size).pictures for row in ATTRIBUTE_ROWS]
    return _tiled(np.concatenate(rows), columns)


def _tiled(pictures: Picture, columns: int) -> Picture:
    count, size = pictures.shape[:2]
    grid = pictures.reshape(count // columns, columns, size, size, 3).transpose(0, 2, 1, 3, 4)
    return grid.reshape(count // columns * size, columns * size, 3)


def _person(who: str, count: int) -> FaceFactors:
    """The same neutral face, count times."""
    man = who == "man"
    factors = face_factors(np.repeat(np.random.RandomState(40 if man else 22).randn(1, Z_DIM), count, axis=0))

    def same(*values: float) -> Array:
        return np.tile(np.array(values), (count, 1)) if len(values) > 1 else np.full(count, values[0])

    return replace(
        factors,
        age=same(32 if man else 28),
        gender=same(0.04 if man else 0.96),
        ancestry=same(0.05, 0.1, 0.85) if man else same(0.1, 0.35, 0.55),
        melanin=same(0.14 if man else 0.22),
        yaw=same(0), pitch=same(0), roll=same(0), gaze=same(0, 0), brow=same(0), smile=same(0),
        jaw_open=same(0), beard=same(0), baldness=same(0), grey=same(0), freckles=same(0),
        hair_colour=same(0.075, 0.04, 0.022) if man else same(0.14, 0.08, 0.04),
        hair_style=np.full(count, HAIR_STYLES.index("short" if man else "long")),
        glasses=np.zeros(count, bool),
        glasses_colour=same(0.8, 0.2, 0.5, 0.5),
        key_direction=_unit(same(0.4, 0.45, 0.8)),
        key_strength=same(0.9),
        key_softness=same(2.0),
        ambient=np.repeat(_LIGHT, count, axis=0),
        exposure=same(1),
        background=same(0.3, 0.34, 0.38),
        shape=0.5 * factors.shape,
    )  # fmt: skip


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _varied(row: _Row, columns: int) -> FaceFactors:
    person = _person(row.who, columns)
    values = np.linspace(row.first, row.last, columns)
    if row.field == "age":  # hair greys with age as the prior has it
        grey = smoothstep(38, 72, values)
        colour = person.hair_colour * (1 - grey[:, None]) + np.array([0.34, 0.33, 0.32]) * grey[:, None]
        return replace(person, age=values, grey=grey, hair_colour=colour)
    if row.field == "melanin":
        shares = np.stack([values, np.full(columns, 0.2), 1 - values], axis=1)
        return replace(person, melanin=values, ancestry=shares / shares.sum(axis=1, keepdims=True))
    if row.field == "key_direction":
        azimuth = np.radians(values)
        direction = np.stack([np.sin(azimuth), np.full(columns, 0.5), np.cos(azimuth)], axis=1)
        return replace(person, key_direction=_unit(direction), key_strength=np.full(columns, 1.2))
    if row.field == "glasses_style":  # the first one wears none
        worn = np.arange(columns) > 0
        return replace(person, glasses=worn, glasses_style=np.arange(columns) % len(GLASSES_STYLES))
    if row.field == "hair_style":
        return replace(person, hair_style=np.rint(values).astype(np.int64))
    return replace(person, **{row.field: values})  # type: ignore[arg-type]

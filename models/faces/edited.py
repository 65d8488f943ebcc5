"""The z of the same face with one factor changed: the truth that an edit can be measured against."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import COORDINATES, USED_COORDINATES, Array, normalize

# What is edited, by the coordinate that decides it; the light's two are directions of the key light.
EDITED_COORDINATES: Mapping[str, str] = MappingProxyType(
    {
        "gender": "gender",
        "glasses": "glasses",
        "yaw": "yaw",
        "pitch": "pitch",
        "baldness": "baldness",
        "beard": "beard",
        "age": "age",
        "expression": "smile",
        "light_1": "key_elevation",
        "light_3": "key_azimuth",
    }
)
_DISTANCE = 1.5  # standard deviations that a coordinate is moved, towards and past the mean


def with_coordinate(z: NDArray[np.floating], name: str, values: Array) -> Array:
    """z [N, 512], normalised, with the (first) coordinate of that name set to values [N].

    z is read relative to its root mean square, so the coordinates that no factor uses are rescaled to keep
    it: every other coordinate means what it did. Raises KeyError for an unknown name.
    """
    moved = normalize(z)
    length = (moved**2).sum(axis=1)
    moved[:, COORDINATES[name].start] = values
    spare = moved[:, USED_COORDINATES:]
    rest = length - (moved[:, :USED_COORDINATES] ** 2).sum(axis=1)
    moved[:, USED_COORDINATES:] = spare * np.sqrt(rest / (spare**2).sum(axis=1))[:, None]
    return moved


def edited_z(z: NDArray[np.floating], attribute: str) -> Array:
    """The z [N, 512] of the same faces with one of EDITED_COORDINATES clearly changed: moved by 1.5 standard
    deviations towards the other side of the mean."""
    name = EDITED_COORDINATES[attribute]
    old = normalize(z)[:, COORDINATES[name].start]
    return with_coordinate(z, name, old - _DISTANCE * np.where(old < 0, -1.0, 1.0))

"""The first layer: every coordinate of z as it is, or bent at several values, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.faces.factors import COORDINATES, Z_DIM, Array
from models.faces.features import coordinate_kinds
from models.faces.mapping.units import Layer, least_squares

OPEN = 3.0  # added to a coordinate: bends so far out that the unit is nearly linear

_BENDS = (-1.6, -1.0, -0.5, 0.0, 0.5, 1.0, 1.6)
_FINE_BENDS: Mapping[str, Sequence[float]] = {
    **dict.fromkeys(("hair_style", "iris", "glasses_style"), (-1.8, -1.2, -0.7, -0.2, 0.3, 0.8, 1.4, 2.2)),
    "gender": (-1.0, -0.5, -0.25, -0.15, -0.05, 0.05, 0.15, 0.25, 0.5, 1.0),
    "glasses": (0.42, 0.47, 0.53, 0.58),
}
_RIDGE = 1e-6


class Bends:
    """The layer over normalised x [N, 512], what it puts out, and which units see which coordinate.

    plain: units of coordinates that count as they are; units: all of each coordinate, the last one nearly
    linear.
    """

    def __init__(self, x: Array, width: int) -> None:
        self.x, self.layer = x, Layer(x, width)
        plain, bent = coordinate_kinds()
        name_of = {i: name for name, part in COORDINATES.items() for i in range(Z_DIM)[part]}
        self.plain = [self._unit(i, OPEN) for i in plain]
        self.units = {i: [unit] for i, unit in zip(plain, self.plain, strict=True)}
        for i in bent:
            bends = _FINE_BENDS.get(name_of[i], _BENDS)
            self.units.setdefault(i, []).extend(self._unit(i, -bend) for bend in (*bends, -OPEN))
        self.outputs = self.layer.outputs()

    def _unit(self, coordinate: int, bias: float) -> int:
        return self.layer.add(self.layer.row({coordinate: 1.0}, bias))

    def of(self, *names: str) -> list[int]:
        """The units of these factors' coordinates."""
        return [unit for name in names for i in range(Z_DIM)[COORDINATES[name]] for unit in self.units[i]]

    def fit(self, y: Array, units: Sequence[int]) -> Array:
        """The row over all units with which these alone come closest to y [N]."""
        row = np.zeros(self.outputs.shape[1] + 1)
        row[units], row[-1] = least_squares(self.outputs[:, units], y, _RIDGE)
        return row

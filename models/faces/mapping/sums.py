"""The second layer: sums of bent coordinates, each bent again where what it drives is bent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.special import ndtr

from models.faces.factors import (
    BALD,
    COORDINATES,
    GLASSES_PRIOR,
    IRIS_DARK,
    IRIS_LIGHT,
    Z_DIM,
    Array,
    FaceFactors,
    background_levels,
    bald_drive,
    beard_drive,
    cloth_levels,
    gumbel,
    smoothstep,
    style_probabilities,
)
from models.faces.mapping.bends import OPEN, Bends
from models.faces.mapping.units import GAIN, Layer, limited, raised

Bids = Mapping[tuple[int, int], int]
"""(i, j) -> the unit of how far option j outbids option i."""

_WORN = 3.2  # beyond the values of what shows only with glasses on
# Fields that one coordinate alone bends.
_ALONE = {"age": "age", "gender": "gender", "smile": "smile", "jaw_open": "jaw"}
_DRIVE_BENDS = (-0.1, 0.0, 0.05, 0.2, 0.4, 0.8, 1.2, 1.7, 2.2)  # of beard and baldness
_LOG_BENDS = (-4.6, -3.4, -2.6, -2.0, -1.5, -1.0, -0.6, -0.3)  # a product is a sum of logarithms, bent
# Of sRGB levels, which enter w as logarithms; the first is below all of them, for a nearly linear unit.
_LEVEL_BENDS = (-500, 15, 25, 35, 50, 70, 100, 150, 240)
# Coordinates that act together in other ways, and how many of the units left each group gets in proportion.
_TOGETHER: Sequence[tuple[Sequence[str], int]] = (
    (("hair_dark", "hair_red", "hair_tone", "ancestry", "melanin", "age", "grey"), 80),
    (("key_azimuth", "key_elevation", "key_strength"), 80),
    (("ancestry", "melanin"), 120),
    (("key_azimuth", "key_elevation"), 40),
)


class Sums:
    """The layer over the outputs of bends, and which units say what.

    styles, dark, light, frames: the choices of a hair style, of an iris where nearly all are brown and
    elsewhere, of a pair of glasses. worn: 1 with glasses, 0 without, plus 1. bald: above zero where only the
    shortest hair is left, and its negative. together: units of coordinates that act together.
    """

    def __init__(self, bends: Bends, f: FaceFactors, random: np.random.RandomState) -> None:
        self.bends, self.layer = bends, Layer(bends.outputs, len(bends.layer.bias))
        for unit in bends.plain:
            self.layer.add(self.layer.row({unit: 1 / GAIN}))
        for field, name in _ALONE.items():
            self.layer.add(limited(raised(bends.fit(getattr(f, field), bends.of(name)), 1.0)))
        self.styles = self._bids("hair_style", style_probabilities(f.gender), "gender")
        self.dark = self._bids("iris", np.array([IRIS_DARK[:2]]))
        self.light = self._bids("iris", np.array([IRIS_LIGHT]))
        self.frames = self._bids("glasses_style", np.array([GLASSES_PRIOR]))
        self.worn = self._glasses(f)
        self.bald = self._growth(f)
        self._products(f)
        self._levels()
        self.together = self._together(random)

    def _bids(self, name: str, probabilities: Array, *depends_on: str) -> Bids:
        """Gumbel-max over options of these probabilities [N or 1, k], which depend on other coordinates."""
        fit, bids = self.bends.fit, []
        for prior, i in zip(probabilities.T, range(Z_DIM)[COORDINATES[name]], strict=False):
            bid = fit(np.clip(gumbel(self.bends.x[:, i]), -2.5, 6), self.bends.units[i])
            logarithm = np.log(np.maximum(prior, 1e-3))
            constant = len(prior) == 1
            bids.append(
                raised(bid, logarithm[0]) if constant else bid + fit(logarithm, self.bends.of(*depends_on))
            )
        options = range(len(bids))
        return {(i, j): self.layer.add(bids[j] - bids[i]) for i in options for j in options if i != j}

    def _glasses(self, f: FaceFactors) -> int:
        """What shows only with glasses on, in either sign, above zero then alone."""
        worn = self.bends.fit(f.glasses.astype(np.float64), self.bends.of("glasses"))
        off = raised(_WORN * worn, -_WORN)
        for name in ("glasses_colour", "glasses_shape"):
            for i in range(Z_DIM)[COORDINATES[name]]:
                value = self.bends.fit(self.bends.x[:, i], self.bends.units[i])
                self.layer.add(limited(off + value))
                self.layer.add(limited(off - value))
        return self.layer.add(raised(worn, 1.0))

    def _value(self, name: str) -> Array:
        return self.bends.x[:, COORDINATES[name]][:, 0]

    def _growth(self, f: FaceFactors) -> tuple[int, int]:
        """What a beard and baldness grow from."""
        bald = bald_drive(self._value("baldness"), f.gender, f.age)
        bald_row = self.bends.fit(bald, self.bends.of("baldness", "gender", "age"))
        beard = beard_drive(self._value("beard"), f.gender, f.age)
        self._bent(self.bends.fit(beard, self.bends.of("beard", "gender", "age")), _DRIVE_BENDS)
        self._bent(bald_row, _DRIVE_BENDS)
        short = raised(bald_row, -float(np.min(bald[f.baldness > BALD])))
        return self.layer.add(short), self.layer.add(-short)

    def _products(self, f: FaceFactors) -> None:
        """Freckles, make-up and grey hair, each a product of conditions."""
        grey = self.bends.units[COORDINATES["grey"].start]

        def factor(values: Array, units: Sequence[int]) -> Array:
            return self.bends.fit(np.log(np.maximum(values, 0.01)), units)

        of = self.bends.of
        pale = factor(smoothstep(0.3, 0.2, f.melanin), of("ancestry", "melanin"))
        adult = factor(smoothstep(14, 22, f.age), of("age"))
        woman = factor(smoothstep(0.4, 0.7, f.gender), of("gender"))
        old = factor(smoothstep(38, 72, f.age), of("age"))
        self._bent(pale + factor(smoothstep(0.8, 1.8, self._value("freckles")), of("freckles")), _LOG_BENDS)
        painted = factor(smoothstep(-0.3, 1.6, self._value("makeup")), of("makeup"))
        self._bent(painted + adult + woman, _LOG_BENDS)
        self._bent(old + factor(0.3 + ndtr(self._value("grey")), grey), _LOG_BENDS)

    def _levels(self) -> None:
        """Colours of clothes and background."""
        for name, levels in (("cloth", cloth_levels), ("background", background_levels)):
            common, *own = range(Z_DIM)[COORDINATES[name]]
            values = levels(self.bends.x[:, COORDINATES[name]])
            for k, i in enumerate(own):
                row = self.bends.fit(values[:, k], [*self.bends.units[common], *self.bends.units[i]])
                self._bent(row, _LEVEL_BENDS)

    def _bent(self, row: Array, bends: Iterable[float]) -> None:
        for bend in bends:
            self.layer.add(limited(raised(row, -bend)))

    def _together(self, random: np.random.RandomState) -> range:
        """Random straight sums of coordinates that act together, each bent at a random quantile."""
        first, left, total = self.layer.used, self.layer.left, sum(count for _, count in _TOGETHER)
        for names, count in _TOGETHER:
            coordinates = [i for name in names for i in range(Z_DIM)[COORDINATES[name]]]
            shares = np.isin(coordinates, range(Z_DIM)[COORDINATES["ancestry"]])
            opens = [self.bends.units[i][-1] for i in coordinates]
            for _ in range(min(math.ceil(left * count / total), self.layer.left)):
                slopes = random.randn(len(coordinates))
                if shares.any():  # of a whole: only their differences count
                    slopes[shares] -= slopes[shares].mean()
                values = self.bends.x[:, coordinates] @ slopes
                bend = float(np.quantile(values, random.rand()) + OPEN * slopes.sum())
                row = self.layer.row(dict(zip(opens, slopes / GAIN, strict=True)), -bend)
                self.layer.add(limited(row / values.std()))
        return range(first, self.layer.used)

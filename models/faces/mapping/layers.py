"""The four layers together.

The first bends every coordinate at several values. The second adds bent coordinates up: by how much one style
outbids another, what drives a beard, coordinates that act together. In the third a style is on where no other
outbids it. The last is solved by least squares.
"""

from __future__ import annotations

import numpy as np

from models.faces.factors import Z_DIM, Array, brown_eyes, face_factors, normalize
from models.faces.features import LatentTarget
from models.faces.mapping.bends import Bends
from models.faces.mapping.sums import Sums
from models.faces.mapping.units import GAIN, SLOPE, AffineLayer, Layer, least_squares, rectified

DEPTH = 4
LEAST_WIDTH = 1024  # units of a hidden layer

_STEEPNESS = 16.0  # of a choice: it is half on where another outbids it by a 32nd
_GATE = 8.0  # closes a choice whose condition does not hold, whatever is bid
_RIDGE = 1e-9


def mapping_layers(
    target: LatentTarget, offset: float, width: int = LEAST_WIDTH, samples: int = 24_000, seed: int = 7
) -> list[AffineLayer]:
    """Four layers from normalised z [512] to target(z) + offset [512], hidden layers `width` wide, fitted on
    so many faces. Raises ValueError where width is below LEAST_WIDTH."""
    if width < LEAST_WIDTH:
        raise ValueError(f"a mapping of faces needs hidden layers of {LEAST_WIDTH} units, not {width}")
    random = np.random.RandomState(seed)
    z = random.randn(samples, Z_DIM)
    x = normalize(z)
    f = face_factors(x)
    bends = Bends(x, width)
    sums = Sums(bends, f, random)
    choices = _choices(sums, brown_eyes(f.melanin, f.ancestry))
    w = target(z).astype(np.float64) + offset
    before = np.where(w > 0, w, w / SLOPE) / GAIN  # what the last leaky ReLU makes w of
    weight, bias = least_squares(choices.outputs(), before, _RIDGE)
    last = weight.T.astype(np.float32), bias.astype(np.float32)
    return [bends.layer.affine(), sums.layer.affine(), choices.affine(), last]


def _choices(sums: Sums, brown: Array) -> Layer:
    """The third layer: what the second knows, and each option of a choice, on or off.

    An option is a unit that is 1 where nothing outbids it and its gate is open, and the unit of its negative.
    """
    h = sums.layer.outputs()
    layer = Layer(h, h.shape[1])
    bids = {u for choice in (sums.styles, sums.dark, sums.light, sums.frames) for u in choice.values()}
    for unit in range(h.shape[1]):
        if unit not in bids:
            layer.add(layer.row({unit: 1 / max(float(h[:, unit].std()), 0.05)}, 1.0))
    weights, bias = least_squares(h[:, sums.together], brown, _RIDGE)
    light = -_GATE * layer.row(dict(zip(sums.together, weights, strict=True)), float(bias))
    dark = -_GATE * layer.row({}, 1.0) - light
    haired = -_STEEPNESS * rectified(layer, *sums.bald)
    worn = _GATE * layer.row({sums.worn: 1 / GAIN}, -2.0)
    for choice, gate in ((sums.styles, haired), (sums.dark, dark), (sums.light, light), (sums.frames, worn)):
        for option in sorted({i for i, _ in choice}):
            on = layer.row({}, 1.0) + gate
            for (i, j), unit in choice.items():
                if i == option:
                    on -= _STEEPNESS * rectified(layer, unit, choice[j, i])
            layer.add(on)
            layer.add(-on)
    return layer

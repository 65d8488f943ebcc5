"""MakeHuman's macro shapes: which of them a person of some age, gender, build and ancestry is made of.

Each macro shape belongs to one combination of anchors (say male, young, average muscle, maximal
weight); its coefficient is the product of the piecewise linear weights of its anchors. Height,
proportions and breasts stay at their middle values, which the baked shapes contain already.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array

GENDERS = ("male", "female")
AGES = ("baby", "child", "young", "old")
AGE_ANCHORS = (1.0, 12.0, 25.0, 90.0)  # years
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")
ANCESTRIES = ("african", "asian", "caucasian")


def build_names() -> Iterator[tuple[str, str, str, str]]:
    """Gender, age, muscle and weight of each build shape, in the order of the baked rows."""
    return product(GENDERS, AGES, MUSCLES, WEIGHTS)


def ancestry_names() -> Iterator[tuple[str, str, str]]:
    """Ancestry, gender and age of each ancestry shape, in the order of the baked rows after the builds."""
    return product(ANCESTRIES, GENDERS, AGES)


def _anchor_weights(value: float, anchors: tuple[float, ...]) -> Array:
    return np.array([np.interp(value, anchors, row) for row in np.eye(len(anchors))])


def macro_weights(
    age: float, gender: float, muscle: float, weight: float, ancestry: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coefficients [96] of the 72 build shapes and 24 ancestry shapes.

    age in years (1..90), gender 0 male .. 1 female, muscle and weight 0..1, ancestry [3] summing to 1.
    """
    genders = np.array([1 - gender, gender])
    ages = _anchor_weights(age, AGE_ANCHORS)
    thirds = (0.0, 0.5, 1.0)
    build = np.einsum(
        "g,a,m,w->gamw", genders, ages, _anchor_weights(muscle, thirds), _anchor_weights(weight, thirds)
    )
    descent = np.einsum("r,g,a->rga", ancestry, genders, ages)
    return np.concatenate([build.ravel(), descent.ravel()])

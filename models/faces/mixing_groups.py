"""Which factors of a face the coarse, middle and fine layers say: what a crossover of the demo model means.

Mixing the coarse layers of a face A with the middle ones of B and the fine ones of C gives the face
whose factors come from A, B and C by the sets below. The split is by field of FaceFactors and not by
coordinate of z, because a coordinate by itself says nothing (which hair style it chooses depends on
gender): A gives its hair style, not its lottery number for one. An exception is gaze, which is middle
as a direction relative to the head, whose yaw is coarse.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from models.faces.edited import with_coordinate
from models.faces.factors import COORDINATES, Z_DIM, FaceFactors, face_factors, normalize
from models.faces.features import LatentTarget, named_features
from models.styleflow.attributes import ATTRIBUTES, LIGHT_COLUMNS

# Rows of ws. Up to 128x128 the generator has 12: coarse is 4x4, 8x8 and the first of 16x16, middle ends
# with 32x32, fine is all above.
COARSE_END, MIDDLE_END = 4, 7

COARSE = frozenset(
    {
        "yaw", "pitch", "roll", "torso", "shape", "weight", "muscle", "strand", "hair_style", "baldness",
        "glasses", "glasses_style", "glasses_shape", "cloth_cut",
    }
)  # fmt: skip
MIDDLE = frozenset(
    {
        "age", "gender", "ancestry", "smile", "jaw_open", "brow", "gaze", "blink", "beard", "freckles",
        "makeup", "grey",
    }
)  # fmt: skip
FINE = frozenset(
    {
        "redness", "melanin", "hair_colour", "iris", "glasses_colour", "key_direction", "key_strength",
        "key_softness", "ambient", "light", "tint", "cloth", "background", "background_shape", "exposure",
    }
)  # fmt: skip
GROUPS = (COARSE, MIDDLE, FINE)


def group_of(field: str) -> int:
    """0 coarse, 1 middle, 2 fine for a field of FaceFactors (or "light"). Raises ValueError for others."""
    for group, members in enumerate(GROUPS):
        if field in members:
            return group
    raise ValueError(f"{field} belongs to no group of layers; models/faces/mixing_groups.py must say which")


def mixed_factors(
    coarse: NDArray[np.floating], middle: NDArray[np.floating], fine: NDArray[np.floating]
) -> FaceFactors:
    """The factors of the faces that crossovers of the faces coarse, middle and fine mean; z [N, 512] each."""
    parts = [face_factors(z) for z in (coarse, middle, fine)]
    values = {f.name: getattr(parts[group_of(f.name)], f.name) for f in fields(FaceFactors)}
    yaw = normalize(coarse)[:, COORDINATES["yaw"].start]
    values["gaze"] = face_factors(with_coordinate(middle, "yaw", yaw)).gaze
    return FaceFactors(**values)


def feature_groups() -> NDArray[np.int64]:
    """The group of every column of raw_features, [F]."""
    blocks = named_features(np.ones((1, Z_DIM)))
    return np.concatenate([np.full(block.shape[1], group_of(field)) for field, block in blocks])


def layer_groups(num_ws: int) -> NDArray[np.int64]:
    """The group of every row of ws, [num_ws]."""
    rows = np.arange(num_ws)
    return (rows >= COARSE_END).astype(np.int64) + (rows >= MIDDLE_END)


# The factors that an attribute shows in, where it is not one of its name: hair greys with age, and the shape
# of a head and its hair follow gender.
_SHOWS_IN = {
    "age": ("age", "hair_colour"),
    "gender": ("gender", "shape"),
    "expression": ("smile",),
    **{attribute.name: ("light",) for attribute in ATTRIBUTES[LIGHT_COLUMNS]},
}


def attribute_layers(num_ws: int) -> dict[str, list[int]]:
    """The rows of ws in which each of the 17 attributes is said: those of the factors that it shows in. The
    last row where a small generator has none of them.
    """
    groups = layer_groups(num_ws)
    found = {}
    for attribute in ATTRIBUTES:
        shown = _SHOWS_IN.get(attribute.name, (attribute.name,))
        rows = np.flatnonzero(np.isin(groups, [group_of(field) for field in shown]))
        found[attribute.name] = rows.tolist() or [num_ws - 1]
    return found


def mixed_latents(
    target: LatentTarget,
    z: NDArray[np.floating],
    num_ws: int,
    share: float,
    random: np.random.RandomState,
) -> NDArray[np.float32]:
    """The ws [N, num_ws, 512] of z [N, 512] that teach synthesis which layer says what.

    For a share of the faces every group of layers gets the w of another face, made to agree with z
    in the group's own features: the picture to draw is still that of z, so each group must learn to
    say its own features and to be silent about the rest.
    """
    own = target.directions(z)
    others = target.directions(random.randn(len(GROUPS) * len(z), z.shape[1])).reshape(
        len(GROUPS), *own.shape
    )
    mixed = random.rand(len(z)) < share
    column_group = np.full(own.shape[1], -1)
    groups = feature_groups()
    column_group[: len(groups)] = groups
    rows = [
        np.where(mixed[:, None] & (column_group != k), others[k], own) @ target.rotation
        for k in range(len(GROUPS))
    ]
    return np.stack([rows[k] for k in layer_groups(num_ws)], axis=1).astype(np.float32)

"""The shape of one face: coefficients of all blend shapes from its factors, and the meshes they make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array
from models.faces.render.assets import Head, load_head
from models.faces.render.eyes import eyeball_radius
from models.faces.render.face import Face, ease
from models.faces.render.kernels import kernel
from models.faces.render.phenotype import macro_weights
from models.faces.render.raster import vertex_normals

Floats = NDArray[np.float32]

# Local changes that would move or tilt the head as a whole, or that look broken.
_LEFT_OUT = (
    "head-angle", "head-trans", "head-invert", "head-diamond", "neck-trans", "neck-scale", "neck-back",
    "measure-neck", "mouth-trans-out", "mouth-trans-for", "nose-trans-out", "nose-compression", "eye-push",
)  # fmt: skip
_STRONG = ("chin", "l-cheek", "r-cheek", "l-ear", "r-ear", "forehead")


@dataclass(frozen=True)
class HeadShape:
    """The head of one face before it turns; origin midway between the eyes."""

    coarse: Floats  # [V, 3]
    coarse_normals: Floats  # [V, 3]
    fine: Floats  # [W, 3]
    normals: Floats  # [W, 3]
    left_eye: Floats  # [3] centre
    right_eye: Floats
    eye_radius: float
    scale: float  # height of the face relative to the mean adult


@dataclass(frozen=True)
class _Basis:
    """Which shape coordinate drives which local change, and how far."""

    index: dict[str, int]  # name of the positive direction -> change
    positive: NDArray[np.int64]  # [C] rows
    negative: NDArray[np.int64]  # [C]
    coordinate: NDArray[np.int64]  # [C]
    deviation: Array  # [C]


def head_shape(face: Face, head: Head) -> HeadShape:
    """The meshes of one face."""
    coarse = head.template.copy()
    rows = head.displacements
    _displace(row_weights(face, head), rows.start, rows.vertex, rows.delta, rows.scale, coarse)
    left, right = coarse[head.left_eye].mean(axis=0), coarse[head.right_eye].mean(axis=0)
    middle = (left + right) / 2
    coarse -= middle
    left, right = left - middle, right - middle
    # Teeth poke through the lips of some identities, and the tongue would fill the open mouth.
    coarse[head.teeth] = coarse[head.teeth] * (0.93, 1, 1) - (0, 0, 0.12)
    coarse[head.tongue] -= (0, 0.35, 0.7)
    fine = np.asarray(head.subdivision @ coarse, np.float32)
    normals = np.empty_like(fine)
    vertex_normals(fine, head.triangles, normals)
    chin, bridge = head.landmarks["chin"], head.landmarks["bridge"]
    height = np.linalg.norm(coarse[chin] - coarse[bridge])
    usual = np.linalg.norm(head.canonical[chin] - head.canonical[bridge])
    return HeadShape(
        coarse=coarse,
        coarse_normals=normals[: len(coarse)],
        fine=fine,
        normals=normals,
        left_eye=left,
        right_eye=right,
        eye_radius=eyeball_radius(coarse[head.left_eye], left),
        scale=float(height / usual),
    )


def row_weights(face: Face, head: Head) -> Floats:
    """Coefficients [R] of the baked rows: macro shapes, facial actions, both directions of local changes."""
    basis = _basis()
    weights = np.zeros(len(head.row_index), np.float32)
    macro = macro_weights(face.age, face.gender, face.muscle, face.weight, face.ancestry)
    weights[: len(macro)] = macro
    for name, value in facial_actions(face).items():
        weights[head.row_index[name]] += value
    child = ease(17, 5, face.age)
    woman, _ = _womanhood(face)
    change = face.shape[basis.coordinate] * basis.deviation * (1 - 0.65 * child) * (1 - 0.22 * woman)
    for name, value in typical_changes(face).items():
        change[basis.index[name]] += value
    change = np.clip(change, -1, 1)
    weights[basis.positive] = np.maximum(change, 0)
    weights[basis.negative] = np.maximum(-change, 0)
    return weights


@lru_cache(maxsize=1)
def _basis() -> _Basis:
    """Left and right changes share a coordinate; coordinates follow the order of the changes."""
    head = load_head()
    names = [positive for positive, _ in head.changes]
    deviation = np.array([_deviation(name) for name in names])
    driven = [n for n, d in zip(names, deviation, strict=True) if d > 0 and not n.startswith("r-")]
    order = {name: k for k, name in enumerate(driven)}
    mirrored = ["l-" + name[2:] if name.startswith("r-") else name for name in names]
    return _Basis(
        index={name: i for i, name in enumerate(names)},
        positive=np.array([head.row_index[positive] for positive, _ in head.changes]),
        negative=np.array([head.row_index[negative] for _, negative in head.changes]),
        coordinate=np.array([order.get(name, 0) for name in mirrored]),
        deviation=deviation,
    )


def _deviation(name: str) -> float:
    """Standard deviation of a local change; larger ones make goblins."""
    if any(part in name for part in _LEFT_OUT):
        return 0.0
    if "eye" in name or "mouth" in name:
        return 0.22
    if name.startswith("nose"):
        return 0.19
    return 0.36 if name.startswith(_STRONG) else 0.25


def _womanhood(face: Face) -> tuple[float, float]:
    """How far an adult face is a woman's and a man's, 0..1 each; children's faces are neither."""
    direction = (face.gender - 0.5) * 2 * ease(9, 22, face.age)
    return max(direction, 0.0), max(-direction, 0.0)


def facial_actions(face: Face) -> dict[str, float]:
    """Coefficients of the facial actions (ARKit's names) for smile, jaw, brows, lids."""
    smile = face.smile
    laugh = ease(0.3, 0.8, smile)
    sided = {
        "mouthSmile": 1.05 * smile,
        "cheekSquint": 0.5 * smile,
        "eyeSquint": 0.22 * smile,
        "mouthUpperUp": 0.85 * smile * laugh,
        "mouthLowerDown": 0.45 * smile * laugh,
        "mouthStretch": 0.15 * smile,
        "mouthFrown": 0.16 * face.mouth_corners * ease(0.08, 0.0, smile),
        "browOuterUp": 0.7 * max(0.0, face.brow),
        "browDown": 0.8 * max(0.0, -face.brow),
        "eyeBlink": face.blink + 0.01 * max(0.0, -float(face.gaze[1])),
        "eyeWide": 0.28,  # MakeHuman's lids look sleepy
    }
    actions = {f"{name}{side}": value for name, value in sided.items() for side in ("Left", "Right")}
    actions["browInnerUp"] = 0.6 * max(0.0, face.brow)
    actions["jawOpen"] = 0.55 * face.jaw_open + 0.22 * smile * ease(0.4, 0.9, smile)
    return actions


def typical_changes(face: Face) -> dict[str, float]:
    """Local changes that age, gender and childhood bring, on top of MakeHuman's macro shapes."""
    old = ease(32, 80, face.age)
    child = ease(23, 5, face.age)
    woman, man = _womanhood(face)
    changes = {
        "head-age-incr": 0.5 * old,
        "neck-double-incr": 0.3 * old,
        "mouth-laugh-lines-out": 0.4 * old,
        "chin-width-incr": 0.25 * man - 0.35 * woman,
        "chin-bones-incr": 0.35 * man - 0.35 * woman,
        "chin-height-incr": -0.15 * woman,
        "nose-scale-horiz-incr": 0.1 * man - 0.25 * woman,
        "nose-volume-incr": -0.25 * woman - 0.3 * child,
        "nose-scale-vert-incr": -0.12 * woman - 0.25 * child,
        "nose-point-up": 0.15 * woman,
        "eyebrows-trans-forward": 0.18 * man - 0.30 * woman - 0.2 * child,
        "eyebrows-trans-up": 0.08 + 0.30 * woman - 0.05 * man + 0.15 * child,
        "mouth-upperlip-volume-incr": 0.2 * woman,
        "mouth-lowerlip-volume-incr": 0.2 * woman,
        "head-scale-vert-incr": -0.12,
        "forehead-nubian-incr": 0.1 * woman,
        "measure-neck-circ-incr": 0.25 * man,
        "head-fat-incr": 0.20 * child,
    }
    sided = {
        "eye-bag-incr": 0.4 * old,
        "eye-eyefold-up": -0.25 * old,
        "eye-scale-incr": 0.05 + 0.30 * woman + 0.25 * child,
        "eye-height2-incr": 0.25 + 0.15 * woman,
        "cheek-bones-incr": 0.2 * woman,
        "cheek-volume-incr": 0.25 * child,
    }
    return changes | {f"{side}-{name}": value for name, value in sided.items() for side in "lr"}


@kernel
def _displace(
    weights: Floats,
    start: NDArray[np.int32],
    vertex: NDArray[np.uint16],
    delta: NDArray[np.int16],
    scale: Floats,
    points: Floats,
) -> None:
    """points [V, 3] += sum of the rows with their weights, in order, so that it is always the same sum."""
    for row in range(len(weights)):
        factor = weights[row] * scale[row]
        if factor != 0:
            for k in range(start[row], start[row + 1]):
                v = vertex[k]
                points[v, 0] += factor * delta[k, 0]
                points[v, 1] += factor * delta[k, 1]
                points[v, 2] += factor * delta[k, 2]

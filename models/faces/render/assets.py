"""The baked head: what is in the file, checked and unpacked once a process.

Lengths in centimetres; x to the person's left (image right), y up, z to the camera; the origin lies
midway between the eyes of the mean adult. "Canonical" coordinates are a vertex's place on that mean
adult: whatever identity and expression do, they say which part of a face a point is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from scipy import sparse

from models.faces.render.subdivision import catmull_clark, triangles

FORMAT = "latentloom-head"
VERSION = "1"
HEAD_PATH = Path(__file__).parent / "assets" / "head.safetensors"
HEAD_SHA256 = "c9dd1d28030cac7930d19eaa01e76c9e83ead877f549a384cb21f2d5f9ef1626"

PART_SKIN, PART_TEETH, PART_TONGUE = 0, 2, 3  # also the materials of models.faces.render.shading

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]


class HeadError(Exception):
    """The baked head is missing or not the one this version was written for."""


@dataclass(frozen=True)
class Displacements:
    """Blend shapes as sparse rows: row r moves vertex[start[r]:start[r+1]] by delta * scale[r] cm."""

    start: Indices  # [R + 1]
    vertex: NDArray[np.uint16]  # [nnz]
    delta: NDArray[np.int16]  # [nnz, 3]
    scale: Floats  # [R]


@dataclass(frozen=True)
class Roots:
    """A pool of points where hair can grow."""

    corners: Indices  # [N, 3] vertices of the coarse mesh
    weights: Floats  # [N, 3] barycentric
    place: Floats  # [N, 3] canonical coordinates


@dataclass(frozen=True)
class Head:
    """The head mesh with V coarse vertices; W vertices and T triangles after one subdivision."""

    template: Floats  # [V, 3]
    canonical: Floats  # [V, 3]
    coarse_triangles: Indices
    subdivision: sparse.csr_matrix  # [W, V]
    fine_canonical: Floats  # [W, 3]
    triangles: Indices  # [T, 3]
    material: Indices  # [T] PART_SKIN, PART_TEETH or PART_TONGUE
    head_weight: Floats  # [W] 1 turns with the head, 0 with the torso
    masks: Floats  # [W, 5] lips, eyelids, ears, inside of the mouth, ambient occlusion; 0..1
    coarse_ears: Floats  # [V]
    displacements: Displacements
    row_index: dict[str, int]
    changes: list[tuple[str, str]]  # local changes: names of both directions
    left_eye: NDArray[np.int64]
    right_eye: NDArray[np.int64]
    lash_triangles: Indices
    landmarks: dict[str, int]
    tongue: slice
    teeth: slice
    body: slice
    scalp: Roots
    beard: Roots
    brow: Roots


@lru_cache(maxsize=1)
def load_head() -> Head:
    """The head of this installation. Raises HeadError where the file is missing or altered."""
    try:
        content = HEAD_PATH.read_bytes()
    except OSError as error:
        raise HeadError(f"The baked head {HEAD_PATH} cannot be read ({error.strerror}).") from error
    if hashlib.sha256(content).hexdigest() != HEAD_SHA256:
        raise HeadError(f"The baked head {HEAD_PATH} is not the one of this version; install it again.")
    with safe_open(HEAD_PATH, framework="numpy") as file:
        description = json.loads(file.metadata()["config"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    return _unpack(tensors, description)


def _unpack(t: dict[str, NDArray[np.generic]], description: dict[str, object]) -> Head:
    quads = t["quads"].astype(np.int64)
    template, canonical = t["template"].astype(np.float32), t["canonical"].astype(np.float32)
    step = catmull_clark(len(template), quads)
    matrix = step.matrix
    coarse = triangles(quads)
    masks = matrix @ (t["masks"].astype(np.float32).T / 255)
    occlusion = t["occlusion"].astype(np.float32)[:, None] / 255
    rows: list[str] = description["rows"]  # type: ignore[assignment]
    changes: list[list[str]] = description["changes"]  # type: ignore[assignment]
    spans: dict[str, slice] = {n: slice(*description[n]) for n in ("tongue", "teeth", "body")}  # type: ignore[misc]

    def roots(name: str) -> Roots:
        corners = coarse[t[f"{name}_triangle"].astype(np.int64)]
        second = t[f"{name}_bary"].astype(np.float32) / 65535
        weights = np.concatenate([1 - second.sum(axis=1, keepdims=True), second], axis=1).astype(np.float32)
        return Roots(corners, weights, np.einsum("nk,nkc->nc", weights, canonical[corners]))

    return Head(
        template=template,
        canonical=canonical,
        coarse_triangles=coarse,
        subdivision=matrix,
        fine_canonical=np.asarray(matrix @ canonical, np.float32),
        triangles=triangles(step.quads),
        material=np.tile(t["part"][step.parent], 2).astype(np.int32),
        head_weight=np.asarray(matrix @ t["head_weight"].astype(np.float32), np.float32),
        masks=np.ascontiguousarray(np.concatenate([masks, occlusion], axis=1), np.float32),
        coarse_ears=t["masks"][2].astype(np.float32) / 255,
        displacements=Displacements(
            t["row_start"].astype(np.int32),
            t["row_vertex"].astype(np.uint16),
            t["row_delta"].astype(np.int16),
            t["row_scale"].astype(np.float32),
        ),
        row_index={name: i for i, name in enumerate(rows)},
        changes=[(positive, negative) for positive, negative in changes],
        left_eye=t["eyes"][0].astype(np.int64),
        right_eye=t["eyes"][1].astype(np.int64),
        lash_triangles=triangles(t["lashes"].astype(np.int64)),
        landmarks=description["landmarks"],  # type: ignore[arg-type]
        scalp=roots("scalp"),
        beard=roots("beard"),
        brow=roots("brow"),
        **spans,
    )

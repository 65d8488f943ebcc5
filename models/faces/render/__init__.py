"""The renderer of synthetic faces: a picture for every z (see docs/faces.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Z_DIM, FaceFactors, face_factors
from models.faces.light import attribute_vectors, exposure_gain
from models.faces.render.face import face_at
from models.faces.render.picture import draw

SIZES = range(64, 513)
RENDERER_VERSION = "2"  # counts up whenever the same z would give another picture

__all__ = [
    "RENDERER_VERSION",
    "SIZES",
    "RenderedFaces",
    "compile_kernels",
    "render_faces",
    "render_factors",
    "render_with_truth",
]


@dataclass(frozen=True)
class RenderedFaces:
    """Pictures with what is true of them."""

    pictures: NDArray[np.uint8]  # [N, S, S, 3]
    attributes: NDArray[np.float32]  # [N, 17] in StyleFlow's order, see models.faces.light
    landmarks: NDArray[np.float32]  # [N, 4, 2] right eye, left eye, mouth corners (of the person), 0..1


def render_faces(z: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """Pictures [N, size, size, 3] of the faces z [N, 512]; size 64..512. The same z gives the same picture,
    whatever it is rendered along with. Raises ValueError for a z or size out of range."""
    return render_with_truth(z, size).pictures


def render_with_truth(z: NDArray[np.floating], size: int) -> RenderedFaces:
    """As render_faces, with attributes and landmarks."""
    latents = np.asarray(z, np.float64)
    if latents.ndim != 2 or latents.shape[1] != Z_DIM:
        raise ValueError(f"z must be [N, {Z_DIM}], not {list(latents.shape)}")
    # One by one, because sums over a batch may round differently with its size.
    parts = [render_factors(face_factors(latents[i : i + 1]), size) for i in range(len(latents))]
    return RenderedFaces(
        np.concatenate([np.empty((0, size, size, 3), np.uint8), *(part.pictures for part in parts)]),
        np.concatenate([np.empty((0, 17), np.float32), *(part.attributes for part in parts)]),
        np.concatenate([np.empty((0, 4, 2), np.float32), *(part.landmarks for part in parts)]),
    )


def render_factors(factors: FaceFactors, size: int) -> RenderedFaces:
    """Faces whose factors are given, so that a single one can be changed. Raises ValueError for a size out of
    range."""
    if size not in SIZES:
        raise ValueError(f"a size of {size} pixels is outside {SIZES.start}..{SIZES.stop - 1}")
    exposure = exposure_gain(factors)
    count = len(exposure)
    pictures = np.empty((count, size, size, 3), np.uint8)
    landmarks = np.empty((count, 4, 2), np.float32)
    for i in range(count):
        picture = draw(face_at(factors, i), float(exposure[i]), size)
        pictures[i], landmarks[i] = picture.pixels, picture.landmarks
    return RenderedFaces(pictures, attribute_vectors(factors).astype(np.float32), landmarks)


def compile_kernels() -> None:
    """Compiles every kernel, or loads what an earlier process compiled: draws a face that needs them all.

    Raises models.faces.render.assets.HeadError where the head is missing.
    """
    plain = face_at(face_factors(np.zeros((1, Z_DIM))), 0)
    draw(replace(plain, glasses=True, beard=0.5, hair_style="long", age=40.0), 1.0, SIZES.start)

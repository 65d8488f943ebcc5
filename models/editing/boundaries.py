"""Boundaries as InterFaceGAN keeps them (Shen et al., "Interpreting the Latent Space of GANs for Semantic
Face Editing", 2020): the unit normal of a hyperplane that separates two kinds of faces, in a .npy file.

A file does not say whether it is a normal in W or in Z: the person must. A step in W moves ws as it is. A
step in Z moves z before the mapping network, which is not linear, so what the same step does to w depends
on the face; here it becomes the average displacement of w over many faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.editing.directions import Direction
from models.editing.errors import BadDirection
from models.editing.population import deviation_along, draw_w
from models.plain_array import UnreadableArray, read_npy
from models.stylegan2.generator import Generator

MAX_BYTES = 2**20
_FACES = 1024
_LARGEST = 1e30  # what float32 holds with room for a length
_Z_STEP = 0.5  # length of the step in z whose effect on w is averaged; z has the length sqrt(z_dim)


def boundary_direction(
    data: bytes, name: str, generator: Generator, layers: Sequence[int] | None = None
) -> Direction:
    """A normal in W: an array of w_dim, 1 x w_dim, or num_ws x w_dim, one for each layer.

    layers: the rows to move; None: all. Strength 1 is one deviation of the population along the normal.
    Raises BadDirection for anything else than such an array of finite numbers.
    """
    array = _read(data)
    width, num_ws = generator.w_dim, generator.num_ws
    if array.shape not in ((width,), (1, width), (num_ws, width)):
        shown = "x".join(map(str, array.shape)) or "a single number"
        raise BadDirection(
            f"This boundary is {shown}; this generator needs {width}, 1x{width} or {num_ws}x{width}."
        )
    rows = tuple(range(num_ws)) if layers is None else tuple(sorted(set(layers)))
    if not rows or not all(0 <= row < num_ws for row in rows):
        raise BadDirection(f"The layers must be some of 0..{num_ws - 1}.")
    w = draw_w(generator, _FACES).cpu()
    if array.shape[0] == num_ws and array.ndim == 2 and num_ws > 1:
        # The rows may differ in length, and should then move by that much less or more.
        vectors = array[list(rows)]
        length = vectors.norm(dim=1).max()
        vectors = vectors / _usable(float(length))
        scale = max(deviation_along(w, vectors[int(vectors.norm(dim=1).argmax())]), 1e-6)
        return Direction(name, vectors, rows, "boundary", scale)
    vector = array.reshape(width)
    vector = vector / _usable(float(vector.norm()))
    return Direction(name, vector, rows, "boundary", max(deviation_along(w, vector), 1e-6))


@torch.no_grad()
def z_boundary_direction(data: bytes, name: str, generator: Generator) -> Direction:
    """A normal in Z, z_dim or 1 x z_dim, as the average displacement of w that a step along it makes.

    Raises BadDirection, also for a conditional generator, whose w depends on more than z.
    """
    array = _read(data)
    width = generator.z_dim
    if array.shape not in ((width,), (1, width)):
        shown = "x".join(map(str, array.shape)) or "a single number"
        raise BadDirection(f"This boundary is {shown}; in Z this generator needs {width} or 1x{width}.")
    if generator.c_dim:
        raise BadDirection("A boundary in Z cannot be used with a conditional generator; one in W can.")
    normal = array.reshape(width)
    normal = (normal / _usable(float(normal.norm()))).to(generator.w_avg)
    z = torch.from_numpy(np.random.RandomState(0).randn(_FACES, width)).to(normal)
    step = _Z_STEP * normal
    moved = (generator.mapping(z + step) - generator.mapping(z - step))[:, 0].mean(dim=0).cpu()
    vector = moved / _usable(float(moved.norm()))
    w = draw_w(generator, _FACES).cpu()
    rows = tuple(range(generator.num_ws))
    return Direction(name, vector, rows, "boundary in Z", max(deviation_along(w, vector), 1e-6))


def _read(data: bytes) -> Tensor:
    """The numbers of a .npy file."""
    if len(data) > MAX_BYTES:
        raise BadDirection(f"A boundary has at most {MAX_BYTES >> 20} MiB; this file is larger.")
    try:
        array = read_npy(data, "fiu")
    except UnreadableArray as error:
        raise BadDirection(f"This is no boundary: {error}.") from error
    numbers = torch.from_numpy(array.astype(np.float64, order="C"))
    if not bool((numbers.abs() < _LARGEST).all()):
        raise BadDirection("This boundary holds numbers that are not finite.")
    return numbers.float()


def _usable(length: float) -> float:
    if length < 1e-8:
        raise BadDirection("This boundary has no direction: all its numbers are 0.")
    return length

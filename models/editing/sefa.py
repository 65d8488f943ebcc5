"""SeFa: directions from the style weights alone (Shen and Zhou, "Closed-Form Factorization of Latent
Semantics in GANs", 2021).

A row w enters a layer as A w + b. A step n changes the styles by A n whatever the face, so the unit steps
that change them most are the eigenvectors of A^T A with the greatest eigenvalues (equation 6), A being the
affine weights of all chosen layers on top of each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from models.editing.directions import Direction
from models.editing.errors import BadDirection
from models.editing.population import deviation_along, draw_w
from models.stylegan2.generator import Generator
from models.stylegan2.operations import FullyConnected

_POPULATION = 4096  # draws of w for the scale of each direction


@torch.no_grad()
def sefa_directions(
    generator: Generator,
    layers: Sequence[int],
    count: int = 10,
    progress: Callable[[int, int], None] | None = None,
) -> list[Direction]:
    """The `count` directions that change the styles of these layers most, strongest first.

    explained is the direction's share of all eigenvalues. The sign is fixed: the largest entry is positive.
    Raises BadDirection for layers that are not there or a count beyond w_dim.
    """
    rows = tuple(sorted(set(layers)))
    if not rows or not all(0 <= row < generator.num_ws for row in rows):
        raise BadDirection(f"The layers must be some of 0..{generator.num_ws - 1}.")
    if not 1 <= count <= generator.w_dim:
        raise BadDirection(f"There can be 1 to {generator.w_dim} directions.")
    steps = len(rows) + 2
    gram = torch.zeros(generator.w_dim, generator.w_dim, dtype=torch.float64)
    affines = row_affines(generator)
    for i, row in enumerate(rows):
        for affine in affines[row]:
            weight = affine.weight.double().cpu() * affine.lr_multiplier / math.sqrt(generator.w_dim)
            gram += weight.T @ weight
        if progress:
            progress(i + 1, steps)
    values, vectors = torch.linalg.eigh(gram)
    if progress:
        progress(steps - 1, steps)
    w = draw_w(generator, _POPULATION).cpu()
    found = []
    for k in range(count):
        vector = signed(vectors[:, -1 - k]).float()
        found.append(
            Direction(
                name=f"SeFa {rows[0]}-{rows[-1]} #{k + 1}",
                vector=vector,
                layers=rows,
                method="sefa",
                scale=max(deviation_along(w, vector), 1e-6),
                explained=float(values[-1 - k] / values.sum()),
            )
        )
    if progress:
        progress(steps, steps)
    return found


def row_affines(generator: Generator) -> list[list[FullyConnected]]:
    """The affine layers that every row of ws enters; most rows enter a ToRGB and the next block's first."""
    entered: list[list[FullyConnected]] = [[] for _ in range(generator.num_ws)]
    first = 0
    for resolution in generator.config.resolutions:
        block = generator.synthesis.block(resolution)
        if not block.first:
            entered[first].append(block.conv0.affine)
        entered[first + block.num_conv - 1].append(block.conv1.affine)
        if block.torgb is not None:
            entered[first + block.num_conv].append(block.torgb.affine)
        first += block.num_conv
    return entered


def signed(vector: Tensor) -> Tensor:
    """The vector or its opposite: the one whose entry of largest size is positive."""
    return vector * torch.sign(vector[vector.abs().argmax()])

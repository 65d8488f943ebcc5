"""GANSpace: principal components of what a generator draws (Härkönen et al., "GANSpace: Discovering
Interpretable GAN Controls", 2020).

In W (section 2.1): the principal axes of w over z. In activations (section 2.2): the principal axes of an
early layer's feature maps, carried back to W by linear regression of w on the coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from models.editing.directions import Direction
from models.editing.errors import BadDirection
from models.editing.population import deviation_along, draw_w
from models.editing.sefa import signed
from models.stylegan2.feature_maps import block_maps
from models.stylegan2.generator import Generator

W_DRAWS = 10_000
ACTIVATION_DRAWS = 1_000
MAX_ACTIVATION_NUMBERS = 2**27  # of all draws together: half a gigabyte
_TOGETHER = 16

Progress = Callable[[int, int], None]


@torch.no_grad()
def w_components(
    generator: Generator,
    count: int = 20,
    layers: Sequence[int] | None = None,
    draws: int = W_DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Direction]:
    """The principal components of w, widest first; explained is each one's share of the variance.

    layers: rows they are to move; None: all. Raises BadDirection.
    """
    _check(generator, count, draws)
    w = draw_w(generator, draws, seed).double()
    if progress:
        progress(1, 2)
    covariance = torch.cov(w.T)
    values, vectors = torch.linalg.eigh(covariance)
    found = []
    for k in range(count):
        variance = max(float(values[-1 - k]), 1e-12)
        found.append(
            Direction(
                name=f"W component {k + 1}",
                vector=signed(vectors[:, -1 - k]).float().cpu(),
                layers=_rows(generator, layers),
                method="ganspace",
                scale=math.sqrt(variance),
                explained=min(variance / float(values.sum()), 1.0),
            )
        )
    if progress:
        progress(2, 2)
    return found


@torch.no_grad()
def activation_components(
    generator: Generator,
    resolution: int,
    count: int = 20,
    layers: Sequence[int] | None = None,
    draws: int = ACTIVATION_DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Direction]:
    """The principal components of the feature maps at the end of a block, as directions of w.

    explained is the share of the feature maps' variance. Raises BadDirection, also where the feature maps of
    all draws would not fit into memory.
    """
    _check(generator, count, draws)
    if resolution not in generator.config.resolutions:
        raise BadDirection(f"The resolution must be one of {generator.config.resolutions}.")
    numbers = generator.config.channels(resolution) * resolution**2
    if draws * numbers > MAX_ACTIVATION_NUMBERS:
        raise BadDirection(f"The feature maps at {resolution} are too large; take a smaller resolution.")
    w = draw_w(generator, draws, seed)
    maps = []
    for part in w.split(_TOGETHER):
        ws = part[:, None].expand(-1, generator.num_ws, -1)
        maps.append(block_maps(generator.synthesis, ws, resolution).flatten(1).cpu())
        if progress:
            progress(min(len(maps) * _TOGETHER, draws), draws + 1)
    centred = torch.cat(maps)
    centred -= centred.mean(dim=0)
    # Fewer draws than numbers: the eigenvectors of the Gram matrix are the coordinates, one column a
    # component.
    values, coordinates = torch.linalg.eigh(centred.double() @ centred.double().T)
    w = w.cpu().double()
    offset = w - w.mean(dim=0)
    found = []
    for k in range(count):
        vector = (offset.T @ coordinates[:, -1 - k]).float()  # least squares: the columns are orthonormal
        vector = signed(vector / vector.norm().clamp(min=1e-12))
        found.append(
            Direction(
                name=f"{resolution}x{resolution} component {k + 1}",
                vector=vector,
                layers=_rows(generator, layers),
                method="ganspace",
                scale=max(deviation_along(w.float(), vector), 1e-6),
                explained=float((values[-1 - k] / values.sum()).clamp(0, 1)),
            )
        )
    if progress:
        progress(draws + 1, draws + 1)
    return found


def _rows(generator: Generator, layers: Sequence[int] | None) -> tuple[int, ...]:
    rows = tuple(range(generator.num_ws)) if layers is None else tuple(sorted(set(layers)))
    if not rows or not all(0 <= row < generator.num_ws for row in rows):
        raise BadDirection(f"The layers must be some of 0..{generator.num_ws - 1}.")
    return rows


def _check(generator: Generator, count: int, draws: int) -> None:
    if not 1 <= count <= min(generator.w_dim, draws - 1):
        raise BadDirection(
            f"There can be 1 to {min(generator.w_dim, draws - 1)} components of {draws} draws."
        )

"""Maps of the face, painted once on a front view of the mean head: beard, blush, wrinkles, sockets …

Every map is a texture over canonical x (-8..8 cm) and y (9..-13 cm) at half a millimetre a texel, so it
follows any identity and expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.faces.factors import Array, smoothstep
from models.faces.render.kernels import device

TEXELS_PER_CM = 20.0
LEFT, TOP = -8.0, 9.0  # cm
_WIDTH, _HEIGHT = 320, 440

BEARD, BLUSH, WRINKLE_X, WRINKLE_Y, SOCKET, BROW, OIL = range(7)


@lru_cache(maxsize=1)
def face_maps() -> NDArray[np.float32]:
    """[440, 320, 7]: beard density, blush, wrinkle slope in x and y, eye socket, brow, oiliness."""
    x = (np.arange(_WIDTH) + 0.5) / TEXELS_PER_CM + LEFT
    y = TOP - (np.arange(_HEIGHT) + 0.5) / TEXELS_PER_CM
    xx, yy = np.meshgrid(x, y)
    slope_y, slope_x = (np.asarray(slope) for slope in np.gradient(_wrinkle_height(xx, yy)))
    maps: list[Array] = [_beard(xx, yy), _blush(xx, yy), -3.2 * slope_x, 3.2 * slope_y]
    maps += [_socket(xx, yy), _brow(xx, yy), _oil(xx, yy)]
    return np.stack(maps, axis=-1).astype(np.float32)


def brow_height(x: Array) -> Array:
    """Canonical y in cm of the middle of the brow at |x| in cm."""
    return 1.88 + 0.42 * np.sin(np.clip((x - 1.0) / 4.4, 0, 1) * np.pi * 0.72)


def sample_map(which: int, place: NDArray[np.floating]) -> NDArray[np.float64]:
    """Map values [N] at canonical coordinates [N, 3]."""
    coordinates = [(TOP - place[:, 1]) * TEXELS_PER_CM, (place[:, 0] - LEFT) * TEXELS_PER_CM]
    values: NDArray[np.float64] = ndimage.map_coordinates(
        face_maps()[..., which].astype(np.float64), coordinates, order=1, mode="nearest"
    )
    return values


@device
def map_cell(x: float, y: float) -> tuple[int, int, float, float]:
    """Where canonical x, y lies in the maps: column, row and the fractions to the next ones."""
    u = min(_WIDTH - 1.001, max(0.0, (x - LEFT) * TEXELS_PER_CM))
    v = min(_HEIGHT - 1.001, max(0.0, (TOP - y) * TEXELS_PER_CM))
    i, j = int(u), int(v)
    return i, j, u - i, v - j


@device
def map_at(maps: NDArray[np.float32], which: int, cell: tuple[int, int, float, float]) -> float:
    """Bilinear sample of a map in a cell that map_cell found."""
    i, j, fu, fv = cell
    top = maps[j, i, which] * (1 - fu) + maps[j, i + 1, which] * fu
    bottom = maps[j + 1, i, which] * (1 - fu) + maps[j + 1, i + 1, which] * fu
    value: float = top * (1 - fv) + bottom * fv
    return value


def _bump(xx: Array, yy: Array, x: float, y: float, wide: float, high: float) -> Array:
    """A Gaussian spot at +-x, y."""
    return np.exp(-(((np.abs(xx) - x) / wide) ** 2) - ((yy - y) / high) ** 2)


def _beard(xx: Array, yy: Array) -> Array:
    across = np.abs(xx)
    upper_edge = np.interp(across, [0, 1.5, 2.6, 4, 5.5, 6.5, 8], [-5.2, -5.3, -6.4, -5.6, -3.5, -1.2, 1.0])
    density = smoothstep(0.5, -0.6, yy - upper_edge)
    density *= 1 - 0.85 * _bump(xx, yy, 0, -5.6, 0.45, 0.5)  # below the nose
    density *= 1 - 0.8 * _bump(xx, yy, 1.6, -9.4, 0.55, 0.6)  # beside the soul patch
    density[yy < -12.6] *= 0.7
    lips = (across < 2.6) & (np.abs(yy + 7.4) < 1.25 * np.clip(1 - (xx / 2.7) ** 2, 0, 1))
    return density * (1 - 0.9 * ndimage.gaussian_filter(lips.astype(np.float64), 3))


def _blush(xx: Array, yy: Array) -> Array:
    cheeks = _bump(xx, yy, 4.0, -3.4, 1.9, 1.6)
    return cheeks + 0.55 * _bump(xx, yy, 0, -3.6, 1.1, 1.2) + 0.15 * _bump(xx, yy, 0, -11, 1.5, 1)


def _socket(xx: Array, yy: Array) -> Array:
    eye = _bump(xx, yy, 3.1, 0.1, 2.1, 1.25)
    return eye + 0.5 * _bump(xx, yy, 3.1, -1.6, 1.7, 0.5) + 0.5 * _bump(xx, yy, 1.3, 0.4, 0.7, 1.2)


def _brow(xx: Array, yy: Array) -> Array:
    across = np.abs(xx)
    ends = smoothstep(0.9, 1.4, across) * smoothstep(5.4, 4.4, across)
    return np.exp(-(((yy - brow_height(across) - 0.1) / 0.28) ** 2)) * ends


def _oil(xx: Array, yy: Array) -> Array:
    nose, forehead = _bump(xx, yy, 0, -2.5, 0.7, 2.6), _bump(xx, yy, 0, 5, 3, 1.6)
    cheeks, chin = _bump(xx, yy, 3.6, -2.2, 1.4, 1), _bump(xx, yy, 0, -10.3, 1.2, 0.8)
    return 0.6 * nose + 0.5 * forehead + 0.3 * cheeks + 0.3 * chin


def _wrinkle_height(xx: Array, yy: Array) -> Array:
    """Depth of the wrinkles of old age, negative in their grooves."""
    height = np.zeros_like(xx)

    def groove(
        points: Sequence[tuple[float, float]], depth: float, width: float, sides: tuple[int, ...]
    ) -> None:
        t = np.linspace(0, len(points) - 1, 120)
        x, y = (np.interp(t, range(len(points)), column) for column in np.array(points).T)
        reach = 6 * width  # beyond it a groove is shallower than rounding
        rows = (yy[:, 0] > y.min() - reach) & (yy[:, 0] < y.max() + reach)
        for side in sides:
            across = xx[0] * side
            columns = (across > x.min() - reach) & (across < x.max() + reach)
            away = (across[columns][None, :, None] - x) ** 2 + (yy[rows, 0][:, None, None] - y) ** 2
            height[np.ix_(rows, columns)] -= depth * np.exp(-away.min(axis=2) / width**2)

    both = (1, -1)
    for y in (4.0, 5.0, 5.9):  # across the forehead
        line = [(-4.2, y - 0.35), (-2, y + 0.15), (0, y - 0.05), (2, y + 0.15), (4.2, y - 0.3)]
        groove(line, 0.8, 0.16, (1,))
    groove([(0.45, 1.2), (0.5, 2.4)], 0.6, 0.15, both)  # between the brows
    for a in (-0.7, -0.2, 0.35):  # crow's feet
        groove([(5.3, 0.6 * a - 0.05), (5.9, a - 0.1), (6.5, 1.7 * a - 0.15)], 0.55, 0.10, both)
    groove([(1.9, -4.0), (2.9, -5.4), (3.3, -7.0), (3.2, -8.0)], 1.0, 0.26, both)  # nose to mouth
    groove([(2.75, -8.0), (3.0, -9.2), (2.8, -10.2)], 0.5, 0.2, both)  # marionette lines
    groove([(1.5, -1.2), (2.6, -1.8), (3.8, -1.7), (4.7, -1.2)], 0.6, 0.15, both)  # bags under the eyes
    groove([(1.8, -1.7), (3.0, -2.3), (4.2, -2.1)], 0.4, 0.15, both)
    return np.asarray(ndimage.gaussian_filter(height, 1.5))

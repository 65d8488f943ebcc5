"""An aligned face put back into the photo it was cut from: the inverse of crop_face, with a soft edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy.ndimage import map_coordinates

from models.projection.alignment import Quad, checked_quad, side_of

FEATHER = 0.1  # width of the soft edge, in sides of the square


def put_back(
    photo: NDArray[np.uint8], face: NDArray[np.uint8], quad: ArrayLike, feather: float = FEATHER
) -> NDArray[np.uint8]:
    """photo [H, W, 3] with face [S, S, 3] in the square quad [4, 2] (corners as ffhq_quad gives them).

    From the edge of the square inwards the face fades in over feather sides; where it counts nothing, the
    photo's pixels stay exactly as they are. Raises ValueError for other shapes and for the squares that
    crop_face refuses.
    """
    for name, picture in (("photo", photo), ("face", face)):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            raise ValueError(f"the {name} must be uint8 [H, W, 3]")
    if face.shape[0] != face.shape[1]:
        raise ValueError("the face must be square")
    if not 0 < feather <= 0.5:
        raise ValueError("feather must be more than 0 and at most 0.5")
    height, width = photo.shape[:2]
    corners = checked_quad(quad, (width, height))
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    xy = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1).astype(np.float64)
    placed = _in_square(xy, corners)
    alpha = _alpha(placed, feather)[:, :, None]
    part = photo[y0:y1, x0:x1]
    mixed = np.rint(part + alpha * (_sampled(face, placed, side_of(corners)) - part)).astype(np.uint8)
    result = photo.copy()
    result[y0:y1, x0:x1] = np.where(alpha > 0, mixed, part)
    return result


def _in_square(xy: NDArray[np.float64], corners: Quad) -> NDArray[np.float64]:
    """Points [..., 2] of the photo in coordinates of the square: 0..1 from the left, 0..1 from the top.

    Raises ValueError where the corners lie on a line.
    """
    axes = np.stack([corners[3] - corners[0], corners[1] - corners[0]], axis=1)
    if abs(np.linalg.det(axes)) < 1e-3 * side_of(corners) ** 2:
        raise ValueError("the corners are not those of a square")
    placed: NDArray[np.float64] = (xy - corners[0]) @ np.linalg.inv(axes).T
    return placed


def _alpha(placed: NDArray[np.float64], feather: float) -> NDArray[np.float64]:
    """How much the face counts, 0..1: 0 at the edge and outside, smooth at both ends of the ramp."""
    inwards = np.minimum(placed, 1 - placed).min(axis=-1)
    t = np.clip(inwards / feather, 0, 1)
    alpha: NDArray[np.float64] = t * t * (3 - 2 * t)
    return alpha


def _sampled(face: NDArray[np.uint8], placed: NDArray[np.float64], side: float) -> NDArray[np.float64]:
    """The face at these places, brought to the size of its square in the photo first."""
    size = max(1, round(side))
    face = np.asarray(Image.fromarray(face).resize((size, size), Image.Resampling.LANCZOS))
    rows, columns = placed[..., 1] * size - 0.5, placed[..., 0] * size - 0.5
    channels = [
        map_coordinates(face[:, :, c].astype(np.float64), [rows, columns], order=1, mode="nearest")
        for c in range(3)
    ]
    return np.stack(channels, axis=-1)

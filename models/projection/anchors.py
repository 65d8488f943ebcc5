"""The three points that a person can drag to align a face by hand: two eyes and the middle of the mouth.

They decide FFHQ's square through the same formula as the landmarks (models.projection.alignment), and a
square gives points back that lead to it again.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.projection.alignment import Quad, ffhq_quad

Point = tuple[float, float]

# Where eyes and mouth of an aligned face lie in the square, 0..1 from the left and from the top: about the
# mean of FFHQ, and such that the square of these points is the square itself (the mouth is 1 / 3.6 of its
# side below the eyes, the eyes less than a quarter apart, its centre a tenth of the way from eyes to mouth).
EYE_LEVEL = 0.5 - 0.1 / 3.6
ALIGNED = np.array([[0.38, EYE_LEVEL], [0.62, EYE_LEVEL], [0.5, EYE_LEVEL + 1 / 3.6]])


@dataclass(frozen=True)
class Anchors:
    """x, y in pixels of the photo, whole numbers in mid-pixel; left and right are the picture's."""

    left_eye: Point
    right_eye: Point
    mouth: Point


def anchors_of_landmarks(landmarks: ArrayLike) -> Anchors:
    """Anchors of the detector's five points [5, 2]: left eye, right eye, nose, mouth corners.

    Raises ValueError for another shape.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2):
        raise ValueError(f"the landmarks must be [5, 2], not {list(points.shape)}")
    return _anchors(np.stack([points[0], points[1], (points[3] + points[4]) / 2]))


def quad_of_anchors(anchors: Anchors) -> Quad:
    """FFHQ's square, as ffhq_quad gives it. Raises ValueError where the points span no face."""
    left, right, mouth = astuple(anchors)
    return ffhq_quad(left, right, mouth, mouth)


def anchors_of_quad(quad: ArrayLike) -> Anchors:
    """Where the anchors of an average face lie in a square: quad_of_anchors of them is the square again.

    Raises ValueError where quad is not four corners.
    """
    corners = np.asarray(quad, dtype=np.float64)
    if corners.shape != (4, 2):
        raise ValueError(f"a square has four corners, not {list(corners.shape)}")
    across, down = corners[3] - corners[0], corners[1] - corners[0]
    return _anchors(corners[0] + ALIGNED[:, :1] * across + ALIGNED[:, 1:] * down)


def middle_anchors(width: int, height: int) -> Anchors:
    """Where to begin in a photo in which no face was found: the largest upright square in its middle."""
    side = min(width, height)
    left, top = (width - side) / 2 - 0.5, (height - side) / 2 - 0.5
    square = np.array([[left, top], [left, top + side], [left + side, top + side], [left + side, top]])
    return anchors_of_quad(square)


def _anchors(points: NDArray[np.float64]) -> Anchors:
    left, right, mouth = ((float(x), float(y)) for x, y in points)
    return Anchors(left, right, mouth)

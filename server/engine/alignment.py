"""Faces cut out of photos, and put back, by three anchors: two eyes and the mouth. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np

from models.projection.alignment import DETAIL, Quad, checked_quad, crop_face
from models.projection.anchors import (
    Anchors,
    anchors_of_landmarks,
    anchors_of_quad,
    middle_anchors,
    quad_of_anchors,
)
from models.projection.putting_back import put_back
from server.engine.interface import RGB
from server.problems import Problem

__all__ = ["DETAIL", "Anchors", "anchors_of_landmarks", "middle_anchors"]


def anchors_of_square(x: float, y: float, side: float, turn: float) -> Anchors:
    """Anchors of the square about x, y that is turned clockwise by so many degrees."""
    angle = math.radians(turn)
    across = np.array([math.cos(angle), math.sin(angle)]) * side / 2
    down = np.array([-across[1], across[0]])
    centre = np.array([x, y])
    corners = [centre - across - down, centre - across + down, centre + across + down, centre + across - down]
    return anchors_of_quad(np.stack(corners))


def stored_anchors(anchors: Anchors) -> dict[str, list[float]]:
    """As JSON has them."""
    return {name: list(point) for name, point in asdict(anchors).items()}


def corners_of(anchors: Anchors) -> list[list[float]]:
    """Corners of the square that they decide [4][2]: top left, bottom left, bottom right, top right.

    Raises Problem unusable_face where they span no face.
    """
    try:
        corners: list[list[float]] = quad_of_anchors(anchors).tolist()
    except ValueError as error:
        raise _unusable() from error
    return corners


def reduced_anchors(anchors: Anchors, factor: int) -> Anchors:
    """Where they are in a picture that was made smaller by a whole factor."""
    moved = {
        name: ((x + 0.5) / factor - 0.5, (y + 0.5) / factor - 0.5) for name, (x, y) in asdict(anchors).items()
    }
    return Anchors(**moved)


def check_alignment(anchors: Anchors, width: int, height: int) -> None:
    """Raises Problem unusable_face where a photo of that size cannot be cut by them."""
    _quad(anchors, width, height)


def aligned_face(rgb: RGB, anchors: Anchors, size: int) -> RGB:
    """The face [size, size, 3] as FFHQ aligns it. Raises Problem unusable_face."""
    quad = _quad(anchors, rgb.shape[1], rgb.shape[0])
    try:
        return crop_face(rgb, quad, size)
    except ValueError as error:
        raise _unusable() from error


def with_face(photo: RGB, face: RGB, anchors: Anchors) -> RGB:
    """The photo with a face [S, S, 3] in the place that the anchors mark. Raises Problem unusable_face."""
    return put_back(photo, face, _quad(anchors, photo.shape[1], photo.shape[0]))


def _quad(anchors: Anchors, width: int, height: int) -> Quad:
    try:
        return checked_quad(quad_of_anchors(anchors), (width, height))
    except ValueError as error:
        raise _unusable() from error


def _unusable() -> Problem:
    detail = "The face lies so far outside the picture, or is so large or small, that it cannot be aligned."
    return Problem("unusable_face", detail, "Move the two eyes and the mouth to where they are in the photo.")

"""FFHQ's alignment: an oriented square from eyes and mouth corners, and the picture inside it.

Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019, appendix A;
the pictures of ProGAN, appendix C, are cut in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageFilter

Quad = NDArray[np.float64]

SUPERSAMPLING = 4  # the square is drawn at this many times the size asked for, then made smaller
LARGEST_SQUARE = 16  # in short sides of the picture; more than that is hardly a picture any more
DETAIL = 2  # a larger picture is first made smaller, to this many times the size asked for


def ffhq_quad(
    left_eye: ArrayLike, right_eye: ArrayLike, mouth_left: ArrayLike, mouth_right: ArrayLike
) -> Quad:
    """Corners of the square to crop, float64 [4, 2] as x, y: top left, bottom left, bottom right, top right.

    Points are x, y, whole numbers in the middle of pixels; left and right are the picture's. The side is
    the larger of 4 eye distances and 3.6 times the way from the eyes to the mouth.
    Raises ValueError where the points are not finite or all at one place.
    """
    left, right, corner_left, corner_right = (
        np.asarray(point, dtype=np.float64).reshape(2)
        for point in (left_eye, right_eye, mouth_left, mouth_right)
    )
    eyes = (left + right) / 2
    eye_to_eye = right - left
    eye_to_mouth = (corner_left + corner_right) / 2 - eyes
    # A turned head shortens the one, a nodding head the other: both give the direction and the size.
    x = eye_to_eye + np.array([eye_to_mouth[1], -eye_to_mouth[0]])
    length = math.hypot(*x)
    if not math.isfinite(length) or length < 1e-6:
        raise ValueError("the landmarks do not span a face")
    x *= max(math.hypot(*eye_to_eye) * 2.0, math.hypot(*eye_to_mouth) * 1.8) / length
    y = np.array([-x[1], x[0]])
    centre = eyes + eye_to_mouth * 0.1
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


def crop_face(rgb: Image.Image | NDArray[np.uint8], quad: ArrayLike, size: int) -> NDArray[np.uint8]:
    """The picture inside quad [4, 2] (corners as ffhq_quad gives them) as uint8 [size, size, 3].

    Where the square leaves the picture, the picture is mirrored, blurred and faded to its median colour.
    Raises ValueError where the square is degenerate, does not meet the picture or is far larger than it.
    """
    picture = rgb if isinstance(rgb, Image.Image) else Image.fromarray(rgb)
    picture = picture.convert("RGB")
    # FFHQ counts from the middle of the first pixel, PIL from its corner.
    corners = checked_quad(quad, picture.size) + 0.5
    if size < 1:
        raise ValueError(f"size must be positive, not {size}")
    picture, corners = _shrunk(picture, corners, size)
    picture, corners = _cut_out(picture, corners)
    picture, corners = _bordered(picture, corners)
    side = size * SUPERSAMPLING
    data: Sequence[float] = corners.reshape(-1).tolist()
    square = picture.transform((side, side), Image.Transform.QUAD, data, Image.Resampling.BILINEAR)
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))


def side_of(quad: Quad) -> float:
    """Length of the left edge."""
    return math.hypot(*(quad[1] - quad[0]))


def checked_quad(quad: ArrayLike, size: tuple[int, int]) -> Quad:
    """The corners [4, 2] in a picture of size (width, height). Raises ValueError where they are degenerate,
    do not meet the picture or span far more than it.
    """
    corners = np.array(quad, dtype=np.float64)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise ValueError("the square must be four finite corners")
    if side_of(corners) < 1:
        raise ValueError("the square is smaller than a pixel")
    if side_of(corners) > LARGEST_SQUARE * min(size):
        raise ValueError("the square is too large for the picture")
    if (corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= np.array(size)).any():
        raise ValueError("the square lies outside the picture")
    return corners


def _shrunk(picture: Image.Image, quad: Quad, size: int) -> tuple[Image.Image, Quad]:
    """Made smaller, so that time and memory follow from the size asked for and not from the picture."""
    factor = DETAIL * size / side_of(quad)
    if factor >= 1:
        return picture, quad
    width, height = (max(1, round(side * factor)) for side in picture.size)
    scale = np.array([width / picture.width, height / picture.height])
    return picture.resize((width, height), Image.Resampling.LANCZOS), quad * scale


def _cut_out(picture: Image.Image, quad: Quad) -> tuple[Image.Image, Quad]:
    """Only the part of the picture about the square, for speed."""
    border = max(round(side_of(quad) * 0.1), 3)
    low, high = np.floor(quad.min(axis=0)) - border, np.ceil(quad.max(axis=0)) + border
    x0, y0 = (max(int(value), 0) for value in low)
    x1, y1 = min(int(high[0]), picture.width), min(int(high[1]), picture.height)
    return picture.crop((x0, y0, x1, y1)), quad - np.array([x0, y0])


def _bordered(picture: Image.Image, quad: Quad) -> tuple[Image.Image, Quad]:
    """Mirrored on the sides where the square leaves the picture, and softened there."""
    side = side_of(quad)
    border = max(round(side * 0.1), 3)
    low, high = np.floor(quad.min(axis=0)), np.ceil(quad.max(axis=0))
    over = np.array([-low[0], -low[1], high[0] - picture.width, high[1] - picture.height]) + border
    left, top, right, bottom = (max(int(value), 0) for value in over)
    if max(left, top, right, bottom) <= border - 4:
        return picture, quad
    wide = max(round(side * 0.3), 1)
    left, top, right, bottom = (max(value, wide) for value in (left, top, right, bottom))
    mirrored = np.pad(np.asarray(picture), ((top, bottom), (left, right), (0, 0)), mode="reflect")
    softened = _softened(mirrored, _depth(mirrored.shape[:2], (left, top, right, bottom)), blur=side * 0.02)
    return Image.fromarray(softened), quad + np.array([left, top])


def _depth(shape: tuple[int, ...], margins: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """How far out in the margin a pixel lies [h, w]: 1 at the rim, 0 and less inside."""
    height, width = shape
    left, top, right, bottom = margins
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    across = 1 - np.minimum(x / left, (width - 1 - x) / right)
    down = 1 - np.minimum(y / top, (height - 1 - y) / bottom)
    depth: NDArray[np.float32] = np.maximum(across[None, :], down[:, None])
    return depth


def _softened(picture: NDArray[np.uint8], depth: NDArray[np.float32], blur: float) -> NDArray[np.uint8]:
    """Blurred from shortly inside the picture on, and faded to the median colour towards the rim."""
    image = picture.astype(np.float32)
    # PIL's Gaussian takes the same time for every radius; it rounds to whole levels, which is as fine here.
    blurred = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(blur)), dtype=np.float32)
    image += (blurred - image) * np.clip(depth * 3 + 1, 0, 1)[:, :, None]
    median = np.median(image, axis=(0, 1))
    image += (median - image) * np.clip(depth, 0, 1)[:, :, None]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)

"""FFHQ's crop: where the square lies, what is in it, and what happens at the picture's edge."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from models.projection.alignment import crop_face, ffhq_quad
from models.projection.detection import load_face_detector

FACE = np.array([[205.0, 100.0], [248.0, 103.0], [203.0, 140.0], [246.0, 142.0]])
SQUARE = np.array([[0, 0], [0, 64], [64, 64], [64, 0]], dtype=float)


def inside(points: NDArray[np.float64], quad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in the coordinates of the square: 0..1 from the left, 0..1 from the top."""
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    axes = np.stack([across, down]) / (across @ across)
    placed: NDArray[np.float64] = (points - quad[0]) @ axes.T
    return placed


def astronaut() -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = data.astronaut()
    return picture


def gradient(width: int, height: int) -> NDArray[np.uint8]:
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 / width, y * 255 / height, np.full_like(x, 60)], axis=2).astype(np.uint8)


def test_an_upright_face_gives_the_square_of_the_formula() -> None:
    """Eyes 40 apart, mouth 50 below: side 2 * max(2 * 40, 1.8 * 50), centre 5 below the eyes."""
    quad = ffhq_quad((80, 100), (120, 100), (85, 150), (115, 150))
    np.testing.assert_allclose(quad, [[10, 15], [10, 195], [190, 195], [190, 15]], atol=1e-9)


def test_wide_set_eyes_take_over_where_the_mouth_is_near() -> None:
    quad = ffhq_quad((70, 100), (130, 100), (85, 130), (115, 130))
    assert math.dist(quad[0], quad[1]) == pytest.approx(240)


@pytest.mark.parametrize("degrees", [-90, -30, 15, 60, 180])
def test_the_square_turns_with_the_face(degrees: float) -> None:
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned = ffhq_quad(*(FACE @ rotation.T * 2 + 50))
    np.testing.assert_allclose(turned, ffhq_quad(*FACE) @ rotation.T * 2 + 50, atol=1e-8)


@pytest.mark.parametrize("points", [np.zeros((4, 2)), np.full((4, 2), np.nan), np.full((4, 2), np.inf)])
def test_points_that_span_no_face_are_refused(points: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="do not span a face"), np.errstate(invalid="ignore"):
        ffhq_quad(*points)


def test_the_astronaut_lands_where_ffhq_faces_have_eyes_and_mouth(repository: Path) -> None:
    detector = load_face_detector(repository / "checkpoints" / "face-detector" / "mtcnn.safetensors")
    (face,) = detector.detect(astronaut())
    left_eye, right_eye, _, mouth_left, mouth_right = face.landmarks
    quad = ffhq_quad(left_eye, right_eye, mouth_left, mouth_right)
    placed = inside(face.landmarks.astype(np.float64), quad)[[0, 1, 3, 4]]
    expected = [[0.384, 0.474], [0.616, 0.473], [0.400, 0.737], [0.600, 0.734]]
    assert np.abs(placed - expected).max() < 0.04

    crop = crop_face(astronaut(), quad, 256)
    (again,) = detector.detect(crop)
    assert np.abs(again.landmarks[[0, 1, 3, 4]] / 256 - expected).max() < 0.05


def test_a_square_inside_the_picture_is_cut_exactly() -> None:
    picture = gradient(256, 256)
    crop = crop_face(picture, SQUARE + 96, 64)
    assert crop.dtype == np.uint8
    assert crop.shape == (64, 64, 3)
    assert np.abs(crop.astype(int) - picture[96:160, 96:160]).max() <= 1


def test_a_large_square_is_made_smaller_without_moving() -> None:
    picture = gradient(1024, 1024)
    crop = crop_face(picture, SQUARE * 8 + 256, 64)
    expected = np.array(Image.fromarray(picture[256:768, 256:768]).resize((64, 64), Image.Resampling.BOX))
    assert np.abs(crop.astype(int) - expected).max() <= 2


def test_corners_go_top_left_bottom_left_bottom_right_top_right() -> None:
    turned = np.roll(SQUARE, -1, axis=0) + 96  # the top left corner of the crop is the bottom left one
    crop = crop_face(gradient(256, 256), turned, 64).astype(int)
    assert crop[32, 0, 1] > crop[32, 63, 1] + 50  # green fell downwards, now it falls to the right
    assert crop[63, 32, 0] > crop[0, 32, 0] + 50


def test_beyond_the_edge_the_picture_is_mirrored_softened_and_fades_to_its_median() -> None:
    stripes = np.zeros((200, 200, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    crop = crop_face(stripes, SQUARE * 2 + [-50, 30], 128).astype(float)  # 50 of 128 columns lie outside
    outside, within = crop[:, :40], crop[:, 70:]
    assert outside.std() < 0.15 * within.std()
    assert abs(outside.mean() - within.mean()) < 30


def test_mirroring_continues_the_picture_at_its_edge() -> None:
    picture = gradient(200, 200)
    picture[:, :40, 2] = 250  # a blue band along the left edge
    crop = crop_face(picture, SQUARE * 2 + [-30, 30], 128)
    assert crop[64, 20, 2] > 200  # 10 pixels outside: still band
    assert crop[64, 68, 2] > 200
    assert crop[64, 71, 2] < 100


@pytest.mark.parametrize("shape", [(1, 1), (3, 300), (300, 3), (20, 20), (900, 20)])
@pytest.mark.parametrize("side", [0.2, 1.0, 4.0, 15.9])
def test_a_square_may_leave_a_picture_of_any_shape(shape: tuple[int, int], side: float) -> None:
    """Sides in short sides of the picture, about its top left corner."""
    picture = np.full((*shape, 3), 77, dtype=np.uint8)
    crop = crop_face(picture, (SQUARE / 64 - 0.5) * max(side * min(shape), 1), 32)
    assert np.abs(crop.astype(int) - 77).max() <= 1


def test_pil_pictures_with_transparency_or_in_grey_are_accepted() -> None:
    grey = Image.fromarray(gradient(256, 256)).convert("LA")
    assert crop_face(grey, SQUARE + 96, 64).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("quad", "reason"),
    [
        (SQUARE + 300, "outside the picture"),
        (SQUARE - 64, "outside the picture"),
        (SQUARE * 0.001 + 10, "smaller than a pixel"),
        (SQUARE * 1e6, "too large"),
        (SQUARE * np.nan, "finite"),
        (SQUARE[:3], "four"),
    ],
)
def test_squares_that_mean_nothing_are_refused(quad: NDArray[np.float64], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        crop_face(gradient(256, 256), quad, 64)

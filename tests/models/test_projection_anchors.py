"""Aligning by hand with three points, and putting the face back where it was cut out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from models.projection.alignment import crop_face, ffhq_quad
from models.projection.anchors import (
    Anchors,
    anchors_of_landmarks,
    anchors_of_quad,
    middle_anchors,
    quad_of_anchors,
)
from models.projection.putting_back import put_back

# Eyes, nose and mouth corners of scikit-image's astronaut, as a person would click them.
ASTRONAUT = np.array([[205.0, 112.0], [245.0, 112.0], [226.0, 135.0], [209.0, 150.0], [245.0, 150.0]])
TILTED = np.array([[80.0, 100.0], [90.0, 190.0], [180.0, 180.0], [170.0, 90.0]])
CORNERS = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])


def astronaut() -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = data.astronaut()
    return picture


def test_anchors_of_a_found_face_give_the_square_of_its_landmarks() -> None:
    left_eye, right_eye, _, mouth_left, mouth_right = ASTRONAUT
    expected = ffhq_quad(left_eye, right_eye, mouth_left, mouth_right)
    np.testing.assert_allclose(quad_of_anchors(anchors_of_landmarks(ASTRONAUT)), expected, atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 20.0, -75.0, 180.0])
def test_a_square_gives_anchors_that_give_the_square_again(angle: float) -> None:
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    quad = (CORNERS * 140.0) @ axes + [200, 120]
    np.testing.assert_allclose(quad_of_anchors(anchors_of_quad(quad)), quad, atol=1e-9)


def test_anchors_in_the_middle_span_the_largest_square() -> None:
    anchors = middle_anchors(300, 200)
    expected = [[49.5, -0.5], [49.5, 199.5], [249.5, 199.5], [249.5, -0.5]]
    np.testing.assert_allclose(quad_of_anchors(anchors), expected, atol=1e-9)
    assert anchors.left_eye[0] < anchors.mouth[0] < anchors.right_eye[0]
    crop = crop_face(np.dstack([np.tile(np.arange(300) % 256, (200, 1))] * 3).astype(np.uint8), expected, 200)
    np.testing.assert_array_equal(crop[100, 4:-4, 0], (np.arange(50, 250) % 256)[4:-4])


@pytest.mark.parametrize(
    "anchors",
    [
        Anchors((5.0, 5.0), (5.0, 5.0), (5.0, 5.0)),
        Anchors((float("nan"), 5.0), (9.0, 5.0), (7.0, 9.0)),
        Anchors((0.0, 5.0), (float("inf"), 5.0), (7.0, 9.0)),
    ],
)
def test_anchors_that_span_no_face_are_refused(anchors: Anchors) -> None:
    with pytest.raises(ValueError, match="span a face"), np.errstate(invalid="ignore"):
        quad_of_anchors(anchors)


def test_other_numbers_of_points_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[5, 2\]"):
        anchors_of_landmarks(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="four corners"):
        anchors_of_quad(np.zeros((3, 2)))


def test_a_face_put_back_unedited_changes_next_to_nothing() -> None:
    photo = astronaut()
    quad = quad_of_anchors(anchors_of_landmarks(ASTRONAUT))
    side = round(np.linalg.norm(quad[1] - quad[0]))
    result = put_back(photo, crop_face(photo, quad, side * 2), quad)
    changed = np.argwhere((result != photo).any(axis=2))[:, ::-1]
    assert len(changed) > 10_000
    # Two resamplings soften edges by a few levels; a shift by one pixel would be three times that.
    difference = np.abs(result.astype(int) - photo)[changed[:, 1], changed[:, 0]]
    assert difference.mean() < 4
    assert (changed.min(axis=0) >= quad.min(axis=0)).all()
    assert (changed.max(axis=0) <= quad.max(axis=0)).all()


def test_outside_the_square_the_photo_is_exactly_as_it_was_and_inside_it_is_the_face() -> None:
    photo = np.random.RandomState(0).randint(0, 256, (240, 220, 3)).astype(np.uint8)
    face = np.full((64, 64, 3), (10, 200, 90), dtype=np.uint8)
    result = put_back(photo, face, TILTED, feather=0.2)
    y, x = np.mgrid[0:240, 0:220]
    axes = np.stack([TILTED[3] - TILTED[0], TILTED[1] - TILTED[0]], axis=1)
    placed = (np.stack([x, y], axis=2) - TILTED[0]) @ np.linalg.inv(axes).T
    inwards = np.minimum(placed, 1 - placed).min(axis=2)
    outside, inside = inwards <= 0, inwards >= 0.2
    np.testing.assert_array_equal(result[outside], photo[outside])
    assert (result[inside] == [10, 200, 90]).all()
    between = ~outside & ~inside
    low, high = np.minimum(photo, [10, 200, 90]), np.maximum(photo, [10, 200, 90])
    assert ((result >= low) & (result <= high))[between].all()
    assert inside.sum() > 2000


def test_what_is_left_in_the_face_is_left_in_the_photo() -> None:
    """A turned square: the face's top left corner lies at the square's first corner."""
    photo = np.zeros((240, 220, 3), dtype=np.uint8)
    face = np.zeros((64, 64, 3), dtype=np.uint8)
    face[16:24, 40:48] = 255  # centre at 0.6875 from the left, 0.3125 from the top
    result = put_back(photo, face, TILTED)
    rows, columns = np.nonzero(result[:, :, 0] > 128)
    expected = TILTED[0] + 0.6875 * (TILTED[3] - TILTED[0]) + 0.3125 * (TILTED[1] - TILTED[0])
    np.testing.assert_allclose([columns.mean(), rows.mean()], expected, atol=0.5)


def test_a_square_that_leaves_the_photo_changes_only_what_is_in_it() -> None:
    photo = np.full((100, 100, 3), 40, dtype=np.uint8)
    face = np.full((32, 32, 3), 240, dtype=np.uint8)
    quad = CORNERS * 80.0 + [60, -30]
    result = put_back(photo, face, quad)
    assert (result[:, :60] == 40).all()
    assert (result[10, 90] == 240).all()


@pytest.mark.parametrize(
    ("quad", "words"),
    [
        (CORNERS * 0.0, "smaller than a pixel"),
        (CORNERS * 50.0 + 500, "outside"),
        (CORNERS * 1e6, "too large"),
        (CORNERS * [0.0, 50.0] + [20, 0], "not those of a square"),
        (CORNERS * float("nan"), "finite"),
    ],
)
def test_squares_that_are_none_are_refused(quad: NDArray[np.float64], words: str) -> None:
    photo = np.zeros((100, 100, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match=words):
        put_back(photo, photo[:32, :32], quad)


def test_pictures_of_other_shapes_are_refused() -> None:
    photo, quad = np.zeros((100, 100, 3), dtype=np.uint8), CORNERS * 50.0
    with pytest.raises(ValueError, match="the face must be square"):
        put_back(photo, photo[:32], quad)
    with pytest.raises(ValueError, match="the photo must be uint8"):
        put_back(photo.astype(float), photo[:32, :32], quad)
    with pytest.raises(ValueError, match="feather"):
        put_back(photo, photo[:32, :32], quad, feather=0.0)

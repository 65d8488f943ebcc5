"""Face detection on real photographs that come with scikit-image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from models.projection.detection import DetectorError, FaceDetector, load_face_detector

# Eyes, nose and mouth corners of data.astronaut(), read off the picture by eye.
ASTRONAUT = np.array([[205, 100], [248, 103], [225, 128], [203, 140], [246, 142]])


def resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def detector(repository: Path) -> FaceDetector:
    return load_face_detector(repository / "checkpoints" / "face-detector" / "mtcnn.safetensors")


@pytest.fixture(scope="module")
def astronaut() -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = data.astronaut()
    return picture


@pytest.mark.parametrize("side", [200, 512, 2000])
def test_the_astronaut_has_one_face_at_any_size(
    detector: FaceDetector, astronaut: NDArray[np.uint8], side: int
) -> None:
    (face,) = detector.detect(resized(astronaut, side, side))
    scale = side / 512
    x0, y0, x1, y1 = face.box
    assert np.abs(face.landmarks / scale - ASTRONAUT).max() < 5
    assert (x0 < face.landmarks[:, 0]).all() and (face.landmarks[:, 0] < x1).all()
    assert (y0 < face.landmarks[:, 1]).all() and (face.landmarks[:, 1] < y1).all()
    assert 0.99 < face.score <= 1


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket"])
def test_a_cat_a_cup_and_a_rocket_have_none(detector: FaceDetector, name: str) -> None:
    assert detector.detect(getattr(data, name)()) == []


@pytest.mark.parametrize("shape", [(1, 1), (11, 400), (12, 12), (64, 64), (30, 3000), (3000, 30)])
@pytest.mark.parametrize("filling", ["grey", "noise"])
def test_pictures_of_any_shape_without_content_have_none(
    detector: FaceDetector, shape: tuple[int, int], filling: str
) -> None:
    picture = np.full((*shape, 3), 128, dtype=np.uint8)
    if filling == "noise":
        picture = np.random.RandomState(0).randint(0, 256, picture.shape).astype(np.uint8)
    assert detector.detect(picture) == []


def test_two_faces_come_largest_first(detector: FaceDetector, astronaut: NDArray[np.uint8]) -> None:
    portrait = astronaut[0:260, 95:355]
    picture = np.full((400, 640, 3), 120, dtype=np.uint8)
    picture[100:260, 40:200] = resized(portrait, 160, 160)
    picture[60:320, 320:580] = portrait
    large, small = detector.detect(picture)
    assert large.area > small.area
    offset, scale = np.array([320 - 95, 60]), 160 / 260
    assert np.abs(large.landmarks - (ASTRONAUT + offset)).max() < 5
    assert np.abs(small.landmarks - ((ASTRONAUT - [95, 0]) * scale + [40, 100])).max() < 5


def test_a_face_cut_by_the_edge_of_the_picture_is_found(
    detector: FaceDetector, astronaut: NDArray[np.uint8]
) -> None:
    (face,) = detector.detect(np.ascontiguousarray(astronaut[75:, 185:]))
    assert np.abs(face.landmarks - (ASTRONAUT - [185, 75])).max() < 6


def test_landmarks_go_from_left_to_right_in_a_mirrored_picture_too(
    detector: FaceDetector, astronaut: NDArray[np.uint8]
) -> None:
    (face,) = detector.detect(np.ascontiguousarray(astronaut[:, ::-1]))
    left_eye, right_eye, _, mouth_left, mouth_right = face.landmarks
    assert left_eye[0] < right_eye[0]
    assert mouth_left[0] < mouth_right[0]


def test_detecting_twice_gives_the_same_numbers(detector: FaceDetector, astronaut: NDArray[np.uint8]) -> None:
    first, second = detector.detect(astronaut), detector.detect(astronaut)
    assert first[0].box == second[0].box
    np.testing.assert_array_equal(first[0].landmarks, second[0].landmarks)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64, 3), np.float32)],
)
def test_what_is_not_an_rgb_picture_is_refused(detector: FaceDetector, picture: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\]"):
        detector.detect(picture)


def test_missing_damaged_and_foreign_weights_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="missing"):
        load_face_detector(tmp_path / "nothing.safetensors")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"not weights at all")
    with pytest.raises(DetectorError, match="cannot be read"):
        load_face_detector(damaged)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(1)}, foreign)
    with pytest.raises(DetectorError, match="does not hold"):
        load_face_detector(foreign)

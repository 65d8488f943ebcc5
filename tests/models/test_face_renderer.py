"""The face renderer: a picture is a function of z, framed like FFHQ, and every attribute shows in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.faces.factors import HAIR_STYLES, Z_DIM, FaceFactors, face_factors
from models.faces.light import attribute_vectors
from models.faces.render import render_faces, render_factors, render_with_truth

SIZE = 64
FIXTURE = Path(__file__).parents[1] / "fixtures" / "faces" / "faces_64.png"

Pictures = NDArray[np.float64]


def some_z(count: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.RandomState(seed).randn(count, Z_DIM)


def neutral(count: int, **fields: object) -> FaceFactors:
    """The same symmetric face with dark short hair in plain light, count times, with some fields changed."""
    factors = face_factors(np.repeat(some_z(1, seed=22), count, axis=0))
    still = dict.fromkeys(
        ("yaw", "pitch", "roll", "brow", "smile", "jaw_open", "beard", "baldness", "grey"), 0.0
    )
    values: dict[str, object] = {name: np.full(count, value) for name, value in still.items()}
    light = np.tile([1.0, 0.3, 0.3, 0, 0, 0, 0, 0, 0], (count, 1))
    values |= {
        "age": np.full(count, 30.0),
        "gender": np.full(count, 0.1),
        "melanin": np.full(count, 0.2),
        "gaze": np.zeros((count, 2)),
        "glasses": np.zeros(count, bool),
        "hair_style": np.full(count, HAIR_STYLES.index("short")),
        "hair_colour": np.full((count, 3), 0.01),
        "strand": np.full((count, 10), 0.3),
        "ambient": light,
        "key_direction": np.tile([0.0, 0.5, np.sqrt(0.75)], (count, 1)),
        "background": np.full((count, 3), 0.4),
        "background_shape": np.zeros((count, 6)),
    }
    return replace(factors, **(values | fields))  # type: ignore[arg-type]


def drawn(factors: FaceFactors) -> Pictures:
    return render_factors(factors, SIZE).pictures.astype(np.float64)


def region(pictures: Pictures, rows: tuple[float, float], columns: tuple[float, float]) -> Pictures:
    """A rectangle of the pictures, in shares of the side."""
    (top, bottom), (left, right) = ((round(SIZE * v) for v in side) for side in (rows, columns))
    return pictures[:, top:bottom, left:right]


def brightness(pictures: Pictures, rows: tuple[float, float], columns: tuple[float, float]) -> Pictures:
    mean: Pictures = region(pictures, rows, columns).mean(axis=(1, 2, 3))
    return mean


def test_the_same_z_gives_the_same_picture_whatever_it_is_rendered_with() -> None:
    z = some_z(3)
    together = render_faces(z, SIZE)
    assert together.dtype == np.uint8 and together.shape == (3, SIZE, SIZE, 3)
    np.testing.assert_array_equal(together[1:2], render_faces(z[1:2], SIZE))


def test_z_and_its_double_are_the_same_picture() -> None:
    z = some_z(2, seed=1)
    np.testing.assert_array_equal(render_faces(z, SIZE), render_faces(2 * z, SIZE))


def test_the_pictures_are_those_that_the_demo_model_learned_from() -> None:
    with Image.open(FIXTURE) as image:
        expected = np.asarray(image.convert("RGB"), np.float64)
    pictures = render_faces(some_z(8, seed=2024), SIZE).astype(np.float64)
    difference = np.abs(np.concatenate(pictures, axis=1) - expected)
    # Other processors round differently, which moves single strands of hair by a pixel.
    assert difference.mean() < 0.5, "the look changed: count RENDERER_VERSION up and make the fixture again"


def test_no_faces_are_no_pictures() -> None:
    assert render_faces(np.empty((0, Z_DIM)), SIZE).shape == (0, SIZE, SIZE, 3)


@pytest.mark.parametrize("size", [0, 63, 513])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"outside 64\.\.512"):
        render_faces(some_z(1), size)


def test_z_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[N, 512\]"):
        render_faces(np.zeros((1, 100)), SIZE)


def test_eyes_and_mouth_lie_where_ffhq_has_them() -> None:
    rendered = render_with_truth(some_z(40, seed=3), SIZE)
    mean, spread = rendered.landmarks.mean(axis=0), rendered.landmarks.std(axis=0)
    np.testing.assert_allclose(mean[:2], [[0.384, 0.474], [0.616, 0.474]], atol=0.005)
    np.testing.assert_allclose(mean[2:], [[0.40, 0.737], [0.60, 0.735]], atol=0.01)
    assert spread[:2].max() < 0.015 and spread[2:].max() < 0.025


def test_the_ground_truth_is_that_of_the_factors() -> None:
    z = some_z(3, seed=4)
    expected = attribute_vectors(face_factors(z))
    np.testing.assert_allclose(render_with_truth(z, SIZE).attributes, expected, rtol=1e-5, atol=1e-6)


def test_opposite_yaws_of_a_symmetric_face_are_mirror_images() -> None:
    left, right = drawn(neutral(2, yaw=np.array([-25.0, 25.0])))
    mirrored = np.abs(left[:, ::-1] - right).mean()
    assert mirrored < 0.35 * np.abs(left - right).mean()


def test_positive_yaw_turns_towards_image_right() -> None:
    # The crop holds the eyes, so the dark back of the head comes out on the other side.
    pictures = drawn(neutral(2, yaw=np.array([30.0, -30.0]), background=np.full((2, 3), 0.9)))
    left, right = (brightness(pictures, (0.2, 0.4), columns) for columns in ((0.0, 0.2), (0.8, 1.0)))
    assert left[0] < right[0] - 40 and right[1] < left[1] - 40


def test_a_head_that_looks_down_shows_more_hair() -> None:
    pictures = drawn(neutral(3, pitch=np.array([-15.0, 0.0, 15.0])))
    hair = (region(pictures, (0.0, 0.40), (0.35, 0.65)).mean(axis=3) < 60).mean(axis=(1, 2))
    assert hair[0] > hair[1] > hair[2]


def test_a_smile_widens_the_mouth() -> None:
    mouth = render_factors(neutral(4, smile=np.linspace(0, 1, 4)), SIZE).landmarks[:, 2:]
    width = np.linalg.norm(mouth[:, 1] - mouth[:, 0], axis=1)
    assert (np.diff(width) > 0.005).all()


def test_an_open_jaw_darkens_the_mouth() -> None:
    mouth = brightness(drawn(neutral(2, jaw_open=np.array([0.0, 0.5]))), (0.70, 0.80), (0.45, 0.55))
    assert mouth[1] < mouth[0] - 8


def test_more_beard_darkens_the_chin() -> None:
    chin = brightness(drawn(neutral(5, beard=np.linspace(0, 1, 5))), (0.80, 0.92), (0.40, 0.60))
    assert (np.diff(chin) < 0).all()


@pytest.mark.parametrize("gender", [0.05, 0.95], ids=["man", "woman"])
def test_more_baldness_uncovers_the_scalp(gender: float) -> None:
    faces = neutral(5, gender=np.full(5, gender), baldness=np.linspace(0, 1, 5))
    scalp = brightness(drawn(faces), (0.12, 0.30), (0.40, 0.60))
    assert (np.diff(scalp) > -1).all() and scalp[-1] > scalp[0] + 60


def test_glasses_change_the_eye_region_and_nothing_below_the_nose() -> None:
    without, with_glasses = drawn(neutral(2, glasses=np.array([False, True])))
    change = np.abs(with_glasses - without).mean(axis=(1, 2))
    assert change[round(0.40 * SIZE) : round(0.55 * SIZE)].mean() > 3
    assert change[round(0.70 * SIZE) :].max() < 1


def test_sunglasses_hide_the_eyes() -> None:
    faces = neutral(2, glasses=np.array([True, True]), glasses_style=np.array([0, 3]))
    clear, dark = brightness(drawn(faces), (0.44, 0.50), (0.34, 0.42))
    assert dark < clear - 40


def test_age_wrinkles_the_forehead() -> None:
    pictures = drawn(
        neutral(2, age=np.array([25.0, 80.0]), hair_style=np.full(2, HAIR_STYLES.index("shaved")))
    )
    forehead = region(pictures, (0.26, 0.38), (0.42, 0.58)).mean(axis=3)
    roughness = np.abs(np.diff(forehead, axis=1)).mean(axis=(1, 2))
    assert roughness[1] > 1.5 * roughness[0]


def test_youth_changes_the_face_step_by_step_between_14_and_38() -> None:
    pictures = drawn(neutral(5, age=np.array([14.0, 20.0, 26.0, 32.0, 38.0])))
    steps = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))
    assert steps.min() > 0.5


def test_men_have_thicker_brows_than_women() -> None:
    # The brows lie at 0.40 of the height, above eyes at 0.47.
    pictures = drawn(neutral(2, gender=np.array([0.02, 0.98]), makeup=np.zeros(2)))
    darkest = region(pictures, (0.34, 0.44), (0.33, 0.44)).mean(axis=3).min(axis=1).mean(axis=1)
    assert darkest[0] < darkest[1]


def test_melanin_darkens_the_skin() -> None:
    cheek = brightness(drawn(neutral(4, melanin=np.linspace(0.05, 0.95, 4))), (0.55, 0.62), (0.36, 0.64))
    assert (np.diff(cheek) < -15).all()


def test_light_from_image_right_brightens_that_side() -> None:
    direction = np.array([[0.8, 0.3, 0.52], [-0.8, 0.3, 0.52]])
    pictures = drawn(neutral(2, key_direction=direction))
    cheeks = [brightness(pictures, (0.52, 0.62), columns) for columns in ((0.30, 0.40), (0.60, 0.70))]
    assert cheeks[1][0] > cheeks[0][0] + 10 and cheeks[0][1] > cheeks[1][1] + 10


def test_an_attribute_changes_only_what_it_is_about() -> None:
    """What z does not decide, such as the jitter of strands, is fixed."""
    ahead, aside = drawn(neutral(2, gaze=np.array([[0.0, 0.0], [12.0, 0.0]])))
    changed = np.abs(ahead - aside).max(axis=(1, 2)) > 0
    assert changed[round(0.45 * SIZE) : round(0.50 * SIZE)].all() and not changed[: round(0.40 * SIZE)].any()


@pytest.mark.parametrize("style", range(len(HAIR_STYLES)), ids=HAIR_STYLES)
def test_every_hair_style_can_be_worn_by_a_child_and_leaves_the_face_free(style: int) -> None:
    faces = neutral(2, hair_style=np.full(2, style), age=np.array([6.0, 30.0]))
    nose_and_mouth = brightness(drawn(faces), (0.55, 0.75), (0.42, 0.58))
    assert nose_and_mouth.min() > 100


def test_beards_and_baldness_of_women_exist() -> None:
    """Without them a generator could not tell beard and baldness from gender."""
    f = face_factors(some_z(20_000))
    women = (f.gender > 0.8) & (f.age > 25)
    for rare in (f.beard[women] > 0.3, f.baldness[women] > 0.3):
        assert 0.001 < rare.mean() < 0.2


def test_every_hair_style_is_worn_by_some_men_and_some_women() -> None:
    f = face_factors(some_z(20_000))
    for people in (f.gender < 0.2, f.gender > 0.8):
        assert np.bincount(f.hair_style[people], minlength=len(HAIR_STYLES)).min() > 0

"""A face is a function of z: factors, light and the features taught to w."""

from __future__ import annotations

import numpy as np
import pytest

from models.faces.factors import HAIR_STYLES, USED_COORDINATES, Z_DIM, face_factors
from models.faces.features import LatentTarget
from models.faces.light import attribute_vectors, harmonics


def some_z(count: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randn(count, Z_DIM)


def test_z_and_any_positive_multiple_of_it_are_the_same_face() -> None:
    z = some_z(4)
    np.testing.assert_allclose(
        attribute_vectors(face_factors(z)), attribute_vectors(face_factors(3.7 * z)), atol=1e-6
    )


def test_z_of_the_wrong_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[N, 512\]"):
        face_factors(np.zeros((2, 100)))


def test_coordinates_beyond_the_used_ones_change_nothing_but_the_length_of_z() -> None:
    z = some_z(3)
    other = z.copy()
    other[:, USED_COORDINATES:] *= -1  # same length, so the same normalised z
    np.testing.assert_array_equal(attribute_vectors(face_factors(z)), attribute_vectors(face_factors(other)))


def test_attributes_stay_in_their_documented_ranges() -> None:
    f = face_factors(some_z(5000))
    assert 4 <= f.age.min() and f.age.max() <= 85
    assert np.abs(f.yaw).max() <= 38 and np.abs(f.pitch).max() <= 17
    for values in (f.gender, f.beard, f.baldness, f.smile, f.grey, f.makeup, f.freckles):
        assert values.min() >= 0 and values.max() <= 1
    assert np.isfinite(attribute_vectors(f)).all()


def test_independent_attributes_are_uncorrelated() -> None:
    vector = attribute_vectors(face_factors(some_z(20000)))
    names = {"gender": 9, "glasses": 10, "yaw": 11, "pitch": 12, "age": 15, "expression": 16}
    r = np.corrcoef(vector[:, list(names.values())].T)
    assert np.abs(r - np.eye(len(names))).max() < 0.04


def test_beards_are_common_on_men_and_rare_but_present_on_women() -> None:
    f = face_factors(some_z(20000))
    men, women = f.beard[(f.gender < 0.2) & (f.age > 25)], f.beard[(f.gender > 0.8) & (f.age > 25)]
    assert 0.4 < (men > 0.15).mean() < 0.75
    assert 0.005 < (women > 0.15).mean() < 0.15


def test_every_hair_style_occurs() -> None:
    styles = face_factors(some_z(20000)).hair_style
    assert set(np.unique(styles)) == set(range(len(HAIR_STYLES)))


def test_harmonics_are_orthonormal_over_the_sphere() -> None:
    direction = np.random.RandomState(0).randn(200_000, 3)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    y = harmonics(direction)
    np.testing.assert_allclose(4 * np.pi * y.T @ y / len(y), np.eye(9), atol=0.03)


def test_light_from_image_right_raises_the_x_coefficient() -> None:
    f = face_factors(some_z(5000))
    assert np.corrcoef(f.key_direction[:, 0], attribute_vectors(f)[:, 3])[0, 1] > 0.8


def test_the_taught_w_uses_nearly_all_directions_and_is_the_same_each_time() -> None:
    z = some_z(2000, seed=5)
    w = LatentTarget()(z)
    # Shares that sum to one (ancestry, hair styles, eye colours, glasses) cost a direction each.
    assert np.linalg.matrix_rank(w - w.mean(axis=0)) == 508
    np.testing.assert_array_equal(w[:50], LatentTarget()(z[:50]))

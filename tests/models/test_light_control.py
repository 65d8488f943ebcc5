"""A light as direction, strength and brightness, to and from nine coefficients."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.editing.errors import ValueOutOfRange
from models.editing.light import (
    PRESETS,
    Light,
    angles_of,
    direction_at,
    direction_of,
    light_coefficients,
    move_light,
    preset_light,
    split_light,
)
from models.faces.factors import face_factors
from models.faces.light import exposure_gain
from models.faces.light import light_coefficients as rendered_light

FACTORS = face_factors(np.random.RandomState(3).randn(60, 512))
LIGHTS = rendered_light(FACTORS)


def test_a_split_light_gives_its_coefficients_back() -> None:
    for light in LIGHTS:
        np.testing.assert_allclose(light_coefficients(split_light(light)), light, rtol=0, atol=1e-12)


def test_the_lamp_of_a_rendered_face_is_found() -> None:
    found = np.array([split_light(light).direction for light in LIGHTS])
    cosine = np.clip((found * FACTORS.key_direction).sum(axis=1), -1, 1)
    angles = np.degrees(np.arccos(cosine))
    assert np.median(angles) < 3
    assert angles.max() < 12


def test_the_strength_found_is_that_of_the_lamp() -> None:
    lamps = np.array([2 * s.strength * s.brightness for s in map(split_light, LIGHTS)])
    truth = FACTORS.key_strength * exposure_gain(FACTORS)
    assert np.median(np.abs(lamps / truth - 1)) < 0.06


def test_moving_the_lamp_moves_all_coefficients_as_a_real_lamp_does() -> None:
    moved = move_light(LIGHTS[0], direction=direction_of(60, 30))
    before = split_light(LIGHTS[0])
    lamp = 2 * math.pi * before.strength * before.brightness
    # The harmonics of a direction have the length sqrt(9 / 4 pi), so both lamps do; what stays is the rest.
    assert np.linalg.norm(moved - np.array(before.ambient)) == pytest.approx(
        lamp * math.sqrt(9 / (4 * math.pi)), rel=1e-4
    )
    np.testing.assert_allclose(split_light(moved).direction, direction_of(60, 30), atol=0.12)
    assert moved[0] == pytest.approx(LIGHTS[0][0])
    assert (np.abs(moved - LIGHTS[0])[1:] > 1e-3).all()


def test_moving_nothing_changes_nothing() -> None:
    np.testing.assert_allclose(move_light(LIGHTS[4]), LIGHTS[4], atol=1e-12)


def test_a_stronger_lamp_takes_light_from_everywhere_else() -> None:
    light = split_light(LIGHTS[0])
    hard = split_light(move_light(LIGHTS[0], strength=0.9))
    assert hard.ambient[0] < light.ambient[0]
    assert hard.brightness == pytest.approx(light.brightness, rel=0.15)
    flat = move_light(LIGHTS[0], strength=0.0)
    np.testing.assert_allclose(flat / flat[0], np.array(light.ambient) / light.ambient[0], atol=1e-12)


def test_brightness_scales_all_of_it() -> None:
    light = split_light(LIGHTS[2])
    np.testing.assert_allclose(move_light(LIGHTS[2], brightness=2 * light.brightness), 2 * LIGHTS[2])


def test_angles_and_directions_are_inverse() -> None:
    for azimuth, elevation in ((0, 0), (-70, 20), (35, 60), (170, -30)):
        assert angles_of(direction_of(azimuth, elevation)) == pytest.approx((azimuth, elevation))
    assert direction_of(90, 0)[0] == pytest.approx(1)  # image right
    assert direction_of(0, 90)[1] == pytest.approx(1)  # up


def test_a_point_on_the_drawn_sphere_is_a_direction_to_the_viewer_or_on_the_rim() -> None:
    assert direction_at(0, 0) == (0, 0, 1)
    assert math.dist(direction_at(0.6, 0.5), (0, 0, 0)) == pytest.approx(1)
    assert direction_at(3, 4) == pytest.approx((0.6, 0.8, 0))


def test_every_preset_lies_where_its_name_says() -> None:
    for name in PRESETS:
        azimuth, _ = angles_of(split_light(preset_light(LIGHTS[1], name)).direction)
        if "left" in name:
            assert azimuth < -20
        if "right" in name:
            assert azimuth > 20
    with pytest.raises(ValueOutOfRange, match=r"no light 'disco'.*front"):
        preset_light(LIGHTS[0], "disco")


@pytest.mark.parametrize(
    "coefficients",
    [np.full(9, np.nan), np.zeros(9), np.ones(8), -np.ones(9), np.array([1.0, np.inf, *[0] * 7])],
)
def test_what_is_no_light_is_refused(coefficients: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    with pytest.raises(ValueOutOfRange, match="nine finite coefficients"):
        split_light(coefficients)


def test_a_light_out_of_range_is_refused() -> None:
    good = split_light(LIGHTS[0])
    for bad in (
        Light(good.direction, 1.5, good.brightness, good.ambient),
        Light(good.direction, math.nan, good.brightness, good.ambient),
        Light(good.direction, 0.5, 0.0, good.ambient),
        Light(good.direction, 0.5, math.inf, good.ambient),
        Light((0, 0, 0), 0.5, 1.0, good.ambient),
        Light((math.nan, 0, 1), 0.5, 1.0, good.ambient),
        Light(good.direction, 0.5, 1.0, (0.0,) * 9),
    ):
        with pytest.raises(ValueOutOfRange):
            light_coefficients(bad)

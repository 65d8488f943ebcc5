"""Which layers say which factor: every factor has its place; mixed faces agree with z where they should."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from models.faces.factors import FaceFactors, face_factors
from models.faces.features import LatentTarget
from models.faces.mixing_groups import (
    COARSE,
    FINE,
    GROUPS,
    MIDDLE,
    attribute_layers,
    feature_groups,
    group_of,
    layer_groups,
    mixed_factors,
    mixed_latents,
)


@pytest.fixture(scope="module")
def target() -> LatentTarget:
    return LatentTarget()


def test_every_factor_of_a_face_belongs_to_exactly_one_group() -> None:
    names = {field.name for field in fields(FaceFactors)}
    assert COARSE | MIDDLE | FINE == names | {"light"}
    assert sum(map(len, GROUPS)) == len(names) + 1
    assert (group_of("yaw"), group_of("age"), group_of("hair_colour")) == (0, 1, 2)
    with pytest.raises(ValueError, match="tattoo belongs to no group"):
        group_of("tattoo")


def test_coarse_layers_end_within_16_and_middle_ones_with_32() -> None:
    assert layer_groups(12).tolist() == [0] * 4 + [1] * 3 + [2] * 5
    assert layer_groups(8).tolist() == [0] * 4 + [1] * 3 + [2]


def test_each_attribute_is_said_by_the_layers_of_its_factors() -> None:
    layers = attribute_layers(12)
    assert len(layers) == 17
    assert layers["yaw"] == layers["glasses"] == layers["baldness"] == [0, 1, 2, 3]
    assert layers["expression"] == layers["beard"] == [4, 5, 6]
    assert layers["age"] == [4, 5, 6, 7, 8, 9, 10, 11]  # hair greys
    assert layers["gender"] == [0, 1, 2, 3, 4, 5, 6]
    assert layers["light_0"] == layers["light_8"] == [7, 8, 9, 10, 11]
    assert attribute_layers(6)["light_0"] == [5]  # a generator of 16x16 has no fine row


def test_a_mixed_face_agrees_with_z_in_each_groups_own_features_and_is_another_elsewhere(
    target: LatentTarget,
) -> None:
    z = np.random.RandomState(5).randn(40, 512)
    ws = mixed_latents(target, z, 12, 1.0, np.random.RandomState(6))
    own = target.directions(z)
    groups = feature_groups()
    for row, group in enumerate(layer_groups(12)):
        said = ws[:, row] @ target.rotation.T  # back to the features that this layer is told
        theirs = groups == group
        np.testing.assert_allclose(
            said[:, : len(groups)][:, theirs], own[:, : len(groups)][:, theirs], atol=1e-4
        )
        others = np.abs(said[:, : len(groups)][:, ~theirs] - own[:, : len(groups)][:, ~theirs])
        assert others.mean() > 0.5


def test_faces_that_are_not_mixed_say_the_same_in_every_layer(target: LatentTarget) -> None:
    z = np.random.RandomState(5).randn(200, 512)
    ws = mixed_latents(target, z, 12, 0.7, np.random.RandomState(6))
    whole = (ws == ws[:, :1]).all(axis=(1, 2))
    assert 0.2 < whole.mean() < 0.4
    np.testing.assert_array_equal(ws[whole, 0], target(z)[whole])


def test_a_crossover_means_the_face_with_the_factors_of_its_three_sources() -> None:
    a, b, c = np.random.RandomState(7).randn(3, 20, 512)
    mixed, parts = mixed_factors(a, b, c), [face_factors(z) for z in (a, b, c)]
    np.testing.assert_array_equal(mixed.hair_style, parts[0].hair_style)
    np.testing.assert_array_equal(mixed.shape, parts[0].shape)
    np.testing.assert_array_equal(mixed.age, parts[1].age)
    np.testing.assert_array_equal(mixed.hair_colour, parts[2].hair_colour)


def test_the_gaze_of_a_crossover_is_relative_to_the_head_that_turns() -> None:
    """B looks into the camera as far as its own head allows; on A's head it does so as far as A's does."""
    a, b = np.random.RandomState(7).randn(2, 50, 512)
    mixed, own = mixed_factors(a, b, b), face_factors(b)
    turned = face_factors(a).yaw - own.yaw
    free = (np.abs(own.gaze[:, 0]) < 15) & (np.abs(mixed.gaze[:, 0]) < 15)  # away from where gaze ends
    assert free.sum() > 20
    slope = np.polyfit(turned[free], (mixed.gaze - own.gaze)[free, 0], 1)[0]
    assert slope < -0.1
    np.testing.assert_allclose(mixed.gaze[:, 1], own.gaze[:, 1], atol=1e-9)


def test_a_face_crossed_with_itself_is_itself() -> None:
    z = np.random.RandomState(8).randn(5, 512)
    mixed, own = mixed_factors(z, z, z), face_factors(z)
    for field in fields(FaceFactors):
        np.testing.assert_allclose(getattr(mixed, field.name), getattr(own, field.name), atol=1e-9)

"""Edits and crossovers measured against renders: the changed z, and how near the demo model comes to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.bundle import load_bundle
from models.editing.layer_rules import layer_rules
from models.faces.edited import EDITED_COORDINATES, edited_z, with_coordinate
from models.faces.factors import COORDINATES, USED_COORDINATES, face_factors, normalize
from models.faces.light import attribute_vectors
from models.metrics.edit_truth import FlowEdits, edit_truth
from models.metrics.mixing_truth import crossover, mixing_truth
from models.projection.perceptual import load_perceptual
from models.styleflow.attributes import ATTRIBUTE_INDEX


def some_z(count: int) -> np.ndarray:
    return np.random.RandomState(0).randn(count, 512)


def test_setting_one_coordinate_leaves_all_other_factors_alone() -> None:
    z = some_z(30)
    moved = with_coordinate(z, "yaw", np.full(30, 1.2))
    used = slice(0, USED_COORDINATES)
    expected = normalize(z)[:, used]
    expected[:, COORDINATES["yaw"]] = 1.2
    np.testing.assert_allclose(normalize(moved)[:, used], expected, atol=1e-6)
    np.testing.assert_allclose(face_factors(moved).yaw, 18.0, atol=1e-4)
    np.testing.assert_allclose(face_factors(moved).age, face_factors(z).age, atol=1e-4)


@pytest.mark.parametrize("attribute", EDITED_COORDINATES)
def test_an_edited_z_differs_in_its_attribute_for_many_faces(attribute: str) -> None:
    z = some_z(200)
    before, after = (attribute_vectors(face_factors(x)) for x in (z, edited_z(z, attribute)))
    column = ATTRIBUTE_INDEX[attribute]
    changed = np.abs(after - before)[:, column] > 0.5 * before[:, column].std()
    assert changed.mean() > 0.25
    if attribute == "yaw":
        assert np.abs(after - before)[:, ATTRIBUTE_INDEX["age"]].max() < 1e-4


def test_a_crossover_takes_each_layer_from_its_source() -> None:
    ws = torch.arange(3.0)[:, None, None, None].expand(3, 2, 12, 4)
    assert crossover(ws)[:, :, 0].tolist() == [[0.0] * 4 + [1.0] * 3 + [2.0] * 5] * 2


def test_edits_of_the_demo_model_go_towards_the_truth(demo_bundle: Path) -> None:
    bundle, seen = load_bundle(demo_bundle), []
    assert bundle.flow is not None
    distance = load_perceptual("efficientnet-lite0").between
    edits = FlowEdits(bundle.flow, layer_rules(bundle.generator.num_ws, bundle.manifest.layers))
    truths = edit_truth(bundle.generator, edits, distance, 3, report=lambda *done: seen.append(done))
    by_name = {truth.attribute: truth for truth in truths}
    assert list(by_name) == list(EDITED_COORDINATES) and seen[-1] == (10, 10)
    for truth in truths:
        assert 1 <= truth.faces <= 3
        expected = (truth.unedited - truth.edited) / (truth.unedited - truth.own)
        assert truth.share == pytest.approx(expected)
    # A head that turns and light that comes from the other side are seen by any distance.
    assert by_name["yaw"].edited < by_name["yaw"].unedited
    assert by_name["light_3"].edited < by_name["light_3"].unedited


def test_a_crossover_of_the_demo_model_has_a_distance_to_the_face_that_it_means(demo_bundle: Path) -> None:
    generator = load_bundle(demo_bundle).generator
    distance = load_perceptual("efficientnet-lite0").between
    truth = mixing_truth(generator, distance, 4, batch=3)
    assert truth.faces == 4 and 0 < truth.own < truth.unmixed
    again = mixing_truth(generator, distance, 4, batch=3)
    assert (again.mixed, again.share) == (truth.mixed, truth.share)

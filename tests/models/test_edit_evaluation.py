"""The measurement of edits: agreement, methods brought to the same change, and the whole of it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import Tensor

from models.attributes.estimator import AttributeEstimator, EstimatorConfig
from models.editing.attribute_edit import start_edit
from models.editing.directions import Direction
from models.editing.layer_rules import all_layers, styleflow_rules
from models.editing.locks import PictureReader
from models.editing.population import draw_w
from models.metrics.edit_agreement import agreement, share_switched
from models.metrics.edit_evaluation import evaluate_edits
from models.metrics.edit_methods import flow_edit, linear_edit, match_change, styleflow_edit
from models.metrics.edits import EditPlan
from models.metrics.face_likeness import FaceLikeness, face_region
from models.metrics.strangeness import measure_strangeness
from models.projection.perceptual import PerceptualDistance
from models.styleflow.attributes import ATTRIBUTE_INDEX
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig

YAW, LIGHT = ATTRIBUTE_INDEX["yaw"], ATTRIBUTE_INDEX["light_3"]
PIXELS = PerceptualDistance(
    "pixels", False, "Plain pixels.", lambda img: img.flatten(1) / img[0].numel() ** 0.5
)


class Setting:
    """A tiny model whose readings are those of an untrained network."""

    def __init__(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(6)
            config = GeneratorConfig(z_dim=16, w_dim=16, img_resolution=16, channel_base=128, channel_max=8)
            generator = Generator(config).eval().requires_grad_(False)
            scale = ((1.0,) * 17, (1.0,) * 17, (-50.0,) * 17, (90.0,) * 17)
            estimator = AttributeEstimator(EstimatorConfig(16, (4, 8), *scale)).eval().requires_grad_(False)
            self.flow = ConditionalFlow(FlowConfig(16, (24,))).eval().requires_grad_(False)
        self.reader = PictureReader(generator, estimator)
        self.ws = draw_w(generator, 6)[:, None].repeat(1, generator.num_ws, 1)


@pytest.fixture(scope="module")
def setting() -> Setting:
    return Setting()


def test_agreement_is_regression_and_correlation() -> None:
    asked = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
    reached = torch.tensor([0.5, 1.0, 1.0, 2.5, 2.5])
    found = agreement(asked, reached)
    assert found.slope == pytest.approx(np.polyfit(asked, reached, 1)[0])
    assert found.r == pytest.approx(np.corrcoef(asked, reached)[0, 1])
    assert found.error == pytest.approx(0.7)
    assert found.right_side == pytest.approx(1.0)
    assert agreement(asked, reached, middle=0.75).right_side == pytest.approx(1.0)
    assert agreement(asked, -reached).right_side < 0.7


def test_what_crosses_the_middle_has_switched() -> None:
    before, after = torch.tensor([0.1, 0.2, 0.9, 0.8]), torch.tensor([0.9, 0.4, 0.1, 0.3])
    assert share_switched(before, after, 0.5) == 0.75


def test_what_never_changes_has_no_correlation() -> None:
    found = agreement(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 3.0]))
    assert found.slope == 0
    assert math.isnan(found.r)


def test_a_method_is_brought_to_the_wanted_change_face_by_face(setting: Setting) -> None:
    before = setting.reader(setting.ws)
    vector = torch.zeros(16)
    vector[3] = 1
    direction = Direction("a", vector, tuple(range(6)), "test")

    def edit(amount: Tensor) -> Tensor:
        return linear_edit(setting.ws, direction, amount)

    amounts = torch.tensor([0.3, -0.2, 0.1, 0.25, -0.3, 0.2])
    wanted = (setting.reader(edit(amounts)) - before)[:, YAW]
    deviation = float(wanted.std())
    found = match_change(edit, setting.reader, YAW, amounts * 0.5, before, wanted, deviation)
    change = (found.reading - before)[:, YAW]
    assert found.matched.float().mean() > 0.6
    assert ((change - wanted).abs()[found.matched] <= 0.2 * deviation + 1e-6).all()
    torch.testing.assert_close(setting.reader(found.ws), found.reading, rtol=1e-4, atol=1e-4)


def test_a_change_that_cannot_be_had_is_not_called_matched(setting: Setting) -> None:
    before = setting.reader(setting.ws)
    found = match_change(lambda _: setting.ws, setting.reader, YAW, torch.ones(6), before, torch.ones(6), 0.1)
    assert not found.matched.any()
    assert torch.equal(found.ws, setting.ws)


def test_styleflows_way_of_one_slider_ends_at_its_gain_times_the_change(setting: Setting) -> None:
    """Encoding again at what was just decoded loses nothing where all layers are edited."""
    base = setting.reader(setting.ws)
    start = start_edit(setting.flow, setting.ws, base)
    glasses = ATTRIBUTE_INDEX["glasses"]
    values = base[:, glasses] + 0.4
    target = base.clone()
    target[:, glasses] = base[:, glasses] + 2.5 * 0.4
    ours = flow_edit(setting.flow, start, glasses, target[:, glasses], all_layers(6))
    theirs = styleflow_edit(setting.flow, start, glasses, values, all_layers(6))
    torch.testing.assert_close(theirs, ours, rtol=0, atol=2e-3)
    kept = styleflow_edit(setting.flow, start, glasses, values, styleflow_rules(6))
    assert torch.equal(kept[:, [0, 1, 4, 5]], setting.ws[:, [0, 1, 4, 5]])


def test_the_face_region_is_what_the_face_fills_and_never_too_small() -> None:
    img = torch.arange(100.0).expand(1, 3, 100, 100)
    part = face_region(img)
    assert part.shape == (1, 3, 70, 60)
    assert float(part[0, 0, 0, 0]) == 20
    assert min(face_region(torch.zeros(1, 3, 16, 16)).shape[2:]) >= 32


def test_everything_is_measured_and_can_be_written_as_json(setting: Setting) -> None:
    told: dict[str, tuple[int, int]] = {}
    plan = EditPlan(samples=6, population=60, columns=(LIGHT, YAW), batch=4)
    result, sheets = evaluate_edits(
        setting.reader,
        setting.flow,
        all_layers(6),
        PIXELS,
        plan,
        lambda label, done, of: told.update({label: (done, of)}),
    )
    assert [a.attribute for a in result.attributes] == ["light_3", "yaw"]
    light, yaw = result.attributes
    linear = ["flow", "regression normal", "joint regression"]
    assert [s.method for s in light.same_change] == [*linear, "flow, others locked"]
    assert [s.method for s in yaw.same_change] == [*linear, "StyleFlow's re-encoding", "flow, others locked"]
    assert yaw.calibrated_effects.method == "calibrated"
    assert yaw.calibrated_effects.worst != "yaw"
    assert 0 <= yaw.switched <= 1
    assert "pixels" in result.likeness and "not an identity network" in result.likeness
    assert result.layers["yaw"] == [0, 1, 2, 3, 4, 5]
    assert all(done == of for done, of in told.values())
    assert {"editing", "moving the light", "faces on request"} <= set(told)
    assert json.loads(json.dumps(asdict(result)))["steps"] == result.steps
    assert [s.attribute for s in result.sampling] == ["gender", "age", "glasses", "expression", "yaw"]
    assert sheets[1].picture.shape == (2 * 16, (len(sheets[1].columns)) * 16, 3)
    assert len(sheets[1].columns) == 7


def test_the_faces_and_what_is_asked_depend_on_the_seed_alone(setting: Setting) -> None:
    def measure() -> float:
        plan = EditPlan(samples=5, population=40, columns=(YAW,), batch=3)
        result, _ = evaluate_edits(setting.reader, setting.flow, all_layers(6), PIXELS, plan, lambda *_: None)
        return result.attributes[0].plain.error

    assert measure() == measure()


def test_likeness_is_zero_for_the_same_picture(setting: Setting) -> None:
    likeness = FaceLikeness(PIXELS)
    features = likeness.features(setting.reader.generator, setting.ws)
    assert float(likeness.between(features, features).sum()) == 0
    assert float(likeness.between(features, features.roll(1, 0)).min()) > 0


def test_a_drawn_latent_is_not_strange_and_one_off_the_population_is(setting: Setting) -> None:
    generator = setting.reader.generator
    strangeness = measure_strangeness(generator)
    w = draw_w(generator, 500, seed=5)
    assert float(strangeness(w[:, None]).mean()) == pytest.approx(1, abs=0.2)
    mean = w.mean(dim=0)
    halved = strangeness((mean + 0.5 * (w - mean))[:, None]).mean() / strangeness(w[:, None]).mean()
    assert float(halved) == pytest.approx(0.25, abs=0.03)
    narrow = torch.linalg.eigh(torch.cov(w.T))[1][:, 0]
    assert float(strangeness((w + 0.5 * w.std() * narrow)[:, None]).mean()) > 1.2

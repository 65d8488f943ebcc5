"""Corrected edits of the demo model: asked values are reached, locked attributes stay."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.bundle import Bundle, load_bundle
from models.editing.attribute_edit import EditStart, apply_edit, start_edit
from models.editing.layer_rules import LayerRules, layer_rules
from models.editing.locks import (
    PictureReader,
    Response,
    edit_with_locks,
    joined_responses,
    measure_response,
)
from models.editing.population import draw_w
from models.editing.targets import target_attributes
from models.styleflow.attributes import ATTRIBUTE_INDEX
from models.styleflow.flow import ConditionalFlow

DEMO = Path(__file__).parents[2] / "checkpoints" / "demo"
AGE, YAW, GENDER = (ATTRIBUTE_INDEX[name] for name in ("age", "yaw", "gender"))
COLUMNS = (GENDER, YAW, AGE)


class Setting:
    """Two faces of the demo model, ready to edit."""

    def __init__(self, bundle: Bundle) -> None:
        assert bundle.flow is not None and bundle.estimator is not None
        self.flow: ConditionalFlow = bundle.flow
        self.rules: LayerRules = layer_rules(bundle.generator.num_ws, bundle.manifest.layers)
        self.reader = PictureReader(bundle.generator, bundle.estimator)
        ws = draw_w(bundle.generator, 2, seed=4, psi=0.7)[:, None].repeat(1, bundle.generator.num_ws, 1)
        self.start: EditStart = start_edit(self.flow, ws, self.reader.possible(self.reader(ws)))
        self.response: Response = measure_response(self.flow, self.start, self.reader, COLUMNS, self.rules)

    def missing(self, reached: Tensor, goal: Tensor, column: int) -> float:
        """Mean distance in deviations."""
        deviation = self.reader.estimator.deviation[column]
        return float(((reached - goal)[:, column] / deviation).abs().mean())


@pytest.fixture(scope="module")
def setting() -> Setting:
    return Setting(load_bundle(DEMO))


def test_a_calibrated_edit_reaches_what_was_asked(setting: Setting) -> None:
    target = target_attributes(setting.start.base, {"age": 62})
    edit = edit_with_locks(
        setting.flow,
        setting.start,
        target,
        setting.reader,
        setting.response,
        calibrated=[AGE],
        rules=setting.rules,
    )
    assert setting.missing(edit.reached, target, AGE) < 0.08
    assert setting.missing(edit.reached, target, AGE) < setting.missing(edit.uncorrected, target, AGE)
    torch.testing.assert_close(setting.reader(edit.ws), edit.reached, rtol=1e-4, atol=1e-3)


def test_a_locked_attribute_stays_where_the_plain_edit_moves_it(setting: Setting) -> None:
    target = target_attributes(setting.start.base, {"yaw": 24})
    before = setting.response.reading
    edit = edit_with_locks(
        setting.flow,
        setting.start,
        target,
        setting.reader,
        setting.response,
        locked=[GENDER, AGE],
        rules=setting.rules,
    )
    for column in (GENDER, AGE):
        plain = setting.missing(edit.uncorrected, before, column)
        assert setting.missing(edit.reached, before, column) < max(0.3 * plain, 0.02)
    assert torch.equal(edit.condition[:, YAW], target[:, YAW])
    assert (edit.reached - before)[:, YAW].abs().mean() > 5


def test_the_condition_given_to_the_flow_makes_the_edit(setting: Setting) -> None:
    target = target_attributes(setting.start.base, {"age": 20})
    edit = edit_with_locks(
        setting.flow,
        setting.start,
        target,
        setting.reader,
        setting.response,
        calibrated=[AGE],
        rules=setting.rules,
    )
    again = apply_edit(setting.flow, setting.start, edit.condition, setting.rules)
    torch.testing.assert_close(again, edit.ws, rtol=0, atol=1e-5)


def test_the_same_edit_is_the_same_every_time(setting: Setting) -> None:
    target = target_attributes(setting.start.base, {"yaw": -10})

    def edit() -> Tensor:
        return edit_with_locks(
            setting.flow,
            setting.start,
            target,
            setting.reader,
            setting.response,
            locked=[AGE],
            calibrated=[YAW],
        ).ws

    assert torch.equal(edit(), edit())


def test_no_change_is_the_base_itself_whatever_is_locked(setting: Setting) -> None:
    edit = edit_with_locks(
        setting.flow,
        setting.start,
        setting.start.base.clone(),
        setting.reader,
        setting.response,
        locked=[AGE],
        calibrated=[YAW],
    )
    assert edit.ws is setting.start.ws
    assert torch.equal(edit.reached, setting.response.reading)


def test_without_locks_and_calibration_it_is_the_plain_edit(setting: Setting) -> None:
    target = target_attributes(setting.start.base, {"gender": 0.5})
    edit = edit_with_locks(
        setting.flow, setting.start, target, setting.reader, setting.response, rules=setting.rules
    )
    assert torch.equal(edit.ws, apply_edit(setting.flow, setting.start, target, setting.rules))
    assert torch.equal(edit.reached, edit.uncorrected)


def test_a_base_corrected_by_hand_moves_by_what_was_asked(setting: Setting) -> None:
    """A person says the face is 10 years older than read; +8 years must still be +8 years."""
    reading = setting.reader.possible(setting.response.reading)
    base = reading.clone()
    base[:, AGE] += 10
    start = start_edit(setting.flow, setting.start.ws, base)
    target = base.clone()
    target[:, AGE] += 8
    response = measure_response(setting.flow, start, setting.reader, [AGE], setting.rules)
    edit = edit_with_locks(
        setting.flow, start, target, setting.reader, response, calibrated=[AGE], rules=setting.rules
    )
    moved = (edit.reached - setting.response.reading)[:, AGE]
    assert moved.tolist() == pytest.approx([8, 8], abs=1.5)


def test_a_goal_that_cannot_be_reached_never_makes_it_worse(setting: Setting) -> None:
    target = target_attributes(setting.start.base, {"yaw": 85})
    edit = edit_with_locks(
        setting.flow,
        setting.start,
        target,
        setting.reader,
        setting.response,
        calibrated=[YAW],
        rules=setting.rules,
    )
    assert torch.isfinite(edit.ws).all()
    assert setting.missing(edit.reached, target, YAW) <= setting.missing(edit.uncorrected, target, YAW)


def test_the_response_must_cover_the_attributes(setting: Setting) -> None:
    target = target_attributes(setting.start.base, {"yaw": 5})
    with pytest.raises(ValueError, match="not measured"):
        edit_with_locks(setting.flow, setting.start, target, setting.reader, setting.response, locked=[0])


def test_the_response_is_the_slope_of_the_readings(setting: Setting) -> None:
    """A condition that rises raises its own reading first of all."""
    for k, column in enumerate(COLUMNS):
        slope = setting.response.slope[:, column, k]
        assert (slope > 0.2).all()
        assert (slope < 3).all()


def test_a_response_measured_column_by_column_is_the_same(setting: Setting) -> None:
    parts = [
        measure_response(
            setting.flow, setting.start, setting.reader, [column], setting.rules, setting.response.reading
        )
        for column in COLUMNS
    ]
    joined = joined_responses(parts)
    assert joined.columns == COLUMNS
    torch.testing.assert_close(joined.slope, setting.response.slope)
    with pytest.raises(ValueError, match="no response"):
        joined_responses([])


def test_locks_hold_against_what_happens_after_the_flow(setting: Setting) -> None:
    """Here the other face is mixed in, though nothing was asked of the flow."""
    other = setting.start.ws.flip(0)

    def mixed(ws: Tensor) -> Tensor:
        return ws.lerp(other, 0.3)

    edit = edit_with_locks(
        setting.flow,
        setting.start,
        setting.start.base,
        setting.reader,
        setting.response,
        locked=[AGE],
        rules=setting.rules,
        afterwards=mixed,
    )
    before = setting.response.reading
    assert setting.missing(edit.reached, before, AGE) < setting.missing(edit.uncorrected, before, AGE) / 2
    torch.testing.assert_close(setting.reader(edit.ws), edit.reached, rtol=1e-4, atol=1e-3)

"""What may be asked of an edit, and what is said where it may not."""

from __future__ import annotations

import math

import pytest
import torch

from models.editing.attribute_edit import start_edit
from models.editing.errors import FlowDoesNotFit, UnknownAttribute, ValueOutOfRange
from models.editing.targets import attribute_columns, check_flow_fits, target_attributes
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow
from models.styleflow.network import IntegrationError
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig


def test_values_are_put_into_their_columns_and_the_base_is_left_alone() -> None:
    base = torch.zeros(2, 17)
    target = target_attributes(base, {"age": 60, "yaw": -12.5})
    assert target[:, 15].tolist() == [60, 60]
    assert target[:, 11].tolist() == [-12.5, -12.5]
    assert int((target != 0).sum()) == 4
    assert not base.any()


def test_a_photo_may_lie_a_little_outside_the_sliders() -> None:
    assert float(target_attributes(torch.zeros(1, 17), {"age": 99})[0, 15]) == 99


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueOutOfRange, match="Age must be a number"):
        target_attributes(torch.zeros(1, 17), {"age": value})


@pytest.mark.parametrize("value", [1000.0, -71.0])
def test_a_value_in_another_world_is_refused(value: float) -> None:
    with pytest.raises(ValueOutOfRange, match=r"Age must lie in -70\.\.155"):
        target_attributes(torch.zeros(1, 17), {"age": value})


def test_an_unknown_attribute_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownAttribute, match=r"no attribute 'hair'.*beard"):
        target_attributes(torch.zeros(1, 17), {"hair": 1})
    with pytest.raises(UnknownAttribute):
        attribute_columns(["age", "hat"])


def test_columns_are_in_order_and_once() -> None:
    assert attribute_columns(["age", "gender", "age"]) == (9, 15)


def test_a_flow_of_another_width_is_refused_with_both_sizes() -> None:
    generator = Generator(GeneratorConfig(4, 6, 8, channel_base=32, channel_max=4))
    with pytest.raises(FlowDoesNotFit, match=r"rows of 8 numbers.*have 6"):
        check_flow_fits(ConditionalFlow(FlowConfig(8, (4,))), generator)
    with pytest.raises(FlowDoesNotFit, match="takes 3 attributes"):
        check_flow_fits(ConditionalFlow(FlowConfig(6, (4,), context_dim=3)), generator)
    check_flow_fits(ConditionalFlow(FlowConfig(6, (4,))), generator)


def test_a_base_with_a_missing_attribute_is_refused_by_name() -> None:
    base = torch.zeros(1, 17)
    base[0, 10] = math.nan
    with pytest.raises(IntegrationError, match="Glasses of the face is not a number"):
        start_edit(ConditionalFlow(FlowConfig(4, (4,))), torch.zeros(1, 2, 4), base)

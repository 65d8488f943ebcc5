"""StyleFlow's own way of editing: one slider after another, each with its gain and its layers.

Every edit starts from the result of the one before and is encoded again, so the order matters and going
back does not return exactly; models.editing.attribute_edit has neither property. It is here to reproduce
StyleFlow's published edits, and as what ours are measured against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from models.editing.layer_rules import LayerRules, styleflow_rules
from models.styleflow.attributes import ATTRIBUTE_INDEX, LIGHT_COLUMNS, STYLEFLOW_RULES, take_layers
from models.styleflow.flow import ConditionalFlow


@dataclass(frozen=True)
class StyleFlowState:
    """Where a sequence of edits stands."""

    ws: Tensor  # [N, L, C]
    z: Tensor  # [N, L, C]: ws encoded at target
    original: Tensor  # [N, 17] attributes of the sample as picked
    target: Tensor  # [N, 17] attributes after the edits so far
    rules: LayerRules


def pick(
    flow: ConditionalFlow, ws: Tensor, attributes: Tensor, rules: LayerRules | None = None
) -> StyleFlowState:
    """Start from ws [N, L, C] with attributes [N, 17]; rules None: StyleFlow's, made for 18 rows."""
    rules = rules or styleflow_rules(ws.shape[1])
    return StyleFlowState(ws, flow.encode(ws, attributes), attributes, attributes, rules)


def move_attribute(
    flow: ConditionalFlow, state: StyleFlowState, name: str, value: float | Tensor
) -> StyleFlowState:
    """Move the slider of one of the eight face attributes to a value in raw units, or to values [N]."""
    gain, column = STYLEFLOW_RULES[name].gain, ATTRIBUTE_INDEX[name]
    original = state.original[:, column]
    target = state.target.clone()
    target[:, column] = gain * (value - original) + original
    return _advance(flow, state, target, state.rules.layers[column])


def move_light(
    flow: ConditionalFlow, state: StyleFlowState, presets: Tensor, weights: Tensor
) -> StyleFlowState:
    """Blend the original light towards presets [P, 9] with weights [P] of 0..1, summed over all presets."""
    light = state.original[:, LIGHT_COLUMNS]
    target = state.target.clone()
    target[:, LIGHT_COLUMNS] = light + (weights[:, None] * (presets - light)).sum(dim=0)
    return _advance(flow, state, target, state.rules.layers[LIGHT_COLUMNS.start])


def _advance(
    flow: ConditionalFlow, state: StyleFlowState, target: Tensor, layers: tuple[int, ...]
) -> StyleFlowState:
    ws = take_layers(flow.decode(state.z, target), state.ws, layers)
    return replace(state, ws=ws, z=flow.encode(ws, target), target=target)

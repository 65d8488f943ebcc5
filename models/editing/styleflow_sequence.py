"""StyleFlow's own way of editing: one slider after another, each with its gain and its layers.

For StyleFlow's checkpoints on 18-row models. Every edit starts from the result of the one before and is
encoded again, so the order matters and going back does not return exactly; models.editing.attribute_edit
has neither property.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from models.styleflow.attributes import (
    ATTRIBUTE_INDEX,
    LIGHT_COLUMNS,
    STYLEFLOW_LIGHT_LAYERS,
    STYLEFLOW_ROWS,
    STYLEFLOW_RULES,
    take_layers,
)
from models.styleflow.flow import ConditionalFlow


@dataclass(frozen=True)
class StyleFlowState:
    """Where a sequence of edits stands."""

    ws: Tensor  # [1, 18, C]
    z: Tensor  # [1, 18, C]: ws encoded at target
    original: Tensor  # [1, 17] attributes of the sample as picked
    target: Tensor  # [1, 17] attributes after the edits so far


def pick(flow: ConditionalFlow, ws: Tensor, attributes: Tensor) -> StyleFlowState:
    """Start from ws [1, 18, C] with attributes [1, 17]. Raises ValueError for another number of rows."""
    if ws.shape[:2] != (1, STYLEFLOW_ROWS):
        raise ValueError(f"StyleFlow's layer rules are for one ws of {STYLEFLOW_ROWS} rows")
    return StyleFlowState(ws, flow.encode(ws, attributes), attributes, attributes)


def move_attribute(flow: ConditionalFlow, state: StyleFlowState, name: str, value: float) -> StyleFlowState:
    """Move the slider of one of the eight face attributes to a value in raw units."""
    rule, column = STYLEFLOW_RULES[name], ATTRIBUTE_INDEX[name]
    target = state.target.clone()
    target[:, column] = rule.target(float(state.original[0, column]), value)
    return _advance(flow, state, target, rule.layers)


def move_light(
    flow: ConditionalFlow, state: StyleFlowState, presets: Tensor, weights: Tensor
) -> StyleFlowState:
    """Blend the original light towards presets [P, 9] with weights [P] of 0..1, summed over all presets."""
    light = state.original[:, LIGHT_COLUMNS]
    target = state.target.clone()
    target[:, LIGHT_COLUMNS] = light + (weights[:, None] * (presets - light)).sum(dim=0)
    return _advance(flow, state, target, STYLEFLOW_LIGHT_LAYERS)


def _advance(
    flow: ConditionalFlow, state: StyleFlowState, target: Tensor, layers: tuple[int, ...] | None
) -> StyleFlowState:
    ws = take_layers(flow.decode(state.z, target), state.ws, layers)
    return replace(state, ws=ws, z=flow.encode(ws, target), target=target)

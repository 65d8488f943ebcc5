"""From the values a person asked for to the attribute vectors of an edit, checked.

A photo may lie beyond what the sliders offer, so values up to one slider's length outside are taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from models.editing.errors import FlowDoesNotFit, UnknownAttribute, ValueOutOfRange
from models.styleflow.attributes import ATTRIBUTE_INDEX, ATTRIBUTES, Attribute
from models.styleflow.flow import ConditionalFlow
from models.styleflow.network import IntegrationError
from models.stylegan2.generator import Generator


def attribute_columns(names: Iterable[str]) -> tuple[int, ...]:
    """Columns of the named attributes, each once, in the order of the vector. Raises UnknownAttribute."""
    return tuple(sorted({ATTRIBUTE_INDEX[_known(name).name] for name in names}))


def target_attributes(base: Tensor, values: Mapping[str, float]) -> Tensor:
    """base [N, 17] with the given values, in the attributes' own units, put in.

    Raises UnknownAttribute, ValueOutOfRange.
    """
    target = base.clone()
    for name, value in values.items():
        attribute = _known(name)
        low, high = reach(attribute)
        if not math.isfinite(value):
            raise ValueOutOfRange(f"{attribute.label} must be a number, not {value}.")
        if not low <= value <= high:
            raise ValueOutOfRange(f"{attribute.label} must lie in {low:g}..{high:g}, not at {value:g}.")
        target[:, ATTRIBUTE_INDEX[name]] = value
    return target


def reach(attribute: Attribute) -> tuple[float, float]:
    """The least and the greatest value that may be asked for."""
    span = attribute.maximum - attribute.minimum
    return attribute.minimum - span, attribute.maximum + span


def bounds(place: Tensor) -> tuple[Tensor, Tensor]:
    """reach of all attributes as two vectors [17] of place's type and device."""
    limits = place.new_tensor([reach(attribute) for attribute in ATTRIBUTES])
    return limits[:, 0], limits[:, 1]


def check_flow_fits(flow: ConditionalFlow, generator: Generator) -> None:
    """Raises FlowDoesNotFit, which names both sizes."""
    if flow.config.dim != generator.w_dim:
        raise FlowDoesNotFit(
            f"The flow works on rows of {flow.config.dim} numbers, this generator's rows have"
            f" {generator.w_dim}."
        )
    if flow.config.context_dim != len(ATTRIBUTES):
        raise FlowDoesNotFit(
            f"The flow takes {flow.config.context_dim} attributes, editing needs {len(ATTRIBUTES)}."
        )


def check_finite(base: Tensor) -> None:
    """Raises IntegrationError where an attribute [N, 17] of the base is not a finite number."""
    finite = torch.isfinite(base).all(dim=0)
    if not bool(finite.all()):
        label = ATTRIBUTES[int((~finite).int().argmax())].label
        raise IntegrationError(f"the flow cannot start from here: {label} of the face is not a number")


def _known(name: str) -> Attribute:
    if name not in ATTRIBUTE_INDEX:
        known = ", ".join(ATTRIBUTE_INDEX)
        raise UnknownAttribute(f"There is no attribute {name!r}; the attributes are {known}.")
    return ATTRIBUTES[ATTRIBUTE_INDEX[name]]

"""What an edit was asked for and what it did, as numbers for people."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from models.editing.errors import ValueOutOfRange
from models.editing.light import angles_of, split_light
from models.styleflow.attributes import ATTRIBUTES, LIGHT_COLUMNS
from server.documents import Document
from server.engine.asked_attributes import LIGHT_NAMES, asked_attributes, asked_columns, base_attributes
from server.engine.edit_stages import EditStages
from server.engine.editing_interface import AttributeReading, LampReading
from server.engine.mixed_face import MixedFace


def read_edit(stages: EditStages, document: Document, face: MixedFace, measurable: bool) -> AttributeReading:
    """Of the final picture of a document. Raises as EditStages does."""
    estimated = stages.attributes.estimated(face)
    base = base_attributes(document, estimated)
    target = asked_attributes(document, base)
    reached, moved = None, None
    if measurable:
        ws = stages.edited(document, face)
        key = stages.key(document, face.key, corrected=True)
        values = stages.attributes.possible(stages.attributes.reading(key, ws, face.generator))
        reached = by_name(values)
        change = by_name((values - estimated) / stages.attributes.deviation)
        asked = {ATTRIBUTES[column].name for column in asked_columns(document)}
        moved = {name: value for name, value in change.items() if name not in asked}
    return AttributeReading(
        source="network" if measurable else "likelihood",
        estimated=by_name(estimated),
        base=by_name(base),
        target=by_name(target),
        reached=reached,
        light=_lamp(base),
        target_light=_target_lamp(document, base, target),
        moved=moved,
    )


def by_name(values: Tensor) -> dict[str, float]:
    """Attributes [1, 17] by name."""
    numbers: list[float] = values[0].tolist()
    return {attribute.name: number for attribute, number in zip(ATTRIBUTES, numbers, strict=True)}


def _target_lamp(document: Document, base: Tensor, target: Tensor) -> LampReading | None:
    """As the document says it; where it sets coefficients, found in them."""
    lamp, asked = _lamp(base), document.light
    if any(name in document.attributes for name in LIGHT_NAMES):
        return _lamp(target)
    if lamp is None or asked is None:
        return lamp
    given = {name: value for name, value in asked.model_dump().items() if value is not None}
    return replace(lamp, **given)


def _lamp(values: Tensor) -> LampReading | None:
    """None where the coefficients are of no light at all, as those of a bad reading can be."""
    try:
        light = split_light(values[0, LIGHT_COLUMNS].double().cpu().numpy())
    except ValueOutOfRange:
        return None
    azimuth, elevation = angles_of(light.direction)
    return LampReading(azimuth, elevation, light.strength, light.brightness)

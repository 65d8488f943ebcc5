"""What a document asks for, as attributes: those that an edit starts from, and those that it aims at."""

from __future__ import annotations

from torch import Tensor

from models.editing.light import direction_of, move_light
from models.editing.targets import attribute_columns, target_attributes
from models.styleflow.attributes import ATTRIBUTES, LIGHT_COLUMNS
from server.documents import Document, Light

LIGHT_NAMES = tuple(attribute.name for attribute in ATTRIBUTES[LIGHT_COLUMNS])


def base_attributes(document: Document, estimated: Tensor) -> Tensor:
    """The attributes [1, 17] that an edit starts from: the estimated ones, as a person has corrected them."""
    return target_attributes(estimated, document.base_attributes)


def asked_attributes(document: Document, base: Tensor) -> Tensor:
    """The attributes [1, 17] that the document asks for, of a face with those at the base [1, 17]."""
    light = document.light
    lit = lamp_coefficients(light, base) if light is not None and light.moves else {}
    return target_attributes(base, {**lit, **document.attributes})


def asked_columns(document: Document) -> tuple[int, ...]:
    """Columns of the attributes that the document asks for."""
    light = LIGHT_NAMES if document.light is not None and document.light.moves else ()
    return attribute_columns({*document.attributes, *light})


def lamp_coefficients(light: Light, base: Tensor) -> dict[str, float]:
    """The light coefficients of a lamp in the own ambient light of attributes [1, 17], by name.

    Raises ValueOutOfRange.
    """
    direction = None
    if light.azimuth is not None and light.elevation is not None:
        direction = direction_of(light.azimuth, light.elevation)
    moved = move_light(
        base[0, LIGHT_COLUMNS].double().cpu().numpy(),
        direction=direction,
        strength=light.strength,
        brightness=light.brightness,
    )
    return dict(zip(LIGHT_NAMES, moved.tolist(), strict=True))

"""What the routes that look into networks are asked, and what they say beside their pictures."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from server.documents import STRICT, Document, Layer
from server.engine.inspection_interface import ActivationSheet, NoiseEffect, Order, Scope, Shown, Spread

MOST_CHANNELS = 64
NoiseLayer = Annotated[
    Layer, Field(description="A 3x3 convolution: 0 is that of 4x4, then two a resolution.")
]


class ActivationsBody(BaseModel):
    """Which channels of a layer, and how their numbers become colours."""

    model_config = STRICT
    document: Document
    layer: NoiseLayer
    first: Annotated[int, Field(ge=0, le=2**16)] = 0
    count: Annotated[int, Field(ge=1, le=MOST_CHANNELS)] = 16
    order: Order = "number"
    shown: Shown = "maps"
    scope: Scope = "channel"
    spread: Spread = "range"
    deviations: Annotated[float, Field(ge=0.1, le=10, description="For the spread of that name.")] = 3.0
    side: Annotated[int, Field(ge=64, le=1024, description="Pixels at most, either way.")] = 512


class NoiseEffectBody(BaseModel):
    """Whose noise at which layer."""

    model_config = STRICT
    document: Document
    layer: NoiseLayer


class SheetDescription(BaseModel):
    """The header X-Activations: tiles in rows of `columns`; low and high: the numbers at the ends of their
    colours; resolution and total: of the layer and its channels.
    """

    resolution: int
    total: int
    columns: int
    channels: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class EffectDescription(BaseModel):
    """The header X-Noise-Effect: the largest change of a pixel, of 255."""

    largest: float


def sheet_description(sheet: ActivationSheet) -> str:
    """As JSON in one line."""
    return SheetDescription(
        resolution=sheet.resolution,
        total=sheet.total,
        columns=sheet.columns,
        channels=sheet.channels,
        low=sheet.low,
        high=sheet.high,
    ).model_dump_json()


def effect_description(effect: NoiseEffect) -> str:
    """As JSON in one line."""
    return EffectDescription(largest=effect.largest).model_dump_json()

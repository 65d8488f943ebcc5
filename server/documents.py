"""The edit document: a small immutable JSON value of which every picture is a pure function."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Layer = Annotated[int, Field(ge=0, lt=64)]
Psi = Annotated[float, Field(ge=-2, le=2)]
Cutoff = Annotated[int, Field(ge=0, le=64)]
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
AttributeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
AttributeValue = Annotated[float, Field(ge=-1000, le=1000)]
AttributeValues = Annotated[dict[AttributeName, AttributeValue], Field(max_length=64)]
Layers = Annotated[tuple[Layer, ...], Field(min_length=1, max_length=64)]
LayersByAttribute = Annotated[dict[AttributeName, Layers], Field(max_length=64)]
Strength = Annotated[float, Field(ge=-20, le=20)]
Share = Annotated[float, Field(ge=0, le=1)]
NoiseStrength = Annotated[float, Field(ge=0, le=4)]

STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SeedBase(BaseModel):
    """z drawn from numpy's RandomState(seed), mapped to w, truncated towards the mean w by psi."""

    model_config = STRICT
    kind: Literal["seed"]
    seed: Seed
    truncation_psi: Psi
    truncation_cutoff: Cutoff | None = None


class LatentBase(BaseModel):
    """A stored latent (ws), truncated like a seed."""

    model_config = STRICT
    kind: Literal["latent"]
    latent: UUID
    truncation_psi: Psi = 1.0
    truncation_cutoff: Cutoff | None = None


Base = Annotated[SeedBase | LatentBase, Field(discriminator="kind")]


class Mix(BaseModel):
    """Layers of ws moved by strength (0..1) towards those of another source: one for all, or one for each.

    A source without layers changes nothing; it is kept at hand.
    """

    model_config = STRICT
    source: Base
    layers: Annotated[tuple[Layer, ...], Field(max_length=64)]
    strength: Share | Annotated[tuple[Share, ...], Field(max_length=64)] = 1.0

    @model_validator(mode="after")
    def _has_a_strength_for_each_layer(self) -> Self:
        if isinstance(self.strength, tuple) and len(self.strength) != len(self.layers):
            raise ValueError("strengths are one for all layers or one for each")
        return self

    @property
    def changes(self) -> bool:
        """Whether anything of it is taken."""
        strengths = self.strength if isinstance(self.strength, tuple) else (self.strength,)
        return bool(self.layers) and any(strengths)


class LayerNoise(BaseModel):
    """The noise map of one layer: the one that a seed gives it, or (None) the stored one; times strength."""

    model_config = STRICT
    seed: Seed | None = None
    strength: NoiseStrength = 1.0


class NoiseSpec(BaseModel):
    """Noise maps: drawn from a seed, or (None) the stored ones; times strength.

    layers, counted as the noise maps are: maps of their own, whose strength the one of all multiplies.
    frozen: layers that a new draw of all leaves alone; they make no picture another one.
    """

    model_config = STRICT
    seed: Seed | None = None
    strength: NoiseStrength = 1.0
    layers: Annotated[dict[Layer, LayerNoise], Field(max_length=64)] = {}
    frozen: Annotated[tuple[Layer, ...], Field(max_length=64)] = ()

    def of_layer(self, layer: int) -> tuple[int | None, float]:
        """Seed and strength of what that layer gets."""
        own = self.layers.get(layer)
        return (self.seed, self.strength) if own is None else (own.seed, own.strength * self.strength)


class Light(BaseModel):
    """A lamp on the base's own ambient light (models.editing.light); None: as it is at the base.

    azimuth to image right of the camera and elevation above it, degrees; strength 0..1: the lamp's share of
    the brightness; brightness of a surface that half faces the lamp.
    """

    model_config = STRICT
    azimuth: Annotated[float, Field(ge=-180, le=180)] | None = None
    elevation: Annotated[float, Field(ge=-90, le=90)] | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    brightness: Annotated[float, Field(ge=0.05, le=4)] | None = None

    @model_validator(mode="after")
    def _has_whole_direction(self) -> Self:
        if (self.azimuth is None) != (self.elevation is None):
            raise ValueError("a direction is an azimuth and an elevation")
        return self

    @property
    def moves(self) -> bool:
        """Whether anything of it differs from the base's."""
        return any(value is not None for value in (self.azimuth, self.strength, self.brightness))


class DirectionMove(BaseModel):
    """A stored direction, in its own deviations, on its own layers or (not None) on these."""

    model_config = STRICT
    direction: UUID
    strength: Strength
    layers: Layers | None = None


class Document(BaseModel):
    """One whole edit. `attributes` holds only what was changed: target values in raw units, by name.

    base_attributes: a person's corrections of the values estimated at the base. locks: attributes held as
    they are read there. calibrated: what is asked for is reached as it is read. light: a lamp; explicit
    light_k in attributes win. layers: rows an edit of an attribute changes, in place of the model's rules.
    """

    model_config = STRICT
    model: ModelName
    base: Base
    mix: Annotated[tuple[Mix, ...], Field(max_length=16)] = ()
    base_attributes: AttributeValues = {}
    attributes: AttributeValues = {}
    light: Light | None = None
    locks: Annotated[tuple[AttributeName, ...], Field(max_length=64)] = ()
    calibrated: bool = False
    layers: LayersByAttribute = {}
    directions: Annotated[tuple[DirectionMove, ...], Field(max_length=32)] = ()
    noise: NoiseSpec = NoiseSpec()

    @property
    def mixed_in(self) -> tuple[Mix, ...]:
        """The sources of which something is taken."""
        return tuple(part for part in self.mix if part.changes)

    @property
    def edits_attributes(self) -> bool:
        """Whether the flow has anything to do, as far as the document alone can say."""
        return bool(self.attributes) or (self.light is not None and self.light.moves)

    @property
    def is_corrected(self) -> bool:
        """Whether pictures have to be read on the way to this edit."""
        moves = self.edits_attributes or any(move.strength for move in self.directions)
        return moves and (bool(self.locks) or self.calibrated)

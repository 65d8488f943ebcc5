"""The edit document: a small immutable JSON value of which every picture is a pure function."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Layer = Annotated[int, Field(ge=0, lt=64)]
Psi = Annotated[float, Field(ge=-2, le=2)]
Cutoff = Annotated[int, Field(ge=0, le=64)]
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
AttributeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
AttributeValue = Annotated[float, Field(ge=-1000, le=1000)]

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
    """Layers of ws moved by strength (0..1) towards those of another source."""

    model_config = STRICT
    source: Base
    layers: Annotated[tuple[Layer, ...], Field(max_length=64)]
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0


class NoiseSpec(BaseModel):
    """Noise maps: drawn from a seed, or (None) the stored ones; times strength."""

    model_config = STRICT
    seed: Seed | None = None
    strength: Annotated[float, Field(ge=0, le=4)] = 1.0


class Document(BaseModel):
    """One whole edit. `attributes` holds only what was changed: target values in raw units, by name."""

    model_config = STRICT
    model: ModelName
    base: Base
    mix: Annotated[tuple[Mix, ...], Field(max_length=16)] = ()
    attributes: Annotated[dict[AttributeName, AttributeValue], Field(max_length=64)] = {}
    noise: NoiseSpec = NoiseSpec()

"""Bodies of requests and answers about edits: readings, layer rules, directions, samples and tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from server.documents import (
    STRICT,
    AttributeValues,
    Document,
    Layers,
    LayersByAttribute,
    Light,
    ModelName,
    Seed,
    Strength,
)
from server.engine.film import FilmFormat

ANSWER = ConfigDict(frozen=True, protected_namespaces=())

# Printable characters, no spaces in front: str.isprintable, which the file of a direction asks for, too.
PRINTABLE = r"^[^\p{C}\p{Z}](?:[^\p{C}\p{Z}]| )*$"
DirectionName = Annotated[str, Field(min_length=1, max_length=80, pattern=PRINTABLE)]
SearchMethod = Literal["sefa", "ganspace", "ganspace_features"]
TaskState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class LightOf(BaseModel):
    """A lamp found in nine coefficients; see documents.Light."""

    model_config = ANSWER
    azimuth: float
    elevation: float
    strength: float
    brightness: float


class Likeness(BaseModel):
    """How far the face has gone: 0 the same picture, 1 as far apart as two unrelated faces of the model.

    judge: what measured it. It recognises nobody, since no identity network comes with the program.
    """

    model_config = ANSWER
    distance: float | None
    judge: str
    identity_network: bool
    note: str


class Attributes(BaseModel):
    """What an edit was asked for and what it did, in raw units by name.

    state "estimating": the values at the base are still being computed, and the maps are empty. source: the
    attribute network, or the flow's own likelihood where a model has none. estimated: at the base; base: with
    the person's corrections; target: asked for; reached: read on the edited picture. moved: change of the
    reading of what was not asked for, in deviations of the population.
    """

    model_config = ANSWER
    state: Literal["ready", "estimating"]
    source: Literal["network", "likelihood"]
    estimated: dict[str, float]
    base: dict[str, float]
    target: dict[str, float]
    reached: dict[str, float] | None
    light: LightOf | None
    target_light: LightOf | None
    moved: dict[str, float] | None
    likeness: Likeness | None


class LayerRulesBody(BaseModel):
    model_config = STRICT
    layers: LayersByAttribute


class LayerRules(BaseModel):
    """layers: for new documents. bundled: the model's own. stored: whether somebody has changed them."""

    model_config = ANSWER
    generator: str
    num_ws: int
    layers: dict[str, list[int]]
    bundled: dict[str, list[int]]
    stored: bool


class DirectionSearch(BaseModel):
    """layers None: all. resolution: of the block whose feature maps ganspace_features looks at."""

    model_config = STRICT
    method: SearchMethod
    layers: Layers | None = None
    count: Annotated[int, Field(ge=1, le=64)] = 10
    resolution: Annotated[int, Field(ge=4, le=1024)] | None = None


class Candidate(BaseModel):
    """A direction that a search found. explained: its share of what was looked at, 0..1."""

    model_config = ANSWER
    index: int
    name: str
    method: str
    layers: list[int]
    scale: float
    minimum: float
    maximum: float
    explained: float | None


class StripBody(BaseModel):
    """The document's picture moved by each of the strengths; resolution None: the model's preview size."""

    model_config = STRICT
    document: Document
    strengths: Annotated[tuple[Strength, ...], Field(min_length=1, max_length=9)]
    resolution: Annotated[int, Field(ge=4, le=4096)] | None = None
    layers: Layers | None = None


class NewDirection(BaseModel):
    """A candidate to keep. layers None: those it was found on."""

    model_config = STRICT
    task: UUID
    candidate: Annotated[int, Field(ge=0, le=63)]
    name: DirectionName
    layers: Layers | None = None
    minimum: Strength = -3.0
    maximum: Strength = 3.0


class DirectionChange(BaseModel):
    """None: as it is. Layers never change, because documents depend on them."""

    model_config = STRICT
    name: DirectionName | None = None
    minimum: Strength | None = None
    maximum: Strength | None = None


class Direction(BaseModel):
    """A stored direction of a generator (sha256). minimum, maximum: of the strength, for a slider."""

    model_config = ANSWER
    id: UUID
    generator: str
    name: str
    method: str
    layers: list[int]
    scale: float
    minimum: float
    maximum: float
    explained: float | None
    created_at: datetime
    file_url: str


class NewSamples(BaseModel):
    """Faces with these attributes. corrected: edited until these read as asked. psi truncates the rest."""

    model_config = STRICT
    model: ModelName
    attributes: AttributeValues = {}
    light: Light | None = None
    count: Annotated[int, Field(ge=1, le=16)] = 8
    seed: Seed = 0
    psi: Annotated[float, Field(ge=0, le=1)] = 0.8
    corrected: bool = False


class Sample(BaseModel):
    """asked: the attributes that the face was drawn under. reached: those read on its picture."""

    model_config = ANSWER
    latent: UUID
    picture_url: str
    asked: dict[str, float]
    reached: dict[str, float]


class TaskError(BaseModel):
    model_config = ANSWER
    code: str
    detail: str


class Film(BaseModel):
    """A finished film of frames of size x size; it is there until newer ones take its place."""

    model_config = ANSWER
    url: str
    format: FilmFormat
    bytes: int
    frames: int
    seconds: float
    size: int


class Task(BaseModel):
    """Work that takes a while; kept in memory only. What it found is there once it has succeeded."""

    model_config = ANSWER
    id: UUID
    kind: Literal["directions", "samples", "films"]
    model: str
    state: TaskState
    step: int
    total: int
    note: str
    error: TaskError | None
    candidates: list[Candidate] | None
    samples: list[Sample] | None
    film: Film | None
    created_at: datetime

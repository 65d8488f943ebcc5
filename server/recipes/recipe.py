"""A recipe as bytes: the document, the latents and directions it names, and the weights it was made with."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from server.documents import STRICT, Document, Strength
from server.edit_messages import DirectionName
from server.problems import Problem
from server.strict_json import parse_strict_json

FORMAT, VERSION = "latentloom-recipe", 1
MAX_PACKED_BYTES = 16 * 2**20
MAX_UNPACKED_BYTES = 48 * 2**20  # a latent tuned to a photo is 5 MB at most, and JSON takes a third more
MAX_LATENTS, MAX_DIRECTIONS = 32, 32
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Weights(BaseModel):
    """The sha256 of the files that a picture depends on besides its document."""

    model_config = STRICT
    generator: Sha256
    flow: Sha256 | None = None
    attributes: Sha256 | None = None


@dataclass(frozen=True)
class DirectionPart:
    """A direction that a document names: its file and what its slider says."""

    name: str
    minimum: float
    maximum: float
    file: bytes


@dataclass(frozen=True)
class Recipe:
    """program: name and version of what wrote it. latents, directions: what the document names, by id."""

    program: str
    weights: Weights
    document: Document
    latents: Mapping[UUID, bytes] = field(default_factory=dict)
    directions: Mapping[UUID, DirectionPart] = field(default_factory=dict)


class _Direction(BaseModel):
    model_config = STRICT
    name: DirectionName
    minimum: Strength
    maximum: Strength
    file: Base64Bytes


class _Body(BaseModel):
    model_config = STRICT
    program: Annotated[str, Field(max_length=80)]
    weights: Weights
    document: Document
    latents: Annotated[dict[UUID, Base64Bytes], Field(max_length=MAX_LATENTS)]
    directions: Annotated[dict[UUID, _Direction], Field(max_length=MAX_DIRECTIONS)]


class _Envelope(BaseModel):
    model_config = STRICT
    format: str
    version: int
    recipe: _Body


def named_latents(document: Document) -> tuple[UUID, ...]:
    """Ids of the stored latents that a document is made of, each once."""
    sources = (document.base, *(part.source for part in document.mix))
    return tuple(dict.fromkeys(source.latent for source in sources if source.kind == "latent"))


def named_directions(document: Document) -> tuple[UUID, ...]:
    """Ids of the stored directions that a document moves along, each once."""
    return tuple(dict.fromkeys(move.direction for move in document.directions))


def pack(recipe: Recipe) -> bytes:
    """The bytes of a recipe. Raises Problem recipe_too_large."""
    directions = {
        str(name): {**vars(part), "file": base64.b64encode(part.file).decode()}
        for name, part in recipe.directions.items()
    }
    body = {
        "program": recipe.program,
        "weights": recipe.weights.model_dump(),
        "document": recipe.document.model_dump(mode="json"),
        "latents": {str(name): base64.b64encode(data).decode() for name, data in recipe.latents.items()},
        "directions": directions,
    }
    text = json.dumps({"format": FORMAT, "version": VERSION, "recipe": body}, sort_keys=True).encode()
    packed = zlib.compress(text, 6)
    if len(packed) > MAX_PACKED_BYTES or len(text) > MAX_UNPACKED_BYTES:
        hint = "Export the picture without its recipe, and the latents as files of their own."
        raise Problem("recipe_too_large", "This edit needs more than a picture can carry.", hint)
    return packed


def unpack(packed: bytes) -> Recipe:
    """The recipe in bytes from anywhere: limited in size before and after they are unpacked, and checked to
    hold all that its document names. Latents and directions in it are not looked into.

    Raises Problem bad_recipe.
    """
    try:
        envelope = _Envelope.model_validate(parse_strict_json(_inflated(packed)))
    except (ValueError, ValidationError, zlib.error) as error:
        detail = "The picture's recipe is damaged, or of a later version of this program."
        raise Problem("bad_recipe", detail) from error
    if (envelope.format, envelope.version) != (FORMAT, VERSION):
        detail = f"The picture's recipe has version {envelope.version}; only version {VERSION} can be read."
        raise Problem("bad_recipe", detail)
    body = envelope.recipe
    named = (set(named_latents(body.document)), set(named_directions(body.document)))
    if named != (set(body.latents), set(body.directions)):
        raise Problem("bad_recipe", "The picture's recipe lacks a face or a direction that its edit needs.")
    directions = {
        name: DirectionPart(part.name, part.minimum, part.maximum, part.file)
        for name, part in body.directions.items()
    }
    return Recipe(body.program, body.weights, body.document, body.latents, directions)


def _inflated(packed: bytes) -> bytes:
    if len(packed) > MAX_PACKED_BYTES:
        raise ValueError("too large")
    inflater = zlib.decompressobj()
    text = inflater.decompress(packed, MAX_UNPACKED_BYTES)
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("too large, or cut off")
    return text

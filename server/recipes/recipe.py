"""A recipe as bytes: the document, the latents and directions it names, and the hash of its weights."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Annotated
from uuid import UUID

from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from server.documents import STRICT, Document
from server.problems import Problem
from server.strict_json import parse_strict_json

FORMAT, VERSION = "latentloom-recipe", 1
MAX_PACKED_BYTES = 16 * 2**20
MAX_UNPACKED_BYTES = 48 * 2**20  # a latent tuned to a photo is 5 MB at most, and JSON takes a third more
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Files = Annotated[dict[UUID, Base64Bytes], Field(max_length=64)]


class Recipe(BaseModel):
    """generator: sha256 of the weights. latents, directions: the safetensors files the document names."""

    model_config = STRICT
    generator: Sha256
    document: Document
    latents: Files = {}
    directions: Files = {}


class _Envelope(BaseModel):
    model_config = STRICT
    format: str
    version: int
    recipe: Recipe


def pack(recipe: Recipe) -> bytes:
    """The bytes of a recipe. Raises Problem recipe_too_large."""

    def encoded(files: dict[UUID, bytes]) -> dict[str, str]:
        return {str(name): base64.b64encode(data).decode() for name, data in sorted(files.items())}

    body = {
        "generator": recipe.generator,
        "document": recipe.document.model_dump(mode="json"),
        "latents": encoded(recipe.latents),
        "directions": encoded(recipe.directions),
    }
    text = json.dumps({"format": FORMAT, "version": VERSION, "recipe": body}, sort_keys=True).encode()
    packed = zlib.compress(text, 6)
    if len(packed) > MAX_PACKED_BYTES or len(text) > MAX_UNPACKED_BYTES:
        hint = "Export the picture without its recipe, and the latents as files of their own."
        raise Problem("recipe_too_large", "This edit needs more than a picture can carry.", hint)
    return packed


def unpack(packed: bytes) -> Recipe:
    """The recipe in bytes from anywhere: limited in size before and after they are unpacked, and checked.

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
    return envelope.recipe


def _inflated(packed: bytes) -> bytes:
    if len(packed) > MAX_PACKED_BYTES:
        raise ValueError("too large")
    inflater = zlib.decompressobj()
    text = inflater.decompress(packed, MAX_UNPACKED_BYTES)
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("too large, or cut off")
    return text

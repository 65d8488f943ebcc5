"""Bodies of requests and answers about exports, imports, galleries and films."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from server.documents import STRICT, Document
from server.edit_messages import ANSWER
from server.engine.exporting_interface import LatentPart, PictureFormat
from server.engine.film import FilmFormat
from server.recipes.recipe import Sha256
from server.storage.tables import GalleryRow
from server.walks import Easing, Seconds, Walk

MAX_IN_ARCHIVE = 100
MAX_FRAMES = 3600  # two minutes at 30 frames a second
MAX_PIXELS: dict[FilmFormat, int] = {
    "mp4": 2 * 10**9,
    "webm": 2 * 10**9,
    "gif": 64 * 10**6,
    "webp": 64 * 10**6,
}

ItemName = Annotated[str, Field(max_length=120, pattern=r"^[^\p{C}]*$")]
Items = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=1000)]
# What a restored document is not quite: its flow or attribute network differs, its model has another name
# here, or the file did not say which model its latent belongs to.
Note = Literal["another_flow", "another_name", "model_not_named"]


class Formats(BaseModel):
    """What can be written here."""

    model_config = ANSWER
    pictures: list[PictureFormat]
    films: list[FilmFormat]


class PictureBody(BaseModel):
    """size: pixels of a side, None: the model's own. quality: of JPEG, WebP. recipe: whether it has one."""

    model_config = STRICT
    document: Document
    format: PictureFormat = "png"
    size: Annotated[int, Field(ge=16, le=4096)] | None = None
    quality: Annotated[int, Field(ge=1, le=100)] = 92
    recipe: bool = True


class LatentsBody(BaseModel):
    """part: the face after all edits, or the base alone."""

    model_config = STRICT
    document: Document
    part: LatentPart = "edited"
    format: Literal["npz", "safetensors"] = "npz"


class LatentBody(BaseModel):
    model_config = STRICT
    document: Document


class StoredLatent(BaseModel):
    """document: the stored face as it is."""

    model_config = ANSWER
    latent: UUID
    model: str
    document: Document


class LinkBody(BaseModel):
    """What a link carries. generator: sha256 of the weights it was made with, if it says so."""

    model_config = STRICT
    document: Document
    generator: Sha256 | None = None


class Link(BaseModel):
    """portable: whether it opens on other servers with that model, too."""

    model_config = ANSWER
    document: Document
    generator: str
    portable: bool


class Imported(BaseModel):
    """What a file was found to hold, as a document of this server."""

    model_config = ANSWER
    kind: Literal["recipe", "latent"]
    document: Document
    notes: list[Note]


class NewItem(BaseModel):
    model_config = STRICT
    document: Document
    name: ItemName = ""


class ItemChange(BaseModel):
    """None: as it is."""

    model_config = STRICT
    name: ItemName | None = None
    starred: bool | None = None


class ItemsBody(BaseModel):
    model_config = STRICT
    items: Items


class ArchiveBody(BaseModel):
    """Which pictures, in which format, each with its recipe."""

    model_config = STRICT
    items: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_IN_ARCHIVE)]
    format: PictureFormat = "png"


class GalleryItem(BaseModel):
    """A document that somebody kept; its model need not be there."""

    model_config = ANSWER
    id: UUID
    name: str
    document: Document
    starred: bool
    created_at: datetime


class WalkMotion(BaseModel):
    """Along a walk between faces."""

    model_config = STRICT
    kind: Literal["walk"]
    walk: Walk


class EditMotion(BaseModel):
    """From one edit of a face to another, by their sliders. back: and back again, in as many seconds."""

    model_config = STRICT
    kind: Literal["edit"]
    start: Document
    end: Document
    seconds: Seconds = 2.0
    easing: Easing = "gentle"
    back: bool = False


Motion = Annotated[WalkMotion | EditMotion, Field(discriminator="kind")]


class NewFilm(BaseModel):
    """size: pixels of a side, None: the model's own."""

    model_config = STRICT
    motion: Motion
    frames_per_second: Annotated[int, Field(ge=5, le=60)] = 30
    size: Annotated[int, Field(ge=16, le=1024)] | None = None
    format: FilmFormat = "mp4"

    @model_validator(mode="after")
    def _has_an_even_size(self) -> Self:
        if self.size is not None and self.size % 2:
            raise ValueError("the size of a film is even")
        return self


def item_answer(row: GalleryRow) -> GalleryItem:
    """The answer that describes an item of a gallery."""
    return GalleryItem(
        id=row.id,
        name=row.name,
        document=Document.model_validate(row.document),
        starred=row.starred,
        created_at=row.created_at,
    )

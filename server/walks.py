"""A walk: faces to pass through and the seconds between them; each of its pictures follows from it alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from server.documents import STRICT, Document

MAX_KEYS = 32

# straight: lines between the faces. smooth: no corners (models.editing.walks).
Path = Literal["straight", "smooth"]
# even: at one speed. gentle: every section begins and ends at rest.
Easing = Literal["even", "gentle"]
Seconds = Annotated[float, Field(ge=0.1, le=60)]
Moment = Annotated[float, Field(ge=0, le=MAX_KEYS * 60)]


class WalkKey(BaseModel):
    """A face, and how long the section from it lasts; that of the last one counts in a closed walk only."""

    model_config = STRICT
    document: Document
    seconds: Seconds = 2.0


class Walk(BaseModel):
    """The ws of its faces, after their edits, are interpolated. closed: on from the last face to the first.

    One with fewer than two faces has no picture yet. All faces are of one model.
    """

    model_config = STRICT
    keys: Annotated[tuple[WalkKey, ...], Field(max_length=MAX_KEYS)]
    path: Path = "smooth"
    easing: Easing = "even"
    closed: bool = False

    @model_validator(mode="after")
    def _is_of_one_model(self) -> Self:
        if any(one.document.model != other.document.model for one, other in pairwise(self.keys)):
            raise ValueError("all faces of a walk are of one model")
        return self

    @property
    def durations(self) -> tuple[float, ...]:
        """Seconds of each section."""
        seconds = tuple(key.seconds for key in self.keys)
        return seconds if self.closed else seconds[:-1]

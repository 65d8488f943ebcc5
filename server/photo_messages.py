"""Photos and places in them as they cross the wire: what is asked for, and what is answered."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.projection.anchors import Anchors as FaceAnchors
from server.documents import STRICT, Document
from server.engine.alignment import anchors_of_landmarks, anchors_of_square, corners_of, middle_anchors
from server.problems import Problem
from server.storage.photos import landmarks_of
from server.storage.tables import PhotoRow

LIMIT = 100_000  # of a coordinate, in pixels

Coordinate = Annotated[float, Field(ge=-LIMIT, le=LIMIT)]
Point = tuple[Coordinate, Coordinate]
ANSWER = ConfigDict(frozen=True, protected_namespaces=())


class Anchors(BaseModel):
    """x, y in pixels of the stored photo; left and right are the picture's. mouth: its middle."""

    model_config = STRICT
    left_eye: Point
    right_eye: Point
    mouth: Point


class Square(BaseModel):
    """Centre and side in pixels of the stored photo, turned clockwise by so many degrees."""

    model_config = STRICT
    x: Coordinate
    y: Coordinate
    side: Annotated[float, Field(ge=8, le=LIMIT)]
    turn: Annotated[float, Field(ge=-360, le=360)] = 0.0


class Place(BaseModel):
    """Where a face is in a photo: one of these, or none for the photo's own alignment."""

    model_config = STRICT
    face: Annotated[int, Field(ge=0, le=1000)] | None = None
    anchors: Anchors | None = None
    square: Square | None = None

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if sum(given is not None for given in (self.face, self.anchors, self.square)) > 1:
            raise ValueError("only one of face, anchors and square")
        return self


class NewAlignment(Place):
    """A face that was found, or a place set by hand."""

    @model_validator(mode="after")
    def _is_given(self) -> Self:
        if self.face is None and self.anchors is None and self.square is None:
            raise ValueError("one of face, anchors and square")
        return self


class PutBack(Place):
    """job: the projection whose place in the photo is meant, where no other is given."""

    document: Document
    job: UUID | None = None
    format: Literal["png", "jpeg"] = "jpeg"


class Alignment(BaseModel):
    """corners of the square that the anchors decide: top left, bottom left, bottom right, top right."""

    model_config = ANSWER
    anchors: Anchors
    corners: list[tuple[float, float]]


class Face(BaseModel):
    """box: x0, y0, x1, y1 in pixels of the stored photo."""

    model_config = ANSWER
    box: tuple[float, float, float, float]
    score: float
    crop_url: str
    alignment: Alignment


class Photo(BaseModel):
    """faces: largest first. alignment: set by hand, or that of the face chosen, at first the largest, or the
    middle of the photo.
    """

    model_config = ANSWER
    id: UUID
    name: str
    width: int
    height: int
    faces: list[Face]
    alignment: Alignment
    by_hand: bool
    image_url: str
    created_at: datetime


def anchors_of(place: Place, photo: PhotoRow) -> tuple[FaceAnchors, int | None]:
    """The anchors of a place in a photo, and the face that they were found at.

    Raises Problem unknown_face, no_face.
    """
    if place.anchors is not None:
        return FaceAnchors(**place.anchors.model_dump()), None
    if place.square is not None:
        square = place.square
        return anchors_of_square(square.x, square.y, square.side, square.turn), None
    if place.face is None and photo.anchors is not None:
        return FaceAnchors(**photo.anchors), None
    if place.face is None and not photo.faces:
        hint = "Say where the eyes and the mouth are."
        raise Problem("no_face", "No face was found in the photo.", hint)
    face = photo.face if place.face is None else place.face
    return anchors_of_landmarks(landmarks_of(photo, face)), face


def photo_answer(row: PhotoRow) -> Photo:
    """The answer that describes a photo."""
    url = f"/api/v1/photos/{row.id}"
    faces = [
        Face(
            box=face["box"],
            score=face["score"],
            crop_url=f"{url}/crop?face={i}",
            alignment=alignment_answer(anchors_of_landmarks(face["landmarks"])),
        )
        for i, face in enumerate(row.faces)
    ]
    if row.anchors is not None:
        alignment = alignment_answer(FaceAnchors(**row.anchors))
    else:
        middle = alignment_answer(middle_anchors(row.width, row.height))
        alignment = faces[row.face].alignment if faces else middle
    return Photo(
        id=row.id,
        name=row.name,
        width=row.width,
        height=row.height,
        faces=faces,
        alignment=alignment,
        by_hand=row.anchors is not None,
        image_url=f"{url}/image",
        created_at=row.created_at,
    )


def alignment_answer(anchors: FaceAnchors) -> Alignment:
    """Anchors and their square. Raises Problem unusable_face where they decide none."""
    return Alignment.model_validate({"anchors": asdict(anchors), "corners": corners_of(anchors)})

"""Rows of directions, and the files behind them."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.problems import Problem
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import DirectionRow, now

MAX_DIRECTIONS = 500  # of a generator and user


def create(database: Database, row: DirectionRow) -> DirectionRow:
    """Store a row that new_row made. Raises Problem name_taken, too_many_directions."""
    try:
        _create(database, row)
    except IntegrityError as error:  # somebody took the name at the same moment
        raise _name_taken() from error
    return row


def _create(database: Database, row: DirectionRow) -> None:
    with database.write() as transaction:
        own = (DirectionRow.generator == row.generator, DirectionRow.owner == row.owner)
        count = transaction.scalar(select(func.count()).select_from(DirectionRow).where(*own)) or 0
        if count >= MAX_DIRECTIONS:
            detail = f"There are {MAX_DIRECTIONS} directions of this model, which is the limit."
            raise Problem("too_many_directions", detail, "Delete those that are not used.")
        _refuse_taken(transaction, row, row.name)
        transaction.add(row)


def new_row(
    *,
    generator: str,
    owner: str,
    name: str,
    method: str,
    layers: list[int],
    scale: float,
    strengths: tuple[float, float],
    explained: float | None,
    blob: str,
) -> DirectionRow:
    """A row that is not stored yet. strengths: least and greatest of its slider."""
    return DirectionRow(
        id=uuid4(),
        generator=generator,
        owner=owner,
        name=name,
        method=method,
        layers=layers,
        scale=scale,
        minimum=strengths[0],
        maximum=strengths[1],
        explained=explained,
        blob=blob,
        created_at=now(),
    )


def get(database: Database, direction_id: UUID) -> DirectionRow:
    """Raises Problem unknown_direction."""
    with database.read() as transaction:
        return _found(transaction.get(DirectionRow, direction_id))


def read(database: Database, blobs: BlobStore, direction_id: UUID) -> bytes:
    """The file of a direction. Raises Problem unknown_direction."""
    return blobs.read(get(database, direction_id).blob)


def of_generator(database: Database, generator: str, owner: str) -> list[DirectionRow]:
    """Oldest first."""
    query = select(DirectionRow).where(DirectionRow.generator == generator, DirectionRow.owner == owner)
    with database.read() as transaction:
        return list(transaction.scalars(query.order_by(DirectionRow.created_at)))


def change(
    database: Database, direction_id: UUID, name: str | None, minimum: float | None, maximum: float | None
) -> DirectionRow:
    """Another name or range of strengths; None: as it is. Raises Problem unknown_direction, name_taken,
    bad_direction.
    """
    try:
        return _change(database, direction_id, name, minimum, maximum)
    except IntegrityError as error:  # somebody took the name at the same moment
        raise _name_taken() from error


def _change(
    database: Database, direction_id: UUID, name: str | None, minimum: float | None, maximum: float | None
) -> DirectionRow:
    with database.write() as transaction:
        row = _found(transaction.get(DirectionRow, direction_id, with_for_update=True))
        if name is not None and name != row.name:
            _refuse_taken(transaction, row, name)
            row.name = name
        row.minimum = row.minimum if minimum is None else minimum
        row.maximum = row.maximum if maximum is None else maximum
        check_range(row.minimum, row.maximum)
    return row


def delete(database: Database, blobs: BlobStore, direction_id: UUID) -> None:
    """The row, and its file where no other row names that. Raises Problem unknown_direction."""
    with database.write() as transaction:
        row = _found(transaction.get(DirectionRow, direction_id, with_for_update=True))
        transaction.delete(row)
        transaction.flush()
        named = transaction.scalar(select(DirectionRow.id).where(DirectionRow.blob == row.blob).limit(1))
    if named is None:
        blobs.discard(row.blob)


def check_range(minimum: float, maximum: float) -> None:
    """Raises Problem bad_direction."""
    if not minimum < maximum:
        raise Problem("bad_direction", "The least strength must be smaller than the greatest.")


def _refuse_taken(transaction: Session, row: DirectionRow, name: str) -> None:
    same = (
        DirectionRow.generator == row.generator,
        DirectionRow.owner == row.owner,
        DirectionRow.name == name,
    )
    if transaction.scalar(select(DirectionRow.id).where(*same)) is not None:
        raise _name_taken()


def _name_taken() -> Problem:
    return Problem("name_taken", "Another direction of this model has that name.", "Take another name.")


def _found(row: DirectionRow | None) -> DirectionRow:
    if row is None:
        raise Problem("unknown_direction", "There is no such direction: it was deleted.")
    return row

"""Rows of layer rules: which layers edits change by default, of a generator and a user."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from server.storage.database import Database
from server.storage.tables import LayerRulesRow


def get(database: Database, generator: str, owner: str) -> dict[str, list[int]]:
    """Those that differ from the model's own; empty where nobody changed them."""
    with database.read() as transaction:
        row = transaction.get(LayerRulesRow, (generator, owner))
    return {} if row is None else row.layers


def put(database: Database, generator: str, owner: str, layers: dict[str, list[int]]) -> None:
    """Replace them; empty: back to the model's own."""
    try:
        _put(database, generator, owner, layers)
    except IntegrityError:  # somebody made the row at the same moment, and now it is there
        _put(database, generator, owner, layers)


def _put(database: Database, generator: str, owner: str, layers: dict[str, list[int]]) -> None:
    with database.write() as transaction:
        row = transaction.get(LayerRulesRow, (generator, owner), with_for_update=True)
        if not layers:
            if row is not None:
                transaction.delete(row)
        elif row is None:
            transaction.add(LayerRulesRow(generator=generator, owner=owner, layers=layers))
        else:
            row.layers = layers

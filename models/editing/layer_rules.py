"""Which rows of ws an edit of an attribute may change.

StyleFlow (Abdal et al., 2021, section 4.3) edits glasses in rows 2 and 3 only, age in 4 to 7, and so on. A
row belongs to a resolution whatever the generator's size: 0 and 1 to 4x4 and the entry of 8x8, 2k-1 and 2k
to 4 * 2^k. So on a smaller generator the rules keep their rows, and those it does not have fall away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.editing.errors import EditError, UnknownAttribute
from models.styleflow.attributes import (
    ATTRIBUTE_INDEX,
    ATTRIBUTES,
    STYLEFLOW_LIGHT_LAYERS,
    STYLEFLOW_RULES,
)


@dataclass(frozen=True)
class LayerRules:
    """The rows of every attribute, in the order of the 17-vector, for a generator of num_ws rows."""

    num_ws: int
    layers: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        for attribute, rows in zip(ATTRIBUTES, self.layers, strict=True):
            if not rows or not all(0 <= row < self.num_ws for row in rows):
                raise EditError(
                    f"The layers of {attribute.label} must be some of 0..{self.num_ws - 1}, not {list(rows)}."
                )

    def mask(self, device: torch.device | str = "cpu") -> Tensor:
        """[L, 17] bool: whether attribute j may change row l."""
        mask = torch.zeros(self.num_ws, len(ATTRIBUTES), dtype=torch.bool)
        for column, rows in enumerate(self.layers):
            mask[list(rows), column] = True
        return mask.to(device)

    def named(self) -> dict[str, list[int]]:
        """The rules as JSON values, what layer_rules reads."""
        return {a.name: list(rows) for a, rows in zip(ATTRIBUTES, self.layers, strict=True)}


def styleflow_rules(num_ws: int) -> LayerRules:
    """StyleFlow's rows, of which a smaller generator keeps those it has; where none is left, its last row.

    A generator of 6 rows (16x16) has no row of StyleFlow's light (7 to 11): its finest row is what colours
    it.
    """

    def kept(rows: Iterable[int]) -> tuple[int, ...]:
        return tuple(row for row in rows if row < num_ws) or (num_ws - 1,)

    rows = {name: rule.layers for name, rule in STYLEFLOW_RULES.items()}
    return LayerRules(num_ws, tuple(kept(rows.get(a.name, STYLEFLOW_LIGHT_LAYERS)) for a in ATTRIBUTES))


def all_layers(num_ws: int) -> LayerRules:
    """Every attribute changes every row: for generators whose rows all say everything."""
    return LayerRules(num_ws, (tuple(range(num_ws)),) * len(ATTRIBUTES))


def layer_rules(num_ws: int, stored: Mapping[str, Iterable[int]] | None) -> LayerRules:
    """The rules stored with a checkpoint, {attribute: rows}; what they leave out is StyleFlow's.

    Raises UnknownAttribute, EditError.
    """
    default = styleflow_rules(num_ws)
    if stored is None:
        return default
    unknown = sorted(set(stored) - set(ATTRIBUTE_INDEX))
    if unknown:
        raise UnknownAttribute(f"There is no attribute {unknown[0]!r} to give layers to.")
    rows = {name: tuple(sorted(set(layers))) for name, layers in stored.items()}
    given = [rows.get(a.name, default.layers[i]) for i, a in enumerate(ATTRIBUTES)]
    return LayerRules(num_ws, tuple(given))

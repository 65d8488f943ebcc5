"""The 17 attributes a flow is conditioned on, and how StyleFlow's own window turned sliders into edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class Attribute:
    """One entry of the attribute vector, in raw units, with the range of its slider for the demo model."""

    name: str
    label: str
    group: Literal["face", "light"]
    minimum: float
    maximum: float
    step: float
    unit: str = ""
    shown: bool = True


def _light(index: int, label: str, minimum: float, maximum: float, *, shown: bool = False) -> Attribute:
    return Attribute(f"light_{index}", label, "light", minimum, maximum, 0.01, shown=shown)


# Light: the spherical harmonics of models.faces.light; its ranges hold 98 % of the rendered faces.
ATTRIBUTES: tuple[Attribute, ...] = (
    _light(0, "Brightness", 1.5, 2.8, shown=True),
    _light(1, "From above", 0.2, 2.4, shown=True),
    _light(2, "From front", 0.3, 2.6, shown=True),
    _light(3, "From side", -1.8, 1.8, shown=True),  # + from image right
    _light(4, "Light coefficient 4", -2.0, 2.0),
    _light(5, "Light coefficient 5", 0.0, 2.4),
    _light(6, "Light coefficient 6", -1.2, 2.4),
    _light(7, "Light coefficient 7", -2.1, 2.1),
    _light(8, "Light coefficient 8", -1.6, 1.7),
    Attribute("gender", "Gender", "face", 0.0, 1.0, 0.01),  # 0 male, 1 female
    Attribute("glasses", "Glasses", "face", 0.0, 1.0, 0.01),
    Attribute("yaw", "Yaw", "face", -30.0, 30.0, 0.5, "°"),  # + towards image right
    Attribute("pitch", "Pitch", "face", -15.0, 15.0, 0.5, "°"),  # + up
    Attribute("baldness", "Baldness", "face", 0.0, 1.0, 0.01),
    Attribute("beard", "Beard", "face", 0.0, 1.0, 0.01),
    Attribute("age", "Age", "face", 5.0, 80.0, 0.5, "years"),
    Attribute("expression", "Expression", "face", 0.0, 1.0, 0.01),  # 0 neutral, 1 smile
)

ATTRIBUTE_INDEX: Mapping[str, int] = MappingProxyType({a.name: i for i, a in enumerate(ATTRIBUTES)})
LIGHT_COLUMNS = slice(0, 9)


@dataclass(frozen=True)
class StyleFlowRule:
    """How StyleFlow edits one attribute of a model of 18 rows."""

    minimum: float
    maximum: float
    gain: float
    layers: tuple[int, ...]

    def value(self, position: int) -> float:
        """Attribute value at a slider position 0..80."""
        return position / STYLEFLOW_SLIDER_STEPS * (self.maximum - self.minimum) + self.minimum

    def position(self, value: float) -> int:
        """Slider position of a value, truncated towards zero; may lie outside 0..80."""
        return int((value - self.minimum) / (self.maximum - self.minimum) * STYLEFLOW_SLIDER_STEPS)


STYLEFLOW_SLIDER_STEPS = 80
STYLEFLOW_LIGHT_LAYERS = (7, 8, 9, 10, 11)
STYLEFLOW_RULES: Mapping[str, StyleFlowRule] = MappingProxyType(
    {
        "gender": StyleFlowRule(0, 1, 1.5, (0, 1, 2, 3, 4, 5, 6, 7)),
        "glasses": StyleFlowRule(0, 1, 2.5, (2, 3)),
        "yaw": StyleFlowRule(-20, 20, 1.0, (0, 1, 2, 3)),
        "pitch": StyleFlowRule(-20, 20, 1.0, (0, 1, 2, 3)),
        "baldness": StyleFlowRule(0, 1, 2.0, (0, 1, 2, 3, 4, 5)),
        "beard": StyleFlowRule(0, 1, 1.7, (5, 6, 7, 8, 9)),
        "age": StyleFlowRule(0, 65, 0.93, (4, 5, 6, 7)),
        "expression": StyleFlowRule(0, 1, 1.0, (4, 5)),
    }
)


def take_layers(edited: Tensor, current: Tensor, layers: tuple[int, ...]) -> Tensor:
    """ws [N, L, C] with the given rows from edited and the others from current.

    Raises ValueError where a row does not exist.
    """
    if not all(0 <= layer < current.shape[1] for layer in layers):
        raise ValueError(f"layers must lie in 0..{current.shape[1] - 1}, not {layers}")
    rows = torch.zeros(current.shape[1], 1, dtype=torch.bool, device=current.device)
    rows[list(layers)] = True
    return torch.where(rows, edited, current)

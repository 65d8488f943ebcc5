"""A small network that reads the 17-vector (9 light coefficients, 8 attributes) from a picture.

It labels pictures whose truth is not known, such as projected photos. It is trained on faces
aligned as FFHQ aligns them, so it expects aligned faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.weights import CheckpointError, read_weights, write_weights

FORMAT = "latentloom-attributes"
OUTPUTS = 17
_COUNTER = "num_batches_tracked"  # BatchNorm's, of no use after training


@dataclass(frozen=True)
class EstimatorConfig:
    """Shapes of the network and the scale of what it reads."""

    resolution: int  # side to which pictures are averaged down
    widths: tuple[int, ...]
    mean: tuple[float, ...]  # [17], of the training faces, raw units
    deviation: tuple[float, ...]  # [17]
    minimum: tuple[float, ...]  # [17] nothing below is possible
    maximum: tuple[float, ...]  # [17]

    def __post_init__(self) -> None:
        for name in ("mean", "deviation", "minimum", "maximum"):
            if len(getattr(self, name)) != OUTPUTS:
                raise ValueError(f"{name} must have {OUTPUTS} values")


class ResidualBlock(nn.Module):
    """Halves the size: two 3x3 convolutions beside an averaged 1x1 shortcut."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(in_channels, in_channels, 3, padding=1, bias=False)
        self.norm0 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm0(self.conv0(x)))
        return F.relu(self.norm1(self.conv1(y)) + self.skip(F.avg_pool2d(x, 2)))


class AttributeEstimator(nn.Module):
    """Picture [N, 3, R, R] in -1..1 -> [N, 17] in raw units, StyleFlow's order."""

    mean: Tensor
    deviation: Tensor
    minimum: Tensor
    maximum: Tensor

    def __init__(self, config: EstimatorConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3, config.widths[0], 3, padding=1)
        pairs = zip(config.widths[:-1], config.widths[1:], strict=True)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairs))
        side = config.resolution // 2 ** (len(config.widths) - 1)
        self.head = nn.Linear(config.widths[-1] * side * side, OUTPUTS)
        for name in ("mean", "deviation", "minimum", "maximum"):
            self.register_buffer(name, torch.tensor(getattr(config, name)), persistent=False)

    def standardized(self, img: Tensor) -> Tensor:
        """The same [N, 17] minus mean, divided by deviation, unbounded: what is trained."""
        side = self.config.resolution
        if img.shape[-1] != side or img.shape[-2] != side:
            img = F.interpolate(img, size=(side, side), mode="area")
        x = F.relu(self.stem(img.clamp(-1, 1).contiguous(memory_format=torch.channels_last)))
        out: Tensor = self.head(self.blocks(x).flatten(1))
        return out

    def forward(self, img: Tensor) -> Tensor:
        raw = self.standardized(img) * self.deviation + self.mean
        return torch.minimum(torch.maximum(raw, self.minimum), self.maximum)


def save_estimator(estimator: AttributeEstimator, path: Path) -> None:
    """Write a weight file in half precision."""
    tensors = {k: v for k, v in estimator.state_dict().items() if not k.endswith(_COUNTER)}
    write_weights(path, FORMAT, asdict(estimator.config), tensors, torch.float16)


def load_estimator(source: Path | str | bytes, device: str = "cpu") -> AttributeEstimator:
    """Estimator in evaluation mode from a weight file, or from the bytes of one. Raises CheckpointError."""
    values, tensors = read_weights(source, FORMAT)
    try:
        estimator = AttributeEstimator(_config(values))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError("The config of this attribute estimator is incomplete or wrong.") from error
    counters = {k: v for k, v in estimator.state_dict().items() if k.endswith(_COUNTER)}
    try:
        estimator.load_state_dict({**tensors, **counters})
    except RuntimeError as error:
        raise CheckpointError("The weights of this attribute estimator do not fit its config.") from error
    estimator.to(memory_format=torch.channels_last)
    return estimator.to(device).eval().requires_grad_(False)


def _config(values: Mapping[str, Any]) -> EstimatorConfig:
    numbers = {k: tuple(float(x) for x in values[k]) for k in ("mean", "deviation", "minimum", "maximum")}
    widths = tuple(int(x) for x in values["widths"])
    if not 2 <= len(widths) <= 7 or any(not 1 <= w <= 2048 for w in widths):
        raise ValueError(f"widths {widths} are out of range")
    resolution = int(values["resolution"])
    if not 16 <= resolution <= 512 or resolution % 2 ** (len(widths) - 1):
        raise ValueError(f"resolution {resolution} is out of range or does not halve often enough")
    return EstimatorConfig(resolution, widths, **numbers)

"""What the engine inside one process is given: folders, device, networks, memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from server.settings import MIB, Settings


@dataclass(frozen=True)
class LocalEngineOptions:
    """Where checkpoints are and converted ones go, what to compute on, which perceptual distance, and memory
    for finished pictures and for weights.
    """

    checkpoints_dir: Path
    converted_dir: Path
    device: str = "auto"
    perceptual: str = "auto"
    frame_cache_bytes: int = 64 * MIB
    model_cache_bytes: int = 1024 * MIB


def engine_options(settings: Settings) -> LocalEngineOptions:
    """As the server's settings have them."""
    return LocalEngineOptions(
        checkpoints_dir=settings.checkpoints_dir,
        converted_dir=settings.data_dir / "converted",
        device=settings.device,
        perceptual=settings.perceptual,
        frame_cache_bytes=settings.frame_cache_mib * MIB,
        model_cache_bytes=settings.model_cache_mib * MIB,
    )


def torch_device(name: str) -> str:
    """cpu or cuda for auto; else the name, if torch knows it."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return str(torch.device(name))

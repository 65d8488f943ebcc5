"""Style mixing: rows of one ws replaced by, or blended with, those of another (StyleGAN, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mix(ws: Tensor, source_ws: Tensor, layers: Sequence[int], strength: float | Sequence[float]) -> Tensor:
    """ws [1, L, C] with the given rows moved towards source_ws [1, L, C]; strength 1 takes them over.

    strength: one for all rows, or one for each. Returns ws itself where nothing is to change. Raises
    ValueError on other shapes or missing rows, or where the strengths are not as many as the rows.
    """
    if ws.ndim != 3 or ws.shape != source_ws.shape:
        raise ValueError(f"cannot mix ws of shapes {list(ws.shape)} and {list(source_ws.shape)}")
    if not all(0 <= layer < ws.shape[1] for layer in layers):
        raise ValueError(f"layers must lie in 0..{ws.shape[1] - 1}, not {list(layers)}")
    strengths = list(strength) if isinstance(strength, Sequence) else [strength] * len(layers)
    if len(strengths) != len(layers):
        raise ValueError(f"{len(layers)} layers need as many strengths, not {len(strengths)}")
    if not any(strengths):
        return ws
    rows = list(layers)
    mixed = ws.clone()
    weights = torch.tensor(strengths, dtype=ws.dtype, device=ws.device)[:, None]
    mixed[:, rows] = ws[:, rows].lerp(source_ws[:, rows], weights)
    return mixed

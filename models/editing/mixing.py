"""Style mixing: rows of one ws replaced by, or blended with, those of another (StyleGAN, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def mix(ws: Tensor, source_ws: Tensor, layers: Sequence[int], strength: float = 1.0) -> Tensor:
    """ws [1, L, C] with the given rows moved towards source_ws [1, L, C]; strength 1 takes them over.

    Returns ws itself where nothing is to change. Raises ValueError on other shapes or missing rows.
    """
    if ws.ndim != 3 or ws.shape != source_ws.shape:
        raise ValueError(f"cannot mix ws of shapes {list(ws.shape)} and {list(source_ws.shape)}")
    if not all(0 <= layer < ws.shape[1] for layer in layers):
        raise ValueError(f"layers must lie in 0..{ws.shape[1] - 1}, not {list(layers)}")
    if not layers or strength == 0:
        return ws
    rows = list(layers)
    mixed = ws.clone()
    mixed[:, rows] = ws[:, rows].lerp(source_ws[:, rows], strength)
    return mixed

"""Walks: the ws of every frame between key faces, in w, where a straight line is a steady change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator
from torch import Tensor

MAX_FRAMES = 3600  # a minute at 60 frames a second


def frame_times(durations: Sequence[float], frames_per_second: float) -> NDArray[np.float64]:
    """Seconds from the start of each frame of a walk whose sections last so long, its last key included.

    Raises ValueError where a duration is not more than 0, or the frames are more than MAX_FRAMES.
    """
    if not durations or min(durations) <= 0 or frames_per_second <= 0:
        raise ValueError("every section of a walk must last longer than nothing")
    total = float(sum(durations))
    count = max(round(total * frames_per_second), 1) + 1
    if count > MAX_FRAMES:
        raise ValueError(f"a walk may have {MAX_FRAMES} frames, not {count}")
    return np.linspace(0.0, total, count)


def straight_walk(keys: Tensor, durations: Sequence[float], times: Sequence[float]) -> Tensor:
    """ws [F, L, C] at the times, on straight lines between the keys [K, L, C]; K - 1 durations in seconds.

    Raises ValueError where keys and durations do not fit.
    """
    ends = _key_times(keys, durations)
    at = np.clip(np.asarray(times, np.float64), ends[0], ends[-1])
    before = np.clip(np.searchsorted(ends, at, side="right") - 1, 0, len(ends) - 2)
    share = (at - ends[before]) / (ends[before + 1] - ends[before])
    weight = torch.from_numpy(share).to(keys)[:, None, None]
    rows = torch.from_numpy(before)
    return keys[rows].lerp(keys[rows + 1], weight)


def smooth_walk(keys: Tensor, durations: Sequence[float], times: Sequence[float]) -> Tensor:
    """The same without corners, through all keys: no number of w leaves the range of the keys beside it
    (Fritsch and Butland 1984), so no frame is further out than the faces that were chosen.
    """
    ends = _key_times(keys, durations)
    flat = keys.flatten(1).double().cpu().numpy()
    values = PchipInterpolator(ends, flat)(np.clip(np.asarray(times, np.float64), ends[0], ends[-1]))
    return _as_rows(np.asarray(values), keys)


def closed_walk(keys: Tensor, durations: Sequence[float], times: Sequence[float]) -> Tensor:
    """A walk that ends where it began and goes on there without a corner: K keys [K, L, C], K durations, the
    last of them from the last key back to the first. A periodic cubic spline.
    """
    around = torch.cat([keys, keys[:1]])
    ends = _key_times(around, durations)
    flat = around.flatten(1).double().cpu().numpy()
    values = CubicSpline(ends, flat, bc_type="periodic")(np.asarray(times, np.float64))
    return _as_rows(np.asarray(values), keys)


def gentle_times(durations: Sequence[float], times: Sequence[float]) -> NDArray[np.float64]:
    """The times at which an even walk is where one is that begins and ends each section at rest: within a
    section the share t becomes t^2 (3 - 2 t).
    """
    ends = _section_ends(durations)
    at = np.clip(np.asarray(times, np.float64), ends[0], ends[-1])
    before = np.clip(np.searchsorted(ends, at, side="right") - 1, 0, len(ends) - 2)
    length = ends[before + 1] - ends[before]
    share = (at - ends[before]) / length
    return np.asarray(ends[before] + length * share**2 * (3 - 2 * share))


def section_at(durations: Sequence[float], time: float) -> tuple[int, float]:
    """The section that a time in seconds lies in, and the share 0..1 of it that has passed."""
    ends = _section_ends(durations)
    at = float(np.clip(time, ends[0], ends[-1]))
    section = int(np.clip(np.searchsorted(ends, at, side="right") - 1, 0, len(ends) - 2))
    return section, float((at - ends[section]) / (ends[section + 1] - ends[section]))


def crossed_noise(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Noise maps of the same shape on the way from one to another; unit variance stays unit variance."""
    angle = share * math.pi / 2
    return math.cos(angle) * first + math.sin(angle) * second


def _as_rows(values: NDArray[np.float64], keys: Tensor) -> Tensor:
    return torch.from_numpy(values).to(keys).reshape(-1, *keys.shape[1:])


def _key_times(keys: Tensor, durations: Sequence[float]) -> NDArray[np.float64]:
    if keys.ndim != 3 or keys.shape[0] < 2:
        raise ValueError("a walk needs two faces at least")
    if len(durations) != keys.shape[0] - 1:
        raise ValueError(
            f"{keys.shape[0]} faces have {keys.shape[0] - 1} sections between them, not {len(durations)}"
        )
    return _section_ends(durations)


def _section_ends(durations: Sequence[float]) -> NDArray[np.float64]:
    ends = np.concatenate([[0.0], np.cumsum(durations)])
    if not all(later > earlier for earlier, later in pairwise(ends)):
        raise ValueError("every section of a walk must last longer than nothing")
    return ends

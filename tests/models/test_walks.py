"""Walks between faces: where they pass, how they end, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from models.editing.walks import (
    MAX_FRAMES,
    closed_walk,
    crossed_noise,
    frame_times,
    gentle_times,
    section_at,
    smooth_walk,
    straight_walk,
)

Walk = Callable[[Tensor, Sequence[float], Sequence[float]], Tensor]
OPEN = pytest.mark.parametrize("walk", [straight_walk, smooth_walk])


def faces(count: int) -> Tensor:
    return torch.randn(count, 3, 5, generator=torch.Generator().manual_seed(count))


@OPEN
def test_a_walk_passes_through_every_face_at_its_time(walk: Walk) -> None:
    keys = faces(4)
    torch.testing.assert_close(walk(keys, [1.0, 0.5, 2.0], [0.0, 1.0, 1.5, 3.5]), keys)


@OPEN
def test_no_frame_lies_outside_the_faces_beside_it(walk: Walk) -> None:
    keys = faces(5)
    for section in range(4):
        frames = walk(keys, [1.0] * 4, np.linspace(section, section + 1, 30).tolist())
        low, high = keys[section : section + 2].amin(0), keys[section : section + 2].amax(0)
        assert (frames >= low - 1e-6).all() and (frames <= high + 1e-6).all()


@OPEN
def test_times_beyond_the_ends_are_the_ends(walk: Walk) -> None:
    keys = faces(2)
    torch.testing.assert_close(walk(keys, [1.0], [-1.0, 2.0]), keys)


def test_a_straight_walk_is_steady() -> None:
    keys = faces(2)
    frames = straight_walk(keys, [2.0], [0.0, 0.5, 1.0, 1.5, 2.0])
    steps = frames.diff(dim=0)
    torch.testing.assert_close(steps, ((keys[1] - keys[0]) / 4).expand(4, -1, -1))


def test_a_smooth_walk_has_no_corners() -> None:
    keys, small = faces(3), 1e-3
    around = smooth_walk(keys.double(), [1.0, 1.0], [1 - small, 1.0, 1 + small])
    before, after = around.diff(dim=0) / small
    assert (before - after).abs().max() < 0.05


def test_a_closed_walk_comes_back_without_a_corner() -> None:
    keys, small = faces(3).double(), 1e-4
    durations = [1.0, 2.0, 1.0]
    torch.testing.assert_close(
        closed_walk(keys, durations, [0.0, 1.0, 3.0, 4.0]), torch.cat([keys, keys[:1]])
    )
    start = closed_walk(keys, durations, [0.0, small]).diff(dim=0) / small
    end = closed_walk(keys, durations, [4 - small, 4.0]).diff(dim=0) / small
    assert (start - end).abs().max() < 0.01


def test_frames_are_as_many_as_the_seconds_ask_for_and_reach_the_end() -> None:
    times = frame_times([1.0, 0.5], 30)
    assert len(times) == 46
    assert times[0] == 0.0 and times[-1] == 1.5


@pytest.mark.parametrize(
    ("durations", "rate", "words"),
    [([], 30, "longer than nothing"), ([1.0, 0.0], 30, "longer than nothing"), ([MAX_FRAMES], 2, "may have")],
)
def test_impossible_timelines_are_refused(durations: list[float], rate: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        frame_times(durations, rate)


def test_faces_and_sections_must_fit() -> None:
    with pytest.raises(ValueError, match="two faces at least"):
        straight_walk(faces(1), [], [0.0])
    with pytest.raises(ValueError, match="3 faces have 2 sections"):
        smooth_walk(faces(3), [1.0], [0.0])


def test_a_gentle_walk_rests_at_every_face() -> None:
    times = gentle_times([1.0, 2.0], [0.0, 0.01, 0.5, 0.99, 1.0, 1.02, 2.0, 3.0, 9.0])
    np.testing.assert_allclose(times[[0, 2, 4, 6, 7, 8]], [0.0, 0.5, 1.0, 2.0, 3.0, 3.0])
    assert times[1] < 0.001
    assert times[3] > 0.999
    assert times[5] < 1.001


def test_a_time_lies_in_one_section() -> None:
    found = [section_at([1.0, 2.0], time) for time in (-1.0, 0.25, 1.0, 2.0, 3.0, 9.0)]
    assert found == [(0, 0.0), (0, 0.25), (1, 0.0), (1, 0.5), (1, 1.0), (1, 1.0)]


def test_noise_on_the_way_keeps_its_variance() -> None:
    one, other = torch.randn(2, 100_000, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(crossed_noise(one, other, 0.0), one)
    for share in (0.3, 0.5, 0.8):
        assert float(crossed_noise(one, other, share).var()) == pytest.approx(1, abs=0.02)

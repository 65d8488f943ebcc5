"""Distributions side by side as one small SVG: every value a dot, the median a line, a label with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 720, 64, 70, 70, 14, 44
TICKS = 6
JITTER = 18  # pixels up and down, so that equal values do not hide each other


def distribution_plot(groups: Mapping[str, Sequence[float]], axis: str) -> str:
    """An SVG in the colours of the page it is shown on; groups: label -> values, from top to bottom."""
    highest = max(max(values) for values in groups.values()) * 1.05
    height = TOP + ROW * len(groups) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="13" fill="#888" stroke="none">',
        f'<text x="{WIDTH / 2}" y="{height - 6}" text-anchor="middle">{escape(axis)}</text>',
    ]

    def x(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / highest, 1)

    bottom = TOP + ROW * len(groups)
    for tick in np.linspace(0, highest, TICKS):
        parts.append(f'<path d="M{x(tick)} {TOP}V{bottom}" stroke="#8884"/>')
        parts.append(f'<text x="{x(tick)}" y="{bottom + 18}" text-anchor="middle">{tick:.2f}</text>')
    for number, (label, values) in enumerate(groups.items()):
        middle = TOP + ROW * (number + 0.5)
        parts.append(f'<text x="{LEFT - 12}" y="{middle + 5}" text-anchor="end">{escape(label)}</text>')
        offsets = np.random.RandomState(number).uniform(-JITTER, JITTER, len(values))
        parts += [
            f'<circle cx="{x(value)}" cy="{middle + offset:.1f}" r="3.5" fill="#3b82f6" fill-opacity="0.55"/>'
            for value, offset in zip(values, offsets, strict=True)
        ]
        median = float(np.median(values))
        parts.append(f'<path d="M{x(median)} {middle - 26}v52" stroke="#e11d48" stroke-width="2.5"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{middle + 5}">{median:.2f}</text>')
    return "\n".join([*parts, "</svg>\n"])

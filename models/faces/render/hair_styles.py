"""Hair styles: how long the hair of each root is, which way it is combed and how it falls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.faces.factors import Array, smoothstep
from models.faces.render.face import Face, ease


@dataclass(frozen=True)
class RootPlaces:
    """n roots: where they are and three random numbers 0..1 of each, fixed for the root."""

    place: Array  # [n, 3] canonical cm
    random: Array  # [n, 3] for clearance, length, fringe

    @property
    def top(self) -> Array:
        return smoothstep(3.5, 8, self.place[:, 1])

    @property
    def back(self) -> Array:
        return smoothstep(-7, -12, self.place[:, 2])

    @property
    def front(self) -> Array:
        return smoothstep(-4, 1, self.place[:, 2])

    @property
    def side(self) -> Array:
        return np.where(self.place[:, 0] >= 0, 1.0, -1.0)


@dataclass(frozen=True)
class Combed:
    """How the hair of n roots grows; lengths in cm, the rest as models.faces.render.hair_growth has it."""

    length: Array  # [n]
    comb: Array  # [n, 3] direction, any length
    lift: Array  # [n] 0 along the skin .. 1 straight up
    clearance: Array  # [n] cm it keeps from the head
    off_face: Array  # [n] 1 where hair is pushed away from the face
    clumping: Array  # [n] 0..1, how far strands gather in locks
    gravity: float = 0.3
    cling: float = 0.35
    curl: float = 0.0
    curl_frequency: float = 1.0
    jitter: float = 0.25
    segments: int = 12
    root_shade: float = 0.35
    gloss: float = 0.5


def comb_hair(face: Face, roots: RootPlaces, reserve: Array) -> Combed:
    """The plan for the style of this face; reserve [n] is how much baldness each root would still outlive.

    Who loses hair wears the rest of it shorter and flatter, and it is shortest where it is being lost.
    """
    plan = _STYLES[face.hair_style](face, roots)
    longest = np.interp(face.baldness, [0.15, 0.5, 0.8, 1.0], [40, 12, 4, 1.5])
    losing = ease(0.02, 0.2, face.baldness)
    edge = 1 - losing * (1 - smoothstep(0.05, 0.4, reserve)) * 0.88
    thin = ease(0.2, 0.8, face.baldness)
    return replace(
        plan,
        length=np.minimum(plan.length, longest) * edge,
        clearance=plan.clearance * (1 - 0.6 * thin) * edge,
        lift=plan.lift * (1 - 0.4 * thin),
        clumping=plan.clumping * edge * (1 - 0.8 * thin),
    )


def _plain(roots: RootPlaces) -> Combed:
    n = len(roots.place)
    return Combed(
        length=np.ones(n),
        comb=_directions(n, 0, -1, 0),
        lift=np.full(n, 0.25),
        clearance=0.15 + 0.5 * roots.random[:, 0],
        off_face=np.zeros(n),
        clumping=np.full(n, 0.35),
    )


def _directions(n: int, x: Array | float, y: Array | float, z: Array | float) -> Array:
    return np.stack([np.broadcast_to(np.asarray(v, np.float64), (n,)) for v in (x, y, z)], axis=1)


def _parting(face: Face, roots: RootPlaces) -> Array:
    """+1 left of the parting, -1 right of it."""
    return np.where(roots.place[:, 0] >= (face.parting - 0.5) * 5, 1.0, -1.0)


def _buzz(face: Face, roots: RootPlaces) -> Combed:
    n = len(roots.place)
    return replace(
        _plain(roots),
        length=np.full(n, 0.35 + 0.5 * face.hair_length),
        comb=_directions(n, 0.05 * roots.place[:, 0], -0.3, 0.3),
        lift=np.full(n, 0.6),
        clearance=np.full(n, 0.05),
        segments=4,
        clumping=np.zeros(n),
        jitter=0.5,
        root_shade=0.6,
        gloss=0.12,
    )


def _cropped(top_length: float, side_length: float) -> Callable[[Face, RootPlaces], Combed]:
    """Short hair, longer on top: to the side, back, forward or up."""

    def style(face: Face, roots: RootPlaces) -> Combed:
        n, top, part = len(roots.place), roots.top, _parting(face, roots)
        nape = np.where(roots.place[:, 1] < -2, 0.4, 1.0)
        sides = 0.8 + 1.6 * face.side_length + side_length
        length = sides + (top_length + 3.0 * face.hair_length - sides) * top
        way = min(3, int(face.combing * 4))
        upwards = way == 3
        comb_top = (
            _directions(n, part, 0, 0.25),
            _directions(n, 0.25 * part, 0, -1),
            _directions(n, 0.15 * part, -0.2, 1),
            _directions(n, 0.6 * part, 0.5, 0.4),
        )[way]
        comb = comb_top * top[:, None] + _directions(n, 0, -1, 0.15) * (1 - top[:, None])
        spread = roots.random[:, 0]
        return replace(
            _plain(roots),
            length=length * nape,
            comb=comb,
            lift=0.12 + 0.25 * top * face.volume + 0.2 * upwards,
            clearance=0.1 + (0.3 + 1.2 * face.volume) * spread * top + 0.25 * spread,
            gravity=0.25,
            cling=0.05 if upwards else 0.3,
            clumping=np.full(n, 0.55),
            segments=9,
            root_shade=0.6 if top_length < 3 else 0.35,
        )

    return style


def _curly(face: Face, roots: RootPlaces) -> Combed:
    n = len(roots.place)
    big = face.hair_length * (1 if face.gender > 0.5 else 0.65)
    length = np.full(n, 1.8 + 7 * big)
    return replace(
        _plain(roots),
        length=length * np.where(roots.place[:, 1] < -0.5, 0.35, 1.0),  # the nape is cut short
        comb=_directions(n, 0.1 * roots.place[:, 0], -0.2, 0),
        lift=np.full(n, 0.85),
        clearance=0.2 + length * 0.35 * roots.random[:, 0],
        cling=0.03,
        curl=1.6,
        curl_frequency=3.2 - 1.6 * big,
        gravity=0.05 + 0.12 * face.side_length,
        jitter=0.9,
        clumping=np.full(n, 0.45),
        segments=18,
        gloss=0.12,
    )


def _medium(face: Face, roots: RootPlaces) -> Combed:
    n, top, part = len(roots.place), roots.top, _parting(face, roots)
    comb = _directions(
        n, part * top + 0.1 * roots.side, -0.2 - 0.8 * (1 - top), 0.35 * roots.front - 0.5 * roots.back
    )
    return replace(
        _plain(roots),
        length=5 + 5 * face.hair_length + 1.5 * (1 - top),
        comb=comb,
        lift=0.3 * top + 0.12,
        clearance=0.15 + (0.5 + face.volume) * roots.random[:, 0],
        off_face=np.full(n, 0.6),
        gravity=0.5,
        clumping=np.full(n, 0.6),
    )


def _combed_back(face: Face, roots: RootPlaces) -> Combed:
    n, top = len(roots.place), roots.top
    return replace(
        _plain(roots),
        length=np.full(n, 6 + 5 * face.hair_length),
        comb=_directions(n, 0.15 * _parting(face, roots), 0, -1),
        lift=0.15 + 0.25 * top * face.volume,
        clearance=0.15 + 0.9 * roots.random[:, 0] * top + 0.3 * roots.random[:, 0],
        clumping=np.full(n, 0.6),
    )


def _falling(face: Face, roots: RootPlaces, length: Array) -> Combed:
    """Hair that falls from a parting past the ears."""
    n, top = len(roots.place), roots.top
    comb = _directions(
        n,
        _parting(face, roots) * top + 0.25 * roots.side,
        -0.15 - 0.85 * (1 - top),
        -0.25 * roots.front - 0.35 * roots.back,
    )
    return replace(
        _plain(roots),
        length=length,
        comb=comb,
        lift=0.18 * top + 0.08,
        clearance=0.15 + (0.7 + 0.9 * face.volume) * roots.random[:, 0],
        off_face=np.ones(n),
        gravity=0.55,
        clumping=np.full(n, 0.45),
        segments=18,
    )


def _layered(face: Face, roots: RootPlaces, base: float) -> Array:
    length = base + 14 * face.hair_length - 3 * roots.back
    return length * (0.75 + 0.25 * roots.random[:, 1])


def _long(face: Face, roots: RootPlaces) -> Combed:
    return _falling(face, roots, _layered(face, roots, 24))


def _wavy(face: Face, roots: RootPlaces) -> Combed:
    waves = _falling(face, roots, _layered(face, roots, 24))
    return replace(waves, curl=0.28 + 0.3 * face.side_length, curl_frequency=0.9 + 0.5 * face.combing)


def _bob(face: Face, roots: RootPlaces) -> Combed:
    height = roots.place[:, 1] + 9.0 + 2.5 * face.hair_length
    return _falling(face, roots, np.clip(height, 3, 30) * 1.08 + 2.5 * roots.top)


def _bangs(face: Face, roots: RootPlaces) -> Combed:
    falling = _falling(face, roots, _layered(face, roots, 16))
    x, y, z = roots.place.T
    fringe = (roots.front > 0.12) & (roots.top > 0.2) & (np.abs(x) < 4.8)
    end = (
        3.3 - 1.3 * face.side_length - 0.07 * x**2 + 0.5 * roots.random[:, 2]
    )  # canonical height of the tips
    fringe_length = np.clip(0.85 * (y - end) + 0.75 * (1.5 - z), 2, 12)
    return replace(
        falling,
        length=np.where(fringe, fringe_length, falling.length),
        comb=np.where(fringe[:, None], _directions(len(x), 0.10 * x, -0.5, 1), falling.comb),
        off_face=np.where(fringe, 0.0, 1.0),
        clumping=np.where(fringe, 0.22, falling.clumping),
    )


def _tied(_face: Face, roots: RootPlaces) -> Combed:
    n = len(roots.place)
    return replace(
        _plain(roots),
        length=8 + 4 * roots.front,
        comb=_directions(n, -0.10 * roots.place[:, 0], 0.15, -1),
        lift=np.full(n, 0.06),
        clearance=0.1 + 0.35 * roots.random[:, 0],
        gravity=0.02,
        clumping=np.full(n, 0.3),
        jitter=0.1,
    )


# "shaved" has no strands.
_STYLES: dict[str, Callable[[Face, RootPlaces], Combed]] = {
    "buzz": _buzz,
    "short": _cropped(3.5, 0.0),
    "crew": _cropped(2.2, 0.0),
    "pixie": _cropped(3.5, 1.5),
    "curly": _curly,
    "medium": _medium,
    "back": _combed_back,
    "long": _long,
    "wavy": _wavy,
    "bob": _bob,
    "bangs": _bangs,
    "tied": _tied,
}

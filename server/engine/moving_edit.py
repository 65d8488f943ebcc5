"""Documents between two edits of one face, as if a hand had moved all sliders at once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from server.documents import Base, DirectionMove, Document, Light, Mix, NoiseSpec
from server.engine.editing_interface import LampReading
from server.problems import Problem


def check_same_face(start: Document, end: Document) -> None:
    """Raises Problem film_does_not_fit where more than sliders differs."""
    same = (
        start.model == end.model,
        _without_psi(start.base) == _without_psi(end.base),
        start.base_attributes == end.base_attributes,
        all(_source(a) == _source(b) for a, b in zip(start.mix, end.mix, strict=False)),
        _noise_draws(start.noise) == _noise_draws(end.noise),
    )
    if not all(same):
        detail = "The two edits are not of the same face: a film of an edit moves sliders only."
        raise Problem("film_does_not_fit", detail, "Film a walk from one to the other instead.")


def between(
    start: Document, end: Document, share: float, base: Mapping[str, float], lamp: LampReading | None
) -> Document:
    """The document at a share 0..1 of the way. base, lamp: the attributes and the light that the face has
    before its edits; a slider that only one of the two has moved comes from there or goes back to it.
    """
    if share in (0, 1):
        return end if share else start

    def at(first: float, second: float) -> float:
        return first + (second - first) * share

    psi = at(start.base.truncation_psi, end.base.truncation_psi)
    names = start.attributes.keys() | end.attributes.keys()
    attributes = {
        name: at(
            start.attributes.get(name, base.get(name, 0.0)), end.attributes.get(name, base.get(name, 0.0))
        )
        for name in sorted(names)
    }
    return end.model_copy(
        update={
            "base": end.base.model_copy(update={"truncation_psi": psi}),
            "mix": tuple(_mixed(a, b, share) for a, b in zip_longest(start.mix, end.mix)),
            "attributes": attributes,
            "light": _lit(start.light, end.light, share, lamp),
            "directions": _moved(start.directions, end.directions, share),
            "noise": _noisy(start.noise, end.noise, share),
        }
    )


def _without_psi(base: Base) -> Base:
    return base.model_copy(update={"truncation_psi": 0.0})


def _source(part: Mix) -> tuple[object, ...]:
    return part.source, part.layers


def _noise_draws(noise: NoiseSpec) -> object:
    return noise.seed, {layer: own.seed for layer, own in noise.layers.items()}


def _strengths(part: Mix) -> tuple[float, ...]:
    return part.strength if isinstance(part.strength, tuple) else (part.strength,) * len(part.layers)


def _mixed(first: Mix | None, second: Mix | None, share: float) -> Mix:
    """A source that only one of them mixes in comes from nothing, or goes away."""
    part = second or first
    assert part is not None
    nothing = (0.0,) * len(part.layers)
    before, after = (_strengths(each) if each else nothing for each in (first, second))
    strengths = tuple(a + (b - a) * share for a, b in zip(before, after, strict=True))
    return part.model_copy(update={"strength": strengths})


def _moved(
    first: tuple[DirectionMove, ...], second: tuple[DirectionMove, ...], share: float
) -> tuple[DirectionMove, ...]:
    before = {(move.direction, move.layers): move.strength for move in first}
    after = {(move.direction, move.layers): move.strength for move in second}
    return tuple(
        DirectionMove(
            direction=direction,
            layers=layers,
            strength=(1 - share) * before.get((direction, layers), 0.0)
            + share * after.get((direction, layers), 0.0),
        )
        for direction, layers in dict.fromkeys([*before, *after])
    )


def _noisy(first: NoiseSpec, second: NoiseSpec, share: float) -> NoiseSpec:
    layers = {
        layer: own.model_copy(
            update={"strength": (1 - share) * first.layers[layer].strength + share * own.strength}
        )
        for layer, own in second.layers.items()
    }
    strength = (1 - share) * first.strength + share * second.strength
    return second.model_copy(update={"strength": strength, "layers": layers})


def _lit(first: Light | None, second: Light | None, share: float, lamp: LampReading | None) -> Light | None:
    """The lamp turns the shorter way around."""
    if first == second or lamp is None:
        return second
    before, after = (_lamp_of(light, lamp) for light in (first, second))
    turn = (after["azimuth"] - before["azimuth"] + 180) % 360 - 180
    values: dict[str, Any] = {name: before[name] + (after[name] - before[name]) * share for name in before}
    values["azimuth"] = (before["azimuth"] + turn * share + 180) % 360 - 180
    return Light(**{name: _within(name, value) for name, value in values.items()})


def _lamp_of(light: Light | None, lamp: LampReading) -> dict[str, float]:
    given = light.model_dump() if light else {}
    return {name: value if given.get(name) is None else given[name] for name, value in vars(lamp).items()}


def _within(name: str, value: float) -> float:
    """A reading may lie a little beyond what a document can ask for."""
    low, high = {"strength": (0.0, 1.0), "brightness": (0.05, 4.0)}.get(name, (-180.0, 180.0))
    return min(max(value, low), high)

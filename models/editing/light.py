"""Light as a person moves it, a direction, a strength and a brightness, to and from its nine coefficients.

The coefficients are second-order spherical harmonics (models.faces.light): what comes from everywhere, the
ambient light, plus one lamp. A lamp of strength s from the unit direction d adds pi * s * Y(d) to all nine at
once, so a slider for a single coefficient makes light that no lamp can make. Here nine numbers are split into
ambient and lamp, the lamp is moved, and they are put together again; what the lamp does not explain stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from models.editing.errors import ValueOutOfRange
from models.faces.light import harmonics

Vector = NDArray[np.float64]

_Y0 = 0.282095  # the constant harmonic
# Ambient light of the rendered faces (models.faces.factors): what is likely not to come from the lamp.
_AMBIENT_MEAN = np.array([0.0, 0.35, 0.30, 0, 0, 0, 0, 0, 0])
_AMBIENT_DEVIATION = np.array([np.inf, 0.18, 0.20, 0.22, 0.08, 0.08, 0.08, 0.08, 0.08])
_LARGEST_SHARE = 0.95  # of the constant coefficient that the lamp may explain: some light is everywhere
_GRIDS = ((90.0, 7.5), (7.5, 1.25), (1.25, 0.2))  # half width and spacing of each search, degrees


@dataclass(frozen=True)
class Light:
    """One lamp and the light around it."""

    direction: tuple[float, float, float]  # unit, towards the lamp: x to image right, y up, z to the camera
    strength: float  # 0..1: the lamp's share of the brightness; 0 is soft light from everywhere
    brightness: float  # of a surface that half faces the lamp; rendered faces have 0.75..1.2
    ambient: tuple[float, ...]  # the nine coefficients without the lamp


# Direction (azimuth, elevation, degrees) and strength; inside what the rendered faces show.
PRESETS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "front": (0.0, 20.0, 0.6),
        "left": (-70.0, 20.0, 0.75),
        "right": (70.0, 20.0, 0.75),
        "above": (0.0, 60.0, 0.7),
        "upper left": (-45.0, 45.0, 0.7),
        "upper right": (45.0, 45.0, 0.7),
        "soft": (0.0, 30.0, 0.35),
    }
)


def direction_of(azimuth: float, elevation: float) -> tuple[float, float, float]:
    """Unit direction from degrees: azimuth to image right of the camera, elevation above it."""
    a, e = math.radians(azimuth), math.radians(elevation)
    return math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)


def angles_of(direction: tuple[float, float, float]) -> tuple[float, float]:
    """Azimuth -180..180 and elevation -90..90, degrees, of a direction of any length but 0."""
    x, y, z = _unit(direction)
    return math.degrees(math.atan2(x, z)), math.degrees(math.asin(max(-1.0, min(1.0, y))))


def direction_at(x: float, y: float) -> tuple[float, float, float]:
    """The direction of a point on a drawn sphere: x right and y up in its radius, the near side; points
    outside the circle lie on its rim.
    """
    radius = math.hypot(x, y)
    if radius > 1:
        return x / radius, y / radius, 0.0
    return x, y, math.sqrt(1 - radius * radius)


def split_light(coefficients: Vector) -> Light:
    """The lamp that explains coefficients [9] best under the ambient light that is likely.

    Least squares over direction and strength, each ambient coefficient in its own deviation: a search on ever
    finer grids of directions, the best strength of each in closed form. light_coefficients gives exactly the
    same nine numbers back. Raises ValueOutOfRange for numbers that are not finite, or no light at all.
    """
    light = np.asarray(coefficients, np.float64)
    if light.shape != (9,) or not np.isfinite(light).all() or light[0] <= 0:
        raise ValueOutOfRange("A light needs nine finite coefficients, the first above 0.")
    azimuth, elevation = 0.0, 0.0
    for half, spacing in _GRIDS:
        around = np.arange(-half, half + spacing / 2, spacing)
        a, e = (g.ravel() for g in np.meshgrid(azimuth + around, np.clip(elevation + around, -90, 90)))
        strengths, errors = _fit_strength(light, _directions(a, e))
        best = int(errors.argmin())
        azimuth, elevation, strength = float(a[best]), float(e[best]), float(strengths[best])
    direction = direction_of(azimuth, elevation)
    ambient = light - math.pi * strength * _harmonics(direction)
    lamp = 0.5 * strength
    brightness = lamp + _Y0 * float(ambient[0])
    return Light(direction, lamp / brightness, brightness, tuple(ambient.tolist()))


def light_coefficients(light: Light) -> Vector:
    """The nine coefficients of a light. Raises ValueOutOfRange for numbers out of range."""
    if not 0 <= light.strength <= 1 or not (math.isfinite(light.brightness) and light.brightness > 0):
        raise ValueOutOfRange("A light's strength must lie in 0..1 and its brightness above 0.")
    ambient = np.array(light.ambient)
    if ambient.shape != (9,) or not np.isfinite(ambient).all() or ambient[0] <= 0:
        raise ValueOutOfRange("A light's ambient part needs nine finite coefficients, the first above 0.")
    lamp = 2 * light.strength * light.brightness
    level = (1 - light.strength) * light.brightness / _Y0
    moved: Vector = ambient * (level / ambient[0]) + math.pi * lamp * _harmonics(_unit(light.direction))
    return moved


def move_light(
    coefficients: Vector,
    *,
    direction: tuple[float, float, float] | None = None,
    strength: float | None = None,
    brightness: float | None = None,
) -> Vector:
    """Coefficients [9] of the same light with its lamp moved, stronger, or all of it brighter; None: as it
    is.

    Raises ValueOutOfRange.
    """
    light = split_light(coefficients)
    if direction is not None:
        light = replace(light, direction=_unit(direction))
    if strength is not None:
        light = replace(light, strength=strength)
    if brightness is not None:
        light = replace(light, brightness=brightness)
    return light_coefficients(light)


def preset_light(coefficients: Vector, name: str) -> Vector:
    """Coefficients [9] of the same ambient light under the lamp of a preset. Raises ValueOutOfRange."""
    if name not in PRESETS:
        raise ValueOutOfRange(f"There is no light {name!r}; there are {', '.join(PRESETS)}.")
    azimuth, elevation, strength = PRESETS[name]
    return move_light(coefficients, direction=direction_of(azimuth, elevation), strength=strength)


def _fit_strength(light: Vector, directions: Vector) -> tuple[Vector, Vector]:
    """Best strength, at least 0, of a lamp from each of directions [K, 3], and the error that is left."""
    lamp = math.pi * harmonics(directions)
    known = slice(1, 9)  # the constant coefficient does not tell lamp from ambient
    unit = lamp[:, known] / _AMBIENT_DEVIATION[known]
    wanted = (light - _AMBIENT_MEAN)[known] / _AMBIENT_DEVIATION[known]
    largest = _LARGEST_SHARE * light[0] / (math.pi * _Y0)
    strength = np.clip(unit @ wanted / np.square(unit).sum(axis=1), 0, largest)
    return strength, np.square(wanted - strength[:, None] * unit).sum(axis=1)


def _directions(azimuth: Vector, elevation: Vector) -> Vector:
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], axis=1)


def _harmonics(direction: tuple[float, float, float]) -> Vector:
    values: Vector = harmonics(np.array([direction]))[0]
    return values


def _unit(direction: tuple[float, float, float]) -> tuple[float, float, float]:
    length = math.sqrt(sum(x * x for x in direction))
    if not math.isfinite(length) or length == 0:
        raise ValueOutOfRange("The direction of the light must be three numbers, not all 0.")
    x, y, z = (x / length for x in direction)
    return x, y, z

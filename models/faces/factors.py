"""What a face is: every visible factor as a fixed transform of coordinates of one normal vector z.

z is used as StyleGAN2's mapping network uses it, divided by its root mean square, so z and any
positive multiple of z are the same face. Attributes are independent of one another except where a
prior below says otherwise (beard and baldness are rare on women and children; hair colour, style
and eye colour follow ancestry; hair greys with age).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

Z_DIM = 512

HAIR_STYLES = (
    "buzz", "short", "crew", "curly", "medium", "long", "back", "bob", "bangs", "tied", "pixie",
    "wavy", "shaved",
)  # fmt: skip
# Probabilities of HAIR_STYLES for men and for women.
_STYLE_MEN = (0.17, 0.30, 0.20, 0.10, 0.10, 0.03, 0.06, 0.005, 0.005, 0.01, 0.005, 0.01, 0.005)
_STYLE_WOMEN = (0.005, 0.02, 0.005, 0.10, 0.02, 0.26, 0.005, 0.16, 0.13, 0.13, 0.06, 0.10, 0.005)
BALD = 0.85  # baldness above which only the shortest hair is left

GLASSES_STYLES = ("round", "rect", "aviator", "sun")
GLASSES_PRIOR = (0.35, 0.38, 0.15, 0.12)

IRIS_COLOURS = ("brown", "hazel", "blue", "green", "grey")
IRIS_DARK = (0.90, 0.10, 1e-4, 1e-4, 1e-4)
IRIS_LIGHT = (0.30, 0.20, 0.28, 0.12, 0.10)

# Linear RGB along one axis from black to blond, and the red that a second axis blends in.
_HAIR_PALETTE = np.array(
    [
        (0.010, 0.0085, 0.008),
        (0.030, 0.017, 0.010),
        (0.075, 0.040, 0.022),
        (0.16, 0.09, 0.045),
        (0.25, 0.155, 0.075),
        (0.40, 0.26, 0.12),
    ]
)
_HAIR_RED = np.array((0.22, 0.06, 0.018))
_HAIR_AUBURN = np.array((0.10, 0.028, 0.012))

SHAPE_COORDINATES = 88  # mirrored local shape changes of the head mesh; the renderer uses as many as it has

# Name and number of coordinates, in the order in which they are taken from z.
_LAYOUT: tuple[tuple[str, int], ...] = (
    ("age", 1), ("gender", 1), ("ancestry", 3), ("weight", 1), ("muscle", 1), ("melanin", 1),
    ("redness", 1), ("yaw", 1), ("pitch", 1), ("roll", 1), ("torso", 1), ("smile", 1), ("jaw", 1),
    ("brow", 1), ("gaze", 2), ("blink", 1), ("beard", 1), ("baldness", 1), ("hair_dark", 1),
    ("hair_red", 1), ("hair_tone", 1), ("grey", 2), ("hair_style", 13), ("strand", 10),
    ("glasses", 1), ("glasses_style", 4), ("glasses_colour", 4), ("glasses_shape", 6), ("iris", 5),
    ("freckles", 1), ("makeup", 1), ("key_azimuth", 1), ("key_elevation", 1), ("key_strength", 1),
    ("key_softness", 1), ("ambient", 9), ("tint", 2), ("cloth", 4), ("cloth_cut", 4),
    ("background", 4), ("background_shape", 6), ("exposure", 1), ("shape", SHAPE_COORDINATES),
)  # fmt: skip


def _slices() -> dict[str, slice]:
    start, out = 0, {}
    for name, count in _LAYOUT:
        out[name] = slice(start, start + count)
        start += count
    return out


COORDINATES: Mapping[str, slice] = _slices()
USED_COORDINATES = sum(count for _, count in _LAYOUT)


@dataclass(frozen=True)
class FaceFactors:
    """Factors of N faces; every field is [N] or [N, k].

    Angles in degrees, age in years, colours in linear RGB, everything else 0..1 unless noted.
    """

    age: Array  # years, 4..85
    gender: Array  # 0 male .. 1 female
    ancestry: Array  # [N, 3] African, Asian, Caucasian; sums to 1
    weight: Array
    muscle: Array
    melanin: Array
    redness: Array
    yaw: Array  # degrees, positive towards image right, -38..38
    pitch: Array  # degrees, positive up, -17..17
    roll: Array  # degrees
    torso: Array  # share of the yaw that the shoulders follow
    smile: Array
    jaw_open: Array
    brow: Array  # raised (+) or lowered (-)
    gaze: Array  # [N, 2] degrees, horizontal and vertical
    blink: Array
    beard: Array
    baldness: Array
    hair_colour: Array  # [N, 3]
    grey: Array
    hair_style: NDArray[np.int64]  # index into HAIR_STYLES
    strand: Array  # [N, 10] free parameters of the hair style, beard and brows
    glasses: NDArray[np.bool_]
    glasses_style: NDArray[np.int64]  # index into GLASSES_STYLES
    glasses_colour: Array  # [N, 4]
    glasses_shape: Array  # [N, 6]
    iris: NDArray[np.int64]  # index into IRIS_COLOURS
    freckles: Array
    makeup: Array
    key_direction: Array  # [N, 3] unit, x right, y up, z to the camera
    key_strength: Array
    key_softness: Array
    ambient: Array  # [N, 9] spherical harmonics, order of models.faces.light
    tint: Array  # [N, 2] warmth of ambient and of key light
    cloth: Array  # [N, 3]
    cloth_cut: Array  # [N, 4]
    background: Array  # [N, 3]
    background_shape: Array  # [N, 6] weights of low-frequency waves
    exposure: Array
    shape: Array  # [N, SHAPE_COORDINATES] standard normal


def normalize(z: NDArray[np.floating]) -> Array:
    """z [N, 512] divided by its root mean square, as the mapping network does."""
    z64 = np.asarray(z, np.float64)
    if z64.ndim != 2 or z64.shape[1] != Z_DIM:
        raise ValueError(f"z must be [N, {Z_DIM}], not {list(z64.shape)}")
    unit: Array = z64 / np.sqrt(np.mean(z64**2, axis=1, keepdims=True) + 1e-8)
    return unit


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below low, 1 above high, cubic between; low may exceed high."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _uniform(z: Array, low: float, high: float) -> Array:
    return low + (high - low) * ndtr(z)


def gumbel(z: Array) -> Array:
    """Standard normal values as values of the standard Gumbel distribution."""
    value: Array = -np.log(-np.log(np.clip(ndtr(z), 1e-12, 1 - 1e-12)))
    return value


def _choice(z: Array, probabilities: Array) -> NDArray[np.int64]:
    """Index [N] drawn with the given probabilities [N, k] from k normal coordinates (Gumbel-max)."""
    index: NDArray[np.int64] = np.argmax(np.log(probabilities) + gumbel(z), axis=1)
    return index


def beard_drive(value: Array, gender: Array, age: Array) -> Array:
    """What a beard grows from, its coordinate's value [N] being one part. Men: 58 % with some beard; women
    and children: a few per cent, so that the generator sees both."""
    return value + 0.2 - 1.9 * smoothstep(0.45, 0.75, gender) - 2.2 * (1 - smoothstep(14, 22, age))


def bald_drive(value: Array, gender: Array, age: Array) -> Array:
    """What hair recedes by, its coordinate's value [N] being one part."""
    drive = value - 0.35 + 0.022 * (np.clip(age, 16, 65) - 35)
    drive -= 1.5 * smoothstep(0.45, 0.75, gender) + 1.0 * (1 - smoothstep(14, 22, age))
    return drive


def style_probabilities(gender: Array) -> Array:
    """Of HAIR_STYLES [N, 13]."""
    woman = smoothstep(0.35, 0.65, gender)[:, None]
    return np.array(_STYLE_MEN) * (1 - woman) + np.array(_STYLE_WOMEN) * woman


def cloth_levels(z: Array) -> Array:
    """sRGB [N, 3] of clothes on a scale to 255, before it is cut to what they can have, of z [N, 4]."""
    return _uniform(z[:, :1], 20, 225) + 35 * z[:, 1:]


def background_levels(z: Array) -> Array:
    """The same of the background."""
    return _uniform(z[:, :1], 35, 225) + 14 * z[:, 1:]


def brown_eyes(melanin: Array, ancestry: Array) -> Array:
    """How far the eyes [N] are those of people of whom nearly all have brown ones, 0..1."""
    return np.maximum(smoothstep(0.35, 0.5, melanin), smoothstep(0.4, 0.6, ancestry[:, 1]))


def _hair_colour(dark: Array, red: Array, tone: Array, fairness: Array) -> Array:
    """Linear RGB [N, 3]; fairness 0..1 is how far towards blond the ancestry reaches."""
    position = fairness * ndtr(dark) * (len(_HAIR_PALETTE) - 1)
    steps = np.arange(len(_HAIR_PALETTE))
    colour = np.stack([np.interp(position, steps, _HAIR_PALETTE[:, c]) for c in range(3)], axis=1)
    ginger = np.where(position[:, None] > 2.5, _HAIR_RED, _HAIR_AUBURN)
    amount = (smoothstep(1.0, 1.5, red) * smoothstep(0.3, 0.7, fairness))[:, None]
    return (colour * (1 - amount) + ginger * amount) * _uniform(tone, 0.75, 1.3)[:, None]


def _key_direction(azimuth: Array, elevation: Array) -> Array:
    az, el = np.radians(_uniform(azimuth, -75, 75)), np.radians(_uniform(elevation, 5, 60))
    return np.stack([np.sin(az) * np.cos(el), np.sin(el), np.cos(az) * np.cos(el)], axis=1)


def _ambient(z: Array) -> Array:
    mean = np.array([1.0, 0.35, 0.30, 0, 0, 0, 0, 0, 0])
    deviation = np.array([0, 0.18, 0.20, 0.22, 0.08, 0.08, 0.08, 0.08, 0.08])
    light = mean + deviation * z
    light[:, 0] = _uniform(z[:, 0], 0.16, 0.40) / 0.282095
    return light


def face_factors(z: NDArray[np.floating]) -> FaceFactors:
    """The factors of the faces z [N, 512]."""
    zn = normalize(z)

    def take(name: str) -> Array:
        values = zn[:, COORDINATES[name]]
        return values[:, 0] if values.shape[1] == 1 else values

    age = np.interp(ndtr(take("age")), [0, 0.12, 0.50, 0.75, 1], [4, 16, 36, 54, 85])
    gender = 1 / (1 + np.exp(-3.0 * take("gender")))
    ancestry = np.exp(1.6 * take("ancestry") + np.array([0, 0, 0.3]))
    ancestry /= ancestry.sum(axis=1, keepdims=True)
    skin = ancestry @ np.array([0.80, 0.30, 0.16]) + 0.09 * take("melanin")
    melanin = np.clip(skin, 0.02, 0.98)
    yaw = np.clip(15 * take("yaw"), -38, 38)
    adult = smoothstep(14, 22, age)
    beard = beard_drive(take("beard"), gender, age)
    bald = bald_drive(take("baldness"), gender, age)
    fairness = np.clip(1.25 * ancestry[:, 2] + 0.25, 0, 1) * smoothstep(0.60, 0.35, melanin) * 0.8 + 0.2
    grey_drive = smoothstep(38, 72, age) * _uniform(take("grey")[:, 0], 0.3, 1.3) - 0.05
    grey = np.clip(grey_drive, 0, 1)
    colour = _hair_colour(take("hair_dark"), take("hair_red"), take("hair_tone"), fairness)
    grey_tone = np.array([0.34, 0.33, 0.32]) * _uniform(take("grey")[:, 1], 0.7, 1.6)[:, None]
    style = _choice(take("hair_style"), style_probabilities(gender))
    baldness = np.clip(smoothstep(0.0, 2.2, bald) ** 0.8, 0, 1)
    style = np.where(baldness > BALD, HAIR_STYLES.index("buzz"), style)
    brown = brown_eyes(melanin, ancestry)[:, None]
    irises = np.array(IRIS_DARK) * brown + np.array(IRIS_LIGHT) * (1 - brown)

    return FaceFactors(
        age=age,
        gender=gender,
        ancestry=ancestry,
        weight=np.clip(0.5 + 0.18 * take("weight"), 0.1, 0.95),
        muscle=np.clip(0.5 + 0.15 * take("muscle"), 0.1, 0.9),
        melanin=melanin,
        redness=_uniform(take("redness"), 0.2, 1.0),
        yaw=yaw,
        pitch=np.clip(6.5 * take("pitch"), -17, 17),
        roll=3 * take("roll"),
        torso=_uniform(take("torso"), -0.15, 0.7),
        smile=np.interp(ndtr(take("smile")), [0, 0.28, 0.5, 1], [0, 0, 0.4, 1]),
        jaw_open=np.interp(ndtr(take("jaw")), [0, 0.7, 1], [0, 0, 0.5]),
        brow=0.35 * take("brow"),
        gaze=np.stack(
            [
                np.clip(6 * take("gaze")[:, 0] - 0.25 * yaw, -18, 18),
                3 * take("gaze")[:, 1],
            ],
            axis=1,
        ),
        blink=np.abs(0.06 * take("blink")),
        beard=smoothstep(-0.1, 2.0, beard) ** 0.7,
        baldness=baldness,
        hair_colour=colour * (1 - grey[:, None]) + grey_tone * grey[:, None],
        grey=grey,
        hair_style=style,
        strand=ndtr(take("strand")),
        glasses=take("glasses") > 0.5,
        glasses_style=_choice(take("glasses_style"), np.tile(GLASSES_PRIOR, (len(zn), 1))),
        glasses_colour=ndtr(take("glasses_colour")),
        glasses_shape=ndtr(take("glasses_shape")),
        iris=_choice(take("iris"), irises),
        freckles=smoothstep(0.8, 1.8, take("freckles")) * smoothstep(0.3, 0.2, melanin),
        makeup=smoothstep(-0.3, 1.6, take("makeup")) * adult * smoothstep(0.4, 0.7, gender),
        key_direction=_key_direction(take("key_azimuth"), take("key_elevation")),
        key_strength=_uniform(take("key_strength"), 0.35, 1.45),
        key_softness=_uniform(take("key_softness"), 0.8, 3.2),
        ambient=_ambient(take("ambient")),
        tint=0.05 * take("tint"),
        cloth=_srgb(np.clip(cloth_levels(take("cloth")), 8, 240)),
        cloth_cut=ndtr(take("cloth_cut")),
        background=_srgb(np.clip(background_levels(take("background")), 15, 240)),
        background_shape=take("background_shape"),
        exposure=1 + 0.08 * take("exposure"),
        shape=take("shape"),
    )


def _srgb(value: Array) -> Array:
    """sRGB 0..255 to linear 0..1."""
    c = value / 255
    return np.where(c < 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)

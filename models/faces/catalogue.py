"""Every factor of a face described: unit, range, prior, the coordinates of z that decide it, what it does.

The table in docs/faces.md and the fields of the ground truth come from here; a test holds it against
FaceFactors and against what z really gives.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.faces.factors import COORDINATES


@dataclass(frozen=True)
class FactorDescription:
    """One field of models.faces.factors.FaceFactors."""

    field: str
    unit: str  # "" for a pure number
    low: float | None  # None where there is no bound, or where the values are names
    high: float | None
    prior: str
    coordinates: tuple[str, ...]  # names in COORDINATES, the deciding ones first
    effect: str

    @property
    def truth_name(self) -> str:
        """The name in the ground truth: the field with its unit."""
        return f"{self.field}_{self.unit.replace(' ', '_')}" if self.unit else self.field


def _described(
    field: str,
    unit: str,
    bounds: tuple[float | None, float | None],
    prior: str,
    coordinates: str,
    effect: str,
) -> FactorDescription:
    return FactorDescription(field, unit, *bounds, prior, tuple(coordinates.split()), effect)


_SHARE = (0.0, 1.0)
_FREE = (None, None)

CATALOGUE: tuple[FactorDescription, ...] = (
    _described("age", "years", (4, 85), "quartiles 24, 36 and 54", "age", "shape, wrinkles, brows, skin"),
    _described("gender", "", _SHARE, "0 man, 1 woman; few between", "gender", "shape, brows, lashes"),
    _described(
        "ancestry", "", _SHARE, "three shares: African, Asian, Caucasian", "ancestry", "shape of the head"
    ),
    _described("weight", "", (0.1, 0.95), "normal, 0.5 ± 0.18", "weight", "fullness of the face"),
    _described("muscle", "", (0.1, 0.9), "normal, 0.5 ± 0.15", "muscle", "build of face and neck"),
    _described(
        "melanin", "", (0.02, 0.98), "follows ancestry, ± 0.09", "melanin ancestry", "colour of the skin"
    ),
    _described("redness", "", (0.2, 1), "uniform", "redness", "blood in skin and cheeks"),
    _described("yaw", "degrees", (-38, 38), "normal, 0 ± 15", "yaw", "head turned, + towards image right"),
    _described("pitch", "degrees", (-17, 17), "normal, 0 ± 6.5", "pitch", "head tilted, + up"),
    _described("roll", "degrees", _FREE, "normal, 0 ± 3", "roll", "tilt; the crop takes most of it out"),
    _described("torso", "", (-0.15, 0.7), "uniform", "torso", "share of the yaw that the shoulders follow"),
    _described("smile", "", _SHARE, "28 % none, half above 0.4", "smile", "mouth, cheeks, teeth"),
    _described("jaw_open", "", (0, 0.5), "70 % closed", "jaw", "opens the mouth"),
    _described("brow", "", _FREE, "normal, 0 ± 0.35", "brow", "brows raised (+) or drawn down (-)"),
    _described("gaze", "degrees", _FREE, "± 6 and ± 3, against the yaw", "gaze yaw", "eyes, right and up"),
    _described("blink", "", (0, None), "half normal, 0.06", "blink", "lids half closed"),
    _described(
        "beard",
        "",
        _SHARE,
        "men: half have one; women and children: rare",
        "beard gender age",
        "density, then length",
    ),
    _described(
        "baldness",
        "",
        _SHARE,
        "men: more with age; women and children: rare",
        "baldness gender age",
        "forehead, then crown",
    ),
    _described(
        "hair_colour",
        "linear rgb",
        _FREE,
        "black to blond by ancestry, some red, greying",
        "hair_dark hair_red hair_tone grey ancestry melanin age",
        "hair, brows, beard",
    ),
    _described("grey", "", _SHARE, "from 38 years on", "grey age", "share of grey hair"),
    _described(
        "hair_style",
        "",
        _FREE,
        "by gender; all styles on everybody",
        "hair_style gender baldness age",
        "name of the style",
    ),
    _described(
        "strand", "", _SHARE, "ten uniform numbers", "strand", "details of hair, brows, beard and skin"
    ),
    _described("glasses", "", _FREE, "31 % wear some", "glasses", "true or false"),
    _described(
        "glasses_style", "", _FREE, "35, 38, 15 and 12 %", "glasses_style", "round, rect, aviator, sun"
    ),
    _described(
        "glasses_colour", "", _SHARE, "four uniform numbers", "glasses_colour", "metal or plastic, tone"
    ),
    _described(
        "glasses_shape", "", _SHARE, "six uniform numbers", "glasses_shape", "size and thickness of the rims"
    ),
    _described(
        "iris", "", _FREE, "brown on dark skin, else mixed", "iris melanin ancestry", "name of the colour"
    ),
    _described(
        "freckles", "", _SHARE, "a fifth of fair skins", "freckles melanin ancestry", "on nose and cheeks"
    ),
    _described(
        "makeup", "", _SHARE, "most women, some of it faint", "makeup gender age", "lips, lids, cheeks"
    ),
    _described(
        "key_direction",
        "unit vector",
        (-1, 1),
        "azimuth ± 75°, elevation 5..60°, uniform",
        "key_azimuth key_elevation",
        "towards the key light: right, up, front",
    ),
    _described(
        "key_strength", "", (0.35, 1.45), "uniform", "key_strength", "key light against ambient light"
    ),
    _described("key_softness", "", (0.8, 3.2), "uniform", "key_softness", "blur of shadows"),
    _described(
        "ambient", "", _FREE, "normal around light from above and the front", "ambient", "nine harmonics"
    ),
    _described("tint", "", _FREE, "normal, ± 0.05", "tint", "warmth of ambient and key light"),
    _described("cloth", "linear rgb", _SHARE, "grey ± a tint", "cloth", "colour of the clothes"),
    _described("cloth_cut", "", _SHARE, "four uniform numbers", "cloth_cut", "neckline, V-neck, stripes"),
    _described("background", "linear rgb", _SHARE, "grey ± a tint", "background", "backdrop"),
    _described(
        "background_shape", "", _FREE, "six normal numbers", "background_shape", "waves of brightness in it"
    ),
    _described("exposure", "", _FREE, "normal, 1 ± 0.08", "exposure", "brightness of the picture"),
    _described("shape", "", _FREE, "88 normal numbers", "shape", "local shapes of the face, mirrored"),
)


def coordinate_numbers(description: FactorDescription) -> str:
    """The coordinates of z that decide the factor first, such as "24" or "66..74"."""
    part = COORDINATES[description.coordinates[0]]
    return str(part.start) if part.stop - part.start == 1 else f"{part.start}..{part.stop - 1}"


def factor_table() -> str:
    """The factors as a Markdown table."""
    lines = [
        "| factor | unit | range | prior | of z | also depends on | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for d in CATALOGUE:
        low, high = ("" if v is None else f"{v:g}" for v in (d.low, d.high))
        bounds = f"{low}..{high}" if low or high else ""
        others = ", ".join(d.coordinates[1:])
        cells = (f"`{d.field}`", d.unit, bounds, d.prior, coordinate_numbers(d), others, d.effect)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

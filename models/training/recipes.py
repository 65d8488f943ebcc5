"""The recipes: which phases a generator goes through, and how long each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from models.faces.mapping.layers import DEPTH, LEAST_WIDTH
from models.stylegan2.generator_config import GeneratorConfig
from models.training.phases import AdversarialPhase, Adversary, MappingLesson, PairPhase, Phase, Recipe

RECIPES = ("pairs", "sharpened", "adversarial")

_SMALLEST = 32  # pixels: below, the perceptual distance sees nothing

# Shares of all pictures that the phases of pairs see.
_HALF, _FULL, _SLOW, _NOISE, _TEXTURE = 8 / 18, 6 / 18, 2 / 18, 1 / 18, 1 / 18
_SHARPENING = 1 / 18  # on top of them

LESSON_STEPS = 3_500
_NOISE_KEPT = 0.5  # by eye: at 1 all is grainy, at 0.8 skin still is, at 0.35 hair loses its strands
_TEXTURE_WEIGHT = 4.0  # 0.19 of the loss at first, beside 0.50; docs/training.md has what it brought

# What the last phases share: smaller steps, a longer memory of the average.
_LATE = PairPhase("late", 0, 0, learning_rate=7e-4, average_half_life=2_500.0)


def generator_config(
    resolution: int,
    *,
    channel_base: int | None = None,
    channel_max: int = 256,
    mapping_layers: int = DEPTH,
    mapping_features: int | None = LEAST_WIDTH,
) -> GeneratorConfig:
    """The demo model's kind of generator: a wide and shallow mapping, few channels. channel_base None takes
    4096, which gives 32 feature maps at 128x128, and twice that at 256x256."""
    base = channel_base or max(4096, 32 * resolution)
    return GeneratorConfig(
        z_dim=512,
        w_dim=512,
        img_resolution=resolution,
        mapping_layers=mapping_layers,
        mapping_features=mapping_features,
        channel_base=base,
        channel_max=channel_max,
    )


def pairs_recipe(
    config: GeneratorConfig, pictures: int, *, batch: int = 8, lesson_steps: int = LESSON_STEPS, seed: int = 0
) -> Recipe:
    """Rendered faces: the mapping's lesson, half size, full size, smaller steps, noise, texture.

    Raises ValueError for a generator below 32x32, or whose mapping cannot be put together.
    """
    if config.mapping_layers != DEPTH or (config.mapping_features or config.w_dim) < LEAST_WIDTH:
        raise ValueError(f"a mapping of faces has {DEPTH} layers, hidden ones of {LEAST_WIDTH} units or more")

    full = config.img_resolution
    half = full // 2
    if full < _SMALLEST:
        raise ValueError(f"pairs are compared from {_SMALLEST} pixels on, not at {full}")
    sized = [("half size", half, _HALF), ("full size", full, _FULL)]
    if half < _SMALLEST:
        sized = [("full size", full, _HALF + _FULL)]
    shares = [*(share for _, _, share in sized), _SLOW, _NOISE, _TEXTURE]
    *steps, slow, noise, texture = _steps(shares, pictures // batch)
    phases: list[Phase] = [MappingLesson("mapping", lesson_steps)]
    phases += [
        PairPhase(name, side, own, batch=batch) for (name, side, _), own in zip(sized, steps, strict=True)
    ]
    late = replace(_LATE, resolution=full, batch=batch)
    phases.append(replace(late, name="smaller steps", steps=slow))
    drawn = replace(late, score="energy")
    phases.append(replace(drawn, name="noise", steps=noise, noise_kept=_NOISE_KEPT))
    phases.append(replace(drawn, name="texture", steps=texture, texture_weight=_TEXTURE_WEIGHT))
    return Recipe("pairs", config, tuple(phases), seed)


def _steps(shares: Sequence[float], total: int) -> list[int]:
    """Whole steps for each share that sum up to the total, where there is one for each."""
    ends = [round(end * total) for end in accumulate(shares)]
    return [max(end - start, 1) for start, end in pairwise([0, *ends])]


def sharpened_recipe(
    config: GeneratorConfig, pictures: int, *, batch: int = 8, lesson_steps: int = LESSON_STEPS, seed: int = 0
) -> Recipe:
    """The same, then as many pictures as the noise phase saw with a discriminator beside the renders."""
    pairs = pairs_recipe(config, pictures, batch=batch, lesson_steps=lesson_steps, seed=seed)
    last = replace(
        _LATE,
        name="sharpening",
        resolution=config.img_resolution,
        steps=max(round(_SHARPENING * pictures / batch), 1),
        score="energy",
        batch=batch,
        learning_rate=5e-4,
        adversary=Adversary(weight=0.1, channel_base=config.channel_base, channel_max=config.channel_max),
    )
    return Recipe("sharpened", config, (*pairs.phases, last), seed)


def adversarial_recipe(
    config: GeneratorConfig, pictures: int, *, batch: int = 32, start: int | None = None, seed: int = 0
) -> Recipe:
    """Photographs, as StyleGAN2-ADA trains on them: from the level `start` up (None: a quarter of the size),
    a tenth of the pictures at each lower level, the rest at full size."""
    full = config.img_resolution
    lowest = max(start or full // 4, 8)
    levels: Sequence[int] = [r for r in config.resolutions if lowest <= r <= full] or [full]
    shares = [0.1] * (len(levels) - 1) + [1 - 0.1 * (len(levels) - 1)]
    # The discriminator has as many feature maps as the generator.
    adversary = Adversary(channel_base=config.channel_base, channel_max=config.channel_max, ada_target=0.6)
    phases = [
        AdversarialPhase(
            f"level {level}", level, max(round(share * pictures / batch), 1), batch=batch, adversary=adversary
        )
        for level, share in zip(levels, shares, strict=True)
    ]
    return Recipe("adversarial", config, tuple(phases), seed)

"""The model card of a bundle: a text with the measured figures filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from models.faces.factors import HAIR_STYLES
from models.manifest import Manifest
from models.stylegan2.generator import Generator

TEMPLATE = Path(__file__).with_suffix(".md")
_NOT_MEASURED = "Not measured: `latentloom evaluate model` writes what belongs here."


@dataclass(frozen=True)
class CardFigures:
    """What was measured, as the commands write it; None where nothing was.

    evaluation: of `latentloom evaluate model --json`; readings: evaluation.json of `train attributes`.
    """

    evaluation: Mapping[str, Any] | None = None
    readings: Mapping[str, Any] | None = None


def check_measured(figures: CardFigures, generator_sha256: str) -> None:
    """Raise ValueError where figures are of another generator than the bundle's."""
    for name, values in (("evaluation", figures.evaluation), ("attribute network", figures.readings)):
        measured = None if values is None else values.get("generator_sha256")
        if values is not None and measured != generator_sha256:
            raise ValueError(f"the figures of the {name} are of another generator; measure this one")


def model_card(template: str, manifest: Manifest, generator: Generator, figures: CardFigures) -> str:
    """The text of the card. Raises ValueError where the template asks for something else than it can get."""
    values = {
        "title": manifest.title,
        "description": manifest.description,
        "licence": manifest.licence,
        "network": _network(manifest, generator),
        "hair_styles": str(len(HAIR_STYLES)),
        "figures": "\n".join(_figures(figures)),
        "training": "\n".join(_training(manifest.training)),
    }
    try:
        return Template(template).substitute(values)
    except (KeyError, ValueError) as error:
        raise ValueError(f"the template of the model card asks for something unknown: {error}") from error


def _network(manifest: Manifest, generator: Generator) -> str:
    config = generator.config
    parameters = sum(p.numel() for p in generator.parameters()) / 1e6
    mapping = f"{config.mapping_layers} layers, {config.mapping_features or config.w_dim} wide"
    shape = f"StyleGAN2, {config.img_resolution} × {config.img_resolution}, {generator.num_ws} layers of w"
    widths = (
        f"mapping of {mapping}, up to {config.channels(4)} feature maps, {parameters:.1f} million parameters"
    )
    lines = [
        "| part | what it is | size |",
        "|---|---|---|",
        f"| generator | {shape}, {widths} | {_megabytes(manifest.generator.size)} |",
    ]
    for name, entry, what in (
        (
            "flow",
            manifest.flow,
            "conditional normalising flow on rows of W, 9 light coefficients and 8 attributes",
        ),
        ("attributes", manifest.attributes, "residual network that reads the same 17 numbers from a picture"),
        ("encoder", manifest.encoder, "network that guesses w from a photo, where a projection begins"),
    ):
        if entry is not None:
            lines.append(f"| {name} | {what} | {_megabytes(entry.size)} |")
    return "\n".join(lines)


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"


def _figures(figures: CardFigures) -> Iterator[str]:
    if figures.evaluation is None:
        yield _NOT_MEASURED
    else:
        yield from _evaluation(figures.evaluation)
    if figures.readings is not None:
        for title in ("held_out_renders", "generated_pictures"):
            if title in figures.readings:
                yield from _readings(title.replace("_", " "), figures.readings[title])


def _evaluation(values: Mapping[str, Any]) -> Iterator[str]:
    sets, path = values["sets"], values["path_length"]
    ours, real = sets["generated"], sets["real"]
    yield f"{sets['count']:,} pictures in each set, features: {sets['features']}.\n"
    yield "| | generated against real | real against real |"
    yield "|---|---|---|"
    frechet = f"{ours['frechet']:.2f} ({sets['frechet_ratio']:.1f} times)"
    yield f"| Fréchet distance | {frechet} | {real['frechet']:.2f} |"
    yield f"| kernel distance | {ours['kernel']:.5f} | {real['kernel']:.5f} |"
    yield f"| precision | {ours['precision']:.3f} | {real['precision']:.3f} |"
    yield f"| recall | {ours['recall']:.3f} | {real['recall']:.3f} |"
    yield f"\nPerceptual path length in w: {path['value']:.2f} ({path['pairs']:,} pairs, {path['distance']})."
    mixing, edits = values["mixing"], values["edits"] or ()
    if not (mixing or edits):
        return
    yield f"\nDistance ({values['edit_distance']}) to the render of the changed face. Own is the generator's"
    yield "picture of that face, the best that can be reached; share is how much of the way to it is gone. A"
    yield "crossover has coarse layers of one face, middle and fine ones of two others.\n"
    yield "| change | changed | unchanged | own | share | faces |"
    yield "|---|---|---|---|---|---|"
    if mixing:
        yield _truth("crossover", mixing["mixed"], mixing["unmixed"], mixing)
    for edit in edits:
        yield _truth(edit["attribute"], edit["edited"], edit["unedited"], edit)


def _truth(name: str, changed: float, unchanged: float, rest: Mapping[str, Any]) -> str:
    figures = f"{changed:.3f} | {unchanged:.3f} | {rest['own']:.3f} | {rest['share']:.2f} | {rest['faces']}"
    return f"| {name} | {figures} |"


def _readings(title: str, readings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"\nThe attribute network on {readings[0]['pictures']:,} {title}:\n"
    yield "| attribute | mean error | r | accuracy | aim |"
    yield "|---|---|---|---|---|"
    for reading in readings:
        accuracy = "" if reading["accuracy"] is None else f"{reading['accuracy']:.3f}"
        aim = ""
        if reading["aim"] is not None:
            figure, value = reading["aim"]
            limit = "at most" if figure == "error" else "at least"
            aim = f"{figure} {limit} {value:g}: {'met' if reading['met'] else 'not met'}"
        yield f"| {reading['attribute']} | {reading['error']:.3f} | {reading['r']:.3f} | {accuracy} | {aim} |"


def _training(entries: Sequence[Mapping[str, str | int]]) -> Iterator[str]:
    if not entries:
        yield "Not recorded."
        return
    yield "```"
    for entry in entries:
        yield str(entry.get("command", ""))
    yield "```"
    versions = sorted({f"Latent Loom {e.get('latentloom')}, PyTorch {e.get('torch')}" for e in entries})
    seeds = sorted({str(entry.get("seed")) for entry in entries})
    yield f"With {'; '.join(versions)}. Seeds: {', '.join(seeds)}."

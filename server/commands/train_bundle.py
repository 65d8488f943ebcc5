"""`latentloom train bundle`: trained networks put together into the folder of a model."""

from __future__ import annotations

import io
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.run_record import read_invocations
from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, refused, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.stylegan2.generator import Generator

THUMBNAIL_SIDE = 128
CARD_FILE = "MODEL_CARD.md"
READINGS_FILE = "evaluation.json"


class LayerChoice(StrEnum):
    """Whose layer rules a bundle gets."""

    TAUGHT = "taught"
    STYLEFLOW = "styleflow"
    ALL = "all"


def bundle(
    generator: Annotated[Path, typer.Option(help="Generator file.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder of the model; its name names the model.")],
    flow: Annotated[Path | None, typer.Option(help="Flow file.", exists=True)] = None,
    attributes: Annotated[Path | None, typer.Option(help="Attribute estimator file.", exists=True)] = None,
    encoder: Annotated[Path | None, typer.Option(help="Encoder file.", exists=True)] = None,
    evaluation: Annotated[
        Path | None, typer.Option(help="What `latentloom evaluate model --json` printed.", exists=True)
    ] = None,
    title: Annotated[str, typer.Option(help="Shown to people.")] = "Rendered faces",
    description: Annotated[
        str, typer.Option(help="One sentence.")
    ] = "Synthetic faces, learned from a renderer; no real person is in them.",
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "Apache-2.0",
    default_psi: Annotated[float, typer.Option(help="Truncation to begin with.")] = 0.7,
    seeds: Annotated[str, typer.Option(help="Of the starting gallery, the first one first.")] = "1,2,3,4,5,6",
    mix_borders: Annotated[
        str, typer.Option(help="First middle and first fine row of ws: as taught on rendered faces.")
    ] = "4,7",
    layers: Annotated[
        LayerChoice,
        typer.Option(help="Rows that an attribute may change: as mixing was taught, StyleFlow's, or all."),
    ] = LayerChoice.TAUGHT,
    card_template: Annotated[
        Path | None, typer.Option(help="Text of the model card (that of rendered faces).", exists=True)
    ] = None,
) -> None:
    """Write the folder of a model: networks, thumbnails, manifest.json and MODEL_CARD.md.

    Commands, seeds and versions come from the run.json beside each network, readings of attributes from the
    evaluation.json beside the estimator. Measure the folder with `latentloom evaluate model` and run this
    again with --evaluation to have the figures on the card.
    """
    # Late, because torch takes seconds to import and --help should not.
    from models.bundle import write_bundle
    from models.stylegan2.checkpoint import load_generator
    from models.training.model_card import TEMPLATE, CardFigures, check_measured, model_card
    from models.weights import CheckpointError, replace_file

    numbers, borders = _numbers(seeds), _numbers(mix_borders)
    if len(borders) != 2:
        stop(f"{mix_borders!r} is not the first middle and the first fine row, like 4,8.", EXIT_USAGE)
    networks = {"generator": generator, "flow": flow, "attributes": attributes, "encoder": encoder}
    try:
        drawing = load_generator(generator)
        manifest = write_bundle(
            out,
            name=out.resolve().name,
            title=title,
            description=description,
            licence=licence,
            generator=generator,
            flow=flow,
            attributes=attributes,
            encoder=encoder,
            default_psi=default_psi,
            seeds=numbers,
            layers=_layers(layers, drawing.num_ws),
            mix_borders=(borders[0], borders[1]),
            gallery={seed: thumbnail(drawing, seed, default_psi) for seed in numbers},
            training=_training(networks),
        )
        readings = attributes.with_name(READINGS_FILE) if attributes else None
        figures = CardFigures(_read(evaluation), _read(readings if readings and readings.exists() else None))
        check_measured(figures, manifest.generator.sha256)
        template = (card_template or TEMPLATE).read_text(encoding="utf-8")
        card = model_card(template, manifest, drawing, figures)
        replace_file(out / CARD_FILE, card.encode())
    except CheckpointError as error:
        refused(error)
    except (ValueError, OSError) as error:
        stop(f"{error}.", EXIT_FAILED)
    size = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    typer.echo(f"{out}: {size:.1f} MB.")


def thumbnail(generator: Generator, seed: int, psi: float) -> bytes:
    """A JPEG of the seed's picture, at most 128 pixels wide."""
    import numpy as np
    import torch
    from PIL import Image

    from models.stylegan2.generator import to_uint8

    z = torch.from_numpy(np.random.RandomState(seed).randn(1, generator.z_dim))
    with torch.no_grad():
        picture = to_uint8(generator(z, truncation_psi=psi))[0].numpy()
    image = Image.fromarray(picture)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=88)
    return data.getvalue()


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError:
        stop(f"{seeds!r} is not a list of numbers like 1,2,3.", EXIT_USAGE)


def _layers(choice: LayerChoice, num_ws: int) -> dict[str, list[int]] | None:
    from models.editing.layer_rules import all_layers
    from models.faces.mixing_groups import attribute_layers

    if choice is LayerChoice.STYLEFLOW:
        return None  # what a bundle leaves out is StyleFlow's
    return attribute_layers(num_ws) if choice is LayerChoice.TAUGHT else all_layers(num_ws).named()


def _training(networks: dict[str, Path | None]) -> Sequence[dict[str, str | int]]:
    """What run.json beside each network says, with the name of the network."""
    entries = []
    for part, path in networks.items():
        for invocation in read_invocations(path.parent) if path else ():
            facts = {name: v for name, v in invocation.items() if isinstance(v, str | int)}
            entries.append({"part": part, **facts})
    return entries


def _read(path: Path | None) -> dict[str, Any] | None:
    """The JSON object of a file. Raises ValueError where it holds something else."""
    if path is None:
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds no figures")
    return values

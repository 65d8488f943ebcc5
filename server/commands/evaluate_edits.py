"""`latentloom evaluate edits`: whether attribute edits do what was asked, and only that."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.bars import counting_bars
from server.commands.terminal import EXIT_FAILED, EXIT_REFUSED, EXIT_USAGE, stop
from server.settings import Settings

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.metrics.edit_evaluation import EditEvaluation, EditSheet
    from models.metrics.edits import SideEffects

_HEADS = f"{'r':>7}{'slope':>7}{'error':>8}"


def edits(
    source: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="Name of a bundle, or its folder.")
    ] = "demo",
    samples: Annotated[int, typer.Option(min=4, help="Faces to edit.")] = 500,
    population: Annotated[
        int, typer.Option(min=100, help="Faces for the linear directions and the deviations.")
    ] = 4000,
    attribute: Annotated[
        list[str] | None, typer.Option(help="Only this attribute; may be given several times.")
    ] = None,
    psi: Annotated[
        float | None, typer.Option(help="Truncation of the faces; the bundle's own by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the faces and of what is asked.")] = 0,
    perceptual: Annotated[
        str, typer.Option(help="Perceptual distance that judges likeness.")
    ] = "efficientnet-lite0",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    out: Annotated[
        Path | None, typer.Option(help="Folder for edits.json and a sheet of pictures an attribute.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Reached against asked, what else moves, and likeness, for each attribute; beside linear directions and
    StyleFlow's own procedure at the same reached change. Then light, and faces made on request."""
    # Late, because torch takes seconds to import and --help should not.
    from models.editing.errors import EditError
    from models.editing.layer_rules import layer_rules
    from models.editing.locks import PictureReader
    from models.editing.targets import attribute_columns, check_flow_fits
    from models.metrics.edit_evaluation import evaluate_edits
    from models.metrics.edits import EditPlan
    from models.projection.perceptual import load_perceptual
    from models.projection.trunks import TrunkError
    from models.styleflow.attributes import ATTRIBUTES
    from models.styleflow.network import IntegrationError

    bundle = _load(source, device)
    if bundle.flow is None or bundle.estimator is None:
        stop(
            f"{bundle.manifest.title} has no flow or no attribute network, so nothing can be edited.",
            EXIT_FAILED,
        )
    names = attribute or [a.name for a in ATTRIBUTES]
    try:
        plan = EditPlan(
            samples=samples,
            population=population,
            psi=bundle.manifest.default_psi if psi is None else psi,
            seed=seed,
            columns=attribute_columns(names),
        )
        check_flow_fits(bundle.flow, bundle.generator)
        rules = layer_rules(bundle.generator.num_ws, bundle.manifest.layers)
        distance = load_perceptual(perceptual, device)
    except (EditError, TrunkError, ValueError) as error:
        stop(str(error), EXIT_USAGE)
    reader = PictureReader(bundle.generator, bundle.estimator)
    try:
        with counting_bars() as report:
            result, sheets = evaluate_edits(reader, bundle.flow, rules, distance, plan, report)
    except (EditError, IntegrationError) as error:
        stop(str(error), EXIT_FAILED)
    if out is not None:
        _write(out, result, sheets)
    typer.echo(json.dumps(asdict(result), indent=2) if as_json else _table(result))


def _load(source: str, device: str) -> Bundle:
    from models.bundle import load_bundle
    from models.weights import CheckpointError

    path = Path(source)
    if not path.is_dir():
        path = Settings().checkpoints_dir / source
    try:
        return load_bundle(path, device)
    except CheckpointError as error:
        stop(str(error), EXIT_REFUSED)


def _write(folder: Path, result: EditEvaluation, sheets: list[EditSheet]) -> None:
    from PIL import Image

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "edits.json").write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
        for sheet in sheets:
            Image.fromarray(sheet.picture).save(folder / f"{sheet.attribute}.png")
    except OSError as error:
        stop(f"The result cannot be written to {folder}: {error.strerror}.", EXIT_FAILED)


def _table(result: EditEvaluation) -> str:
    plan = result.plan
    lines = [
        f"{plan.samples} faces, truncation {plan.psi:g}, seed {plan.seed}; flow in {result.steps} steps",
        f"likeness: {result.likeness}",
        "",
        f"{'reached against asked':22}{_HEADS}    calibrated: {_HEADS}    switched",
    ]
    for a in result.attributes:
        p, c = a.plain, a.calibrated
        lines.append(
            f"  {a.attribute:20}{p.r:7.3f}{p.slope:7.2f}{p.error:8.3f}"
            f"                {c.r:7.3f}{c.slope:7.2f}{c.error:8.3f}{a.switched:12.1%}"
        )
    lines += ["", "at the same reached change:"]
    lines += [f"{'':28}{'leakage':>9}{'of face':>9}{'likeness lost':>15}{'strangeness':>13}"]
    for a in result.attributes:
        lines.append(f"  {a.attribute}, {a.matched:.0%} of the faces")
        lines += [_effects(s) for s in a.same_change]
    lines += ["", "the same of calibrated edits, which change more"]
    lines += [f"  {a.attribute:12}{_effects(a.calibrated_effects)}" for a in result.attributes]
    light, back = result.light, result.there_and_back
    lines += [
        "",
        f"light moved: azimuth r {light.azimuth.r:.3f}, error {light.azimuth.error:.1f}°;"
        f" elevation r {light.elevation.r:.3f}, error {light.elevation.error:.1f}°",
        f"StyleFlow's sliders there and back: likeness lost {back.likeness:.3f},"
        f" readings off by {back.drift:.2f} deviations (a document: 0)",
        "",
        "faces on request",
    ]
    for s in result.sampling:
        lines.append(
            f"  {s.attribute:12}r {s.sampled.r:.3f}  error {s.sampled.error:.3f}  right side"
            f" {s.sampled.right_side:.0%}   corrected: r {s.corrected.r:.3f}  error {s.corrected.error:.3f}"
            f"  right side {s.corrected.right_side:.0%}"
        )
    return "\n".join(lines)


def _effects(effects: SideEffects) -> str:
    return (
        f"    {effects.method:24}{effects.leakage:9.3f}{effects.face_leakage:9.3f}{effects.likeness:15.2f}"
        f"{effects.strangeness:13.2f}   most: {effects.worst} {effects.worst_leakage:.2f}"
    )

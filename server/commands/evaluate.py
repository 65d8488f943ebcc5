"""`latentloom evaluate …`: measuring a model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.bars import counting_bars
from server.commands.terminal import EXIT_FAILED, refused, stop
from server.settings import Settings

if TYPE_CHECKING:
    from models.metrics.edit_truth import FlowEdits
    from models.metrics.model_evaluation import ModelEvaluation
    from models.stylegan2.generator import Generator

evaluate = typer.Typer(name="evaluate", help="Measure a model.", no_args_is_help=True)


@evaluate.callback()
def evaluations() -> None:
    """Measure a model."""


@evaluate.command()
def model(
    faces: Annotated[
        Path, typer.Option(help="Real pictures: a folder of rendered faces or photographs.", exists=True)
    ],
    source: Annotated[
        str, typer.Argument(metavar="MODEL", help="Name of a model, bundle folder or generator file.")
    ] = "demo",
    count: Annotated[int, typer.Option(min=8, help="Pictures in each set.")] = 10_000,
    features: Annotated[
        str, typer.Option(help="efficientnet-lite0 (offline) or inception-torchvision.")
    ] = "efficientnet-lite0",
    perceptual: Annotated[
        str, typer.Option(help="Perceptual distance of path length and edits.")
    ] = "efficientnet-lite0",
    path_pairs: Annotated[int, typer.Option(min=2, help="Pairs for the path length.")] = 2_000,
    edit_faces: Annotated[int, typer.Option(min=0, help="Faces for each edit; 0 leaves edits out.")] = 64,
    first_shard: Annotated[
        int, typer.Option(min=0, help="First shard of rendered faces that training has not seen.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of z, noise and the faces to edit.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fréchet and kernel distance, precision, recall, path length, and how true edits are.

    Every figure names its features and its number of pictures, and stands beside what real pictures get
    against other real pictures.
    """
    # Late, because torch takes seconds to import and --help should not.
    from models.metrics.features import load_features
    from models.metrics.model_evaluation import EvaluationPlan, evaluate_model
    from models.projection.perceptual import load_perceptual
    from models.projection.trunks import TrunkError
    from models.training.pairs import holds_renders

    generator, edits, sha256 = load_model(source, device)
    plan = EvaluationPlan(count, path_pairs, edit_faces if holds_renders(faces) else 0, first_shard, seed)
    try:
        with counting_bars() as report:
            result = evaluate_model(
                generator,
                edits,
                faces,
                load_features(features, device),
                load_perceptual(perceptual, device),
                plan,
                report,
            )
    except (TrunkError, ValueError, OSError) as error:
        stop(f"{error}.", EXIT_FAILED)
    if as_json:
        typer.echo(json.dumps({"generator_sha256": sha256, **asdict(result)}, indent=2))
    else:
        _print(result)


def load_model(source: str, device: str) -> tuple[Generator, FlowEdits | None, str]:
    """Generator, what edits its faces where there is a flow, and the sha256 of the generator's file, of a
    name in the checkpoints folder, a bundle folder or a file. Ends the command where it cannot be used.
    """
    from models.bundle import load_bundle
    from models.editing.layer_rules import layer_rules
    from models.metrics.edit_truth import FlowEdits
    from models.stylegan2.checkpoint import load_generator
    from models.weights import CheckpointError

    path = Path(source)
    if not path.exists():
        path = Settings().checkpoints_dir / source
    try:
        if path.is_dir():
            bundle = load_bundle(path, device)
            rules = layer_rules(bundle.generator.num_ws, bundle.manifest.layers)
            edits = FlowEdits(bundle.flow, rules) if bundle.flow else None
            return bundle.generator, edits, bundle.manifest.generator.sha256
        generator = load_generator(path, device)
        return generator, None, hashlib.sha256(path.read_bytes()).hexdigest()
    except CheckpointError as error:
        refused(error)


def _print(result: ModelEvaluation) -> None:
    sets, path = result.sets, result.path_length
    lines = [
        f"{sets.count} pictures in each set, features: {sets.features}",
        f"  {'':18}{'generated':>12}{'real':>12}",
        f"  {'Fréchet distance':18}{sets.generated.frechet:12.3f}{sets.real.frechet:12.3f}"
        f"   ({sets.frechet_ratio:.2f} times)",
        f"  {'kernel distance':18}{sets.generated.kernel:12.5f}{sets.real.kernel:12.5f}",
        f"  {'precision':18}{sets.generated.precision:12.3f}{sets.real.precision:12.3f}",
        f"  {'recall':18}{sets.generated.recall:12.3f}{sets.real.recall:12.3f}",
        f"path length in w: {path.value:.2f} ({path.pairs} pairs, {path.distance})",
    ]
    if result.mixing is not None:
        m = result.mixing
        lines.append(f"distance of {m.faces} crossovers to the render of the face they mean: {m.mixed:.4f}")
        lines.append(
            f"  without mixing {m.unmixed:.4f}, own picture {m.own:.4f}, share of the way {m.share:.2f}"
        )
    if result.edits is None:
        lines.append(
            "edits: not measured (that needs a bundle with a flow, rendered faces, and --edit-faces above 0)"
        )
    else:
        lines.append(f"distance to the render of the changed face ({result.edit_distance}):")
        lines.append(f"  {'':12}{'edited':>9}{'unedited':>10}{'own':>9}{'share':>8}{'faces':>7}")
    for e in result.edits or ():
        numbers = f"{e.edited:9.4f}{e.unedited:10.4f}{e.own:9.4f}{e.share:8.2f}{e.faces:7d}"
        lines.append(f"  {e.attribute:12}{numbers}")
    typer.echo("\n".join(lines))

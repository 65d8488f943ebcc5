"""`latentloom train flow`: the conditional flow that edits attributes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.bars import stop_in_order, training_bars
from server.commands.run_record import record_invocation
from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, refused, stop
from server.commands.train_generator import Device, Out, SaveEvery, Threads, prepare_torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from models.training.flow_evaluation import FlowEvaluation

EVALUATION_FILE = "evaluation.json"


def flow(
    out: Out,
    generator: Annotated[
        Path | None,
        typer.Option(help="Of rendered faces: the pairs are its w and what z means.", exists=True),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Or .npz with w [N,512] and attributes [N,17], raw units.", exists=True),
    ] = None,
    count: Annotated[int, typer.Option(min=100, help="Pairs of the generator.")] = 30_000,
    steps: Annotated[int, typer.Option(min=1, help="Of Adam.")] = 2000,
    batch: Annotated[int, typer.Option(min=1, help="Pairs a step.")] = 256,
    hidden: Annotated[str, typer.Option(help="Widths of the hidden layers.")] = "512,512",
    learning_rate: Annotated[float, typer.Option(min=0, help="Adam's, after warm-up.")] = 1e-3,
    solver_steps: Annotated[int, typer.Option(min=1, help="Of rk4 in training.")] = 5,
    latent_noise: Annotated[float, typer.Option(min=0, help="Share of the deviation of w.")] = 0.1,
    attribute_noise: Annotated[float, typer.Option(min=0, help="Share of each one's deviation.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Of pairs, weights, batches and noise.")] = 0,
    device: Device = "cpu",
    threads: Threads = None,
    save_every: SaveEvery = 300.0,
) -> None:
    """Train the conditional flow on pairs of w and attributes, then measure how well it edits.

    The same command goes on with the run in OUT. OUT gets flow.safetensors and evaluation.json.
    """
    if (generator is None) == (data is None):
        stop("Give either --generator or --data.", EXIT_USAGE)
    try:
        widths = tuple(int(width) for width in hidden.split(","))
    except ValueError:
        stop(f"{hidden!r} is not a list of widths like 512,512.", EXIT_USAGE)
    # Late, because torch takes seconds to import and --help should not.
    from models.training.flow import FLOW_FILE, train_flow
    from models.training.flow_evaluation import evaluate_flow
    from models.training.flow_trainer import FlowData, FlowTraining
    from models.training.watch import Watch

    prepare_torch(device, threads)
    settings = FlowTraining(
        steps=steps,
        batch=batch,
        hidden=widths,
        learning_rate=learning_rate,
        solver_steps=solver_steps,
        latent_noise=latent_noise,
        attribute_noise=attribute_noise,
        seed=seed,
    )
    try:
        w, attributes = _pairs(generator, data, count, seed, device)
        record_invocation(out, seed)
        with training_bars() as report, stop_in_order() as asked:
            watch = Watch(save_every=save_every, should_stop=asked, report=report)
            trained = train_flow(w, attributes, settings, out, watch, device)
    except (ValueError, OSError, FloatingPointError) as error:
        stop(f"{error}.", EXIT_FAILED)
    if trained is None:
        stop("Stopped; the same command goes on from there.", EXIT_FAILED)
    pairs = FlowData.split(w, attributes, settings.held_out)
    evaluation = evaluate_flow(
        trained, pairs.w, pairs.attributes, pairs.held_out_w, pairs.held_out_attributes
    )
    (out / EVALUATION_FILE).write_text(json.dumps(asdict(evaluation), indent=1))
    typer.echo(f"{out / FLOW_FILE}:")
    typer.echo("\n".join(_lines(evaluation)))


def _lines(evaluation: FlowEvaluation) -> Iterable[str]:
    yield f"there and back: {evaluation.round_trip:.1e} of the deviation of w, {evaluation.rows} rows"
    yield f"  {'':11}{'asked':>8}{'moved':>8}{'a perfect edit':>16}   moved most besides"
    for edit in evaluation.edits:
        besides = f"{edit.largest_other} {edit.largest_other_deviations:.2f} sd"
        perfect = edit.asked * edit.probe_r2
        yield f"  {edit.name:11}{edit.asked:8.2f}{edit.moved:8.2f}{perfect:16.2f}   {besides}"


def _pairs(
    generator: Path | None, data: Path | None, count: int, seed: int, device: str
) -> tuple[Tensor, Tensor]:
    """w and attributes; those of a generator are drawn from a seed that no shard of rendered faces has."""
    import numpy as np
    import torch

    from models.stylegan2.checkpoint import load_generator
    from models.training.flow import latent_pairs
    from models.weights import CheckpointError

    if data is not None:
        try:
            with np.load(data, allow_pickle=False) as arrays:
                return torch.from_numpy(arrays["w"]), torch.from_numpy(arrays["attributes"])
        except (KeyError, ValueError) as error:
            raise ValueError(f"{data} is no .npz file with w and attributes") from error
    assert generator is not None
    try:
        loaded = load_generator(generator, device)
    except CheckpointError as error:
        refused(error)
    return latent_pairs(loaded, count, 1_000_003 + seed)

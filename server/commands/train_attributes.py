"""`latentloom train attributes`: the network that reads attributes and light from a picture."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.bars import counting_bars, stop_in_order, training_bars
from server.commands.run_record import record_invocation
from server.commands.terminal import EXIT_FAILED, refused, stop
from server.commands.train_generator import Device, Out, SaveEvery, Threads, prepare_torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.attributes.estimator import AttributeEstimator
    from models.metrics.attribute_readings import AttributeReading
    from models.stylegan2.generator import Generator
    from models.training.pairs import Pairs
    from models.training.shard_pictures import Pictures

EVALUATION_FILE = "evaluation.json"


def attributes(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.", exists=True)],
    out: Out,
    generator: Annotated[
        Path | None,
        typer.Option(help="Generator of rendered faces whose pictures are read, too.", exists=True),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of AdamW.")] = 6000,
    batch: Annotated[int, typer.Option(min=2, help="Pictures a step.")] = 64,
    own: Annotated[int, typer.Option(min=64, help="Pictures of the generator, drawn once.")] = 8192,
    held_out: Annotated[int, typer.Option(min=1, help="Shards, the first ones, to measure on.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and roughening.")] = 0,
    device: Device = "cpu",
    threads: Threads = None,
    save_every: SaveEvery = 300.0,
) -> None:
    """Train the attribute estimator, and print how well it reads beside what is aimed at.

    Measured on renders that training has not seen and, with a generator, on its pictures of the same z. The
    same command goes on with the run in OUT. OUT gets attributes.safetensors and evaluation.json.
    """
    # Late, because torch takes seconds to import and --help should not.
    from models.stylegan2.checkpoint import load_generator
    from models.training.attributes import (
        ESTIMATOR_FILE,
        EstimatorTraining,
        generated_faces,
        train_estimator,
    )
    from models.training.pairs import split_pairs
    from models.training.watch import Watch
    from models.weights import CheckpointError

    prepare_torch(device, threads)
    try:
        drawing = load_generator(generator, device) if generator else None
    except CheckpointError as error:
        refused(error)
    try:
        pairs, unseen = split_pairs(faces, held_out)
        training = EstimatorTraining(steps=steps, batch=batch, seed=seed)
        generated = None
        if drawing is not None:
            with counting_bars() as bars:
                count = min(own, len(pairs))
                generated = generated_faces(
                    drawing, pairs, count, lambda n: bars("the generator's pictures", n, count)
                )
        record_invocation(out, seed)
        with training_bars() as report, stop_in_order() as asked:
            watch = Watch(save_every=save_every, should_stop=asked, report=report)
            estimator = train_estimator(pairs, generated, training, out, watch, device)
    except (ValueError, OSError) as error:
        stop(f"{error}.", EXIT_FAILED)
    if estimator is None:
        stop("Stopped; the same command goes on from there.", EXIT_FAILED)
    readings = _readings(estimator, unseen, drawing)
    values = {title: [asdict(reading) for reading in part] for title, part in readings.items()}
    if generator is not None:
        values["generator_sha256"] = hashlib.sha256(generator.read_bytes()).hexdigest()  # type: ignore[assignment]
    (out / EVALUATION_FILE).write_text(json.dumps(values, indent=1))
    typer.echo(f"{out / ESTIMATOR_FILE}:")
    for title, part in readings.items():
        typer.echo(f"{title.replace('_', ' ')}, {part[0].pictures} pictures")
        typer.echo("\n".join(_lines(part)))


def _readings(
    estimator: AttributeEstimator, unseen: Pairs, drawing: Generator | None
) -> dict[str, tuple[AttributeReading, ...]]:
    """On renders, and on the generator's pictures of their z."""
    import torch

    from models.metrics.attribute_readings import attribute_readings
    from models.training.attributes import generated_faces
    from models.training.pairs import picture_tensor

    side, device = estimator.config.resolution, estimator.mean.device
    truth = torch.from_numpy(unseen.attributes)

    def read(pictures: Pictures) -> tuple[AttributeReading, ...]:
        return attribute_readings(estimator, picture_tensor(pictures[:], side).to(device), truth)

    readings = {"held_out_renders": read(unseen.pictures)}
    if drawing is not None:
        readings["generated_pictures"] = read(generated_faces(drawing, unseen, len(unseen)).pictures)
    return readings


def _lines(readings: Iterable[AttributeReading]) -> Iterable[str]:
    yield f"  {'':11}{'error':>9}{'r':>8}{'accuracy':>10}   aim"
    for reading in readings:
        accuracy = "" if reading.accuracy is None else f"{reading.accuracy:.3f}"
        aim = ""
        if reading.aim is not None:
            figure, value = reading.aim
            sign = "<=" if figure == "error" else ">="
            aim = f"{figure} {sign} {value:g}: {'met' if reading.met else 'not met'}"
        yield f"  {reading.attribute:11}{reading.error:9.3f}{reading.r:8.3f}{accuracy:>10}   {aim}"

"""`latentloom train encoder`: the network that guesses the latent of a photo in one pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from server.commands.bars import counting_bars, stop_in_order, training_bars
from server.commands.run_record import record_invocation
from server.commands.terminal import EXIT_FAILED, refused, stop
from server.commands.train_generator import Device, Out, SaveEvery, Threads, prepare_torch

EVALUATION_FILE = "evaluation.json"


def encoder(
    generator: Annotated[
        Path,
        typer.Option(help="Generator whose latents are guessed: a file or a bundle folder.", exists=True),
    ],
    out: Out,
    faces: Annotated[
        Path | None,
        typer.Option(help="Folder of the rendered faces that the generator learned from.", exists=True),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of AdamW.")] = 6000,
    batch: Annotated[int, typer.Option(min=2, help="Pictures a step.")] = 32,
    own: Annotated[int, typer.Option(min=64, help="Pictures of the generator, drawn once.")] = 8192,
    held_out: Annotated[int, typer.Option(min=1, help="Shards, the first ones, to measure on.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, pictures, order and roughening.")] = 0,
    device: Device = "cpu",
    threads: Threads = None,
    save_every: SaveEvery = 300.0,
) -> None:
    """Train the encoder of first guesses, and print how far its guesses lie from the truth.

    The same command goes on with the run in OUT. OUT gets encoder.safetensors and evaluation.json.
    """
    # Late, because torch takes seconds to import and --help should not.
    from models.stylegan2.checkpoint import load_generator
    from models.training.encoder import (
        ENCODER_FILE,
        EncoderTraining,
        guess_errors,
        own_pictures,
        rendered_pictures_of_w,
        train_encoder,
    )
    from models.training.pairs import load_pairs
    from models.training.watch import Watch
    from models.weights import CheckpointError

    prepare_torch(device, threads)
    try:
        drawing = load_generator(generator, device)
    except CheckpointError as error:
        refused(error)
    record_invocation(out, seed)
    training = EncoderTraining(steps=steps, batch=batch, seed=seed)
    try:
        renders = unseen = None
        if faces is not None:
            renders = rendered_pictures_of_w(drawing, load_pairs(faces, range(held_out, 100_000)))
            unseen = rendered_pictures_of_w(drawing, load_pairs(faces, range(held_out)))
        with counting_bars() as bars:
            pool = own_pictures(
                drawing,
                own,
                training.resolution,
                seed,
                lambda n: bars("the generator's pictures", n, own),
            )
        with training_bars() as report, stop_in_order() as asked:
            watch = Watch(save_every=save_every, should_stop=asked, report=report)
            trained = train_encoder(drawing, pool, renders, training, out, watch)
    except (ValueError, OSError) as error:
        stop(f"{error}.", EXIT_FAILED)
    if trained is None:
        stop("Stopped; the same command goes on from there.", EXIT_FAILED)
    fresh = own_pictures(drawing, 256, training.resolution, seed + 1)
    errors = {"own_pictures": guess_errors(trained, drawing, fresh)}
    if unseen is not None:
        errors["held_out_renders"] = guess_errors(trained, drawing, unseen)
    (out / EVALUATION_FILE).write_text(json.dumps(errors, indent=1))
    typer.echo(f"{out / ENCODER_FILE}: mean error of w, in units of its spread")
    for title, part in errors.items():
        figures = f"{part['encoder']:.3f}, the mean face {part['mean_face']:.3f}"
        typer.echo(f"  {title.replace('_', ' ')}: {figures}")

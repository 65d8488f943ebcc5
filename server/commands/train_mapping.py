"""`latentloom train mapping`: teaching the mapping network of a generator in training once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from server.commands.bars import stop_in_order, training_bars
from server.commands.run_record import record_invocation
from server.commands.terminal import EXIT_FAILED, stop
from server.commands.train_generator import Device, Out, SaveEvery, Threads, prepare_torch


def mapping(
    run: Annotated[Path, typer.Option(help="Folder of a generator's run in pairs.", exists=True)],
    out: Out,
    steps: Annotated[int, typer.Option(min=1, help="Of Adam, 512 faces each.")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and faces.")] = 0,
    device: Device = "cpu",
    threads: Threads = None,
    save_every: SaveEvery = 300.0,
) -> None:
    """Teach the mapping network of RUN from the start, by regression and without pictures.

    RUN stays as it is; OUT gets the generator with the new mapping.
    """
    # Late, because torch takes seconds to import and --help should not.
    from models.stylegan2.validation import parse_generator_config
    from models.training.generator import GENERATOR_FILE, STATE_FILE, Material, train_generator
    from models.training.generator_state import load_state, read_generator_state, start_from
    from models.training.phases import MappingLesson, Recipe
    from models.training.teacher import face_teacher
    from models.training.watch import Watch
    from models.weights import CheckpointError

    prepare_torch(device, threads)
    try:
        begun = read_generator_state(run / STATE_FILE)
        config = parse_generator_config(json.loads(begun["settings"])["config"])
        plan = Recipe("mapping", config, (MappingLesson("mapping", steps),), seed)
        saved = out / STATE_FILE
        state = load_state(saved, plan, device) if saved.exists() else start_from(begun, plan, device)
        record_invocation(out, seed)
        with training_bars() as report, stop_in_order() as asked:
            watch = Watch(save_every=save_every, should_stop=asked, report=report)
            done = train_generator(state, Material(teacher=face_teacher()), out, watch)
    except (ValueError, OSError, FloatingPointError, CheckpointError) as error:
        stop(f"{str(error).removesuffix('.')}.", EXIT_FAILED)
    if not done:
        stop("Stopped; the same command goes on from there.", EXIT_FAILED)
    typer.echo(f"{out / GENERATOR_FILE}: the mapping was taught anew.")

"""`latentloom train generator`: from rendered faces or photographs to a generator file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.bars import Report, counting_bars, stop_in_order, training_bars
from server.commands.run_record import record_invocation
from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, stop

if TYPE_CHECKING:
    from models.training.generator import Material
    from models.training.phases import Recipe


class RecipeName(StrEnum):
    """models.training.recipes."""

    PAIRS = "pairs"
    SHARPENED = "sharpened"
    ADVERSARIAL = "adversarial"


Out = Annotated[Path, typer.Option(help="Folder of the run: state, log, sheets, result.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads (PyTorch's choice).")]
SaveEvery = Annotated[float, typer.Option(min=0, help="Seconds between saved states.")]


def generator(
    faces: Annotated[
        Path, typer.Option(help="Rendered faces, or photographs for the adversarial recipe.", exists=True)
    ],
    out: Out,
    recipe: Annotated[RecipeName, typer.Option(help="See docs/training.md.")] = RecipeName.PAIRS,
    resolution: Annotated[int, typer.Option(help="A power of two from 32.")] = 128,
    pictures: Annotated[
        int | None, typer.Option(min=1, help="Shown in all (400,000; adversarial 5,000,000).")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Pictures a step (8; adversarial 32).")] = None,
    channel_base: Annotated[
        int | None, typer.Option(min=16, help="Feature maps times resolution (4096 at 128x128).")
    ] = None,
    channel_max: Annotated[
        int | None, typer.Option(min=4, help="Feature maps at most (256; adversarial 512).")
    ] = None,
    mapping_layers: Annotated[
        int | None, typer.Option(min=1, help="Layers of the mapping (4; adversarial 8).")
    ] = None,
    mapping_features: Annotated[
        int | None, typer.Option(min=16, help="Width of the mapping (1024; adversarial 512).")
    ] = None,
    lesson_steps: Annotated[int, typer.Option(min=1, help="Of the mapping's lesson.")] = 3_500,
    start_resolution: Annotated[
        int | None, typer.Option(help="Adversarial: first level (a quarter of the resolution).")
    ] = None,
    held_out: Annotated[int, typer.Option(min=1, help="Shards, the first ones, not trained on.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and noise.")] = 0,
    device: Device = "cpu",
    threads: Threads = None,
    save_every: SaveEvery = 300.0,
) -> None:
    """Train a generator. The same command goes on with the run in OUT, to the same weights as if unbroken.

    pairs and sharpened learn from rendered faces, whose latents are known; adversarial is StyleGAN2 with
    adaptive augmentation, on any folder of pictures.
    """
    # Late, because torch takes seconds to import and --help should not.
    from models.training.generator import GENERATOR_FILE, STATE_FILE, train_generator
    from models.training.generator_state import load_state, new_state
    from models.training.watch import Watch

    try:
        plan = _recipe(
            recipe,
            resolution,
            pictures,
            batch,
            (channel_base, channel_max, mapping_layers, mapping_features),
            lesson_steps,
            start_resolution,
            seed,
        )
    except ValueError as error:
        stop(f"{error}.", EXIT_USAGE)
    prepare_torch(device, threads)
    try:
        with counting_bars() as report:
            material = _material(recipe, faces, resolution, held_out, out, device, report)
        saved = out / STATE_FILE
        state = load_state(saved, plan, device) if saved.exists() else new_state(plan, device)
        record_invocation(out, seed)
        with training_bars() as report_figures, stop_in_order() as asked:
            watch = Watch(save_every=save_every, should_stop=asked, report=report_figures)
            done = train_generator(state, material, out, watch)
    except (ValueError, OSError, FloatingPointError) as error:
        stop(f"{error}.", EXIT_FAILED)
    if not done:
        stop(f"Stopped in phase {state.current.name!r}; the same command goes on from there.", EXIT_FAILED)
    typer.echo(f"{out / GENERATOR_FILE}: {state.pictures:,} pictures shown.")


def prepare_torch(device: str, threads: int | None) -> None:
    """Threads and memory as asked for. Ends the command where there is no such device."""
    import torch

    from models.training.allocator import keep_freed_memory

    if device.startswith("cuda") and not torch.cuda.is_available():
        stop("There is no CUDA device; train on the CPU with --device cpu.", EXIT_USAGE)
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()


def _recipe(
    name: RecipeName,
    resolution: int,
    pictures: int | None,
    batch: int | None,
    shape: tuple[int | None, int | None, int | None, int | None],
    lesson_steps: int,
    start: int | None,
    seed: int,
) -> Recipe:
    from models.faces.mapping.layers import DEPTH, LEAST_WIDTH
    from models.training.recipes import adversarial_recipe, generator_config, pairs_recipe, sharpened_recipe

    channel_base, channel_max, layers, features = shape
    if name is RecipeName.ADVERSARIAL:
        config = generator_config(
            resolution,
            channel_base=channel_base or 16384,
            channel_max=channel_max or 512,
            mapping_layers=layers or 8,
            mapping_features=features,
        )
        return adversarial_recipe(config, pictures or 5_000_000, batch=batch or 32, start=start, seed=seed)
    config = generator_config(
        resolution,
        channel_base=channel_base,
        channel_max=channel_max or 256,
        mapping_layers=layers or DEPTH,
        mapping_features=features or LEAST_WIDTH,
    )
    make = pairs_recipe if name is RecipeName.PAIRS else sharpened_recipe
    return make(config, pictures or 400_000, batch=batch or 8, lesson_steps=lesson_steps, seed=seed)


def _material(
    recipe: RecipeName, faces: Path, resolution: int, held_out: int, out: Path, device: str, report: Report
) -> Material:
    from models.projection.perceptual import efficientnet_levels
    from models.training.generator import Material
    from models.training.pairs import holds_renders, split_pairs
    from models.training.photographs import load_photographs
    from models.training.teacher import face_teacher

    if recipe is RecipeName.ADVERSARIAL and not holds_renders(faces):
        return Material(load_photographs(faces, resolution, out, lambda n, of: report("photographs", n, of)))
    seen, unseen = split_pairs(faces, held_out)
    if recipe is RecipeName.ADVERSARIAL:
        return Material(seen.pictures)
    levels = efficientnet_levels(device)
    return Material(seen.pictures, seen.z, unseen.pictures, unseen.z, face_teacher(), levels)

"""`latentloom project`: photos made into latents, from the shell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, refused, shown, stop
from server.settings import Settings

if TYPE_CHECKING:
    from server.commands.projecting_photos import PhotoProjector

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class Space(StrEnum):
    """How far up the ladder."""

    START = "start"
    W = "w"
    W_PLUS = "w+"
    PTI = "pti"


class Schedule(StrEnum):
    """Of W."""

    PUBLISHED = "published"
    FAST = "fast"


def project(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO...", help="Photos, and folders of photos.", exists=True)
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; made where it is missing.")],
    space: Annotated[
        Space, typer.Option(help="A guess, W, one w a layer, or a tuned generator as well.")
    ] = Space.W,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps in W (1000, or 250 if fast).")] = None,
    schedule: Annotated[
        Schedule, typer.Option(help="Of W: StyleGAN2's own, or one for haste.")
    ] = Schedule.PUBLISHED,
    faithful: Annotated[
        float, typer.Option(min=0, max=1, help="W+: 0 stays editable, 1 is as like as can be.")
    ] = 0.5,
    model: Annotated[str, typer.Option(help="Name of a model, bundle folder or generator file.")] = "demo",
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The photos are aligned faces already: look for none.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures of all photos as JSON.")] = False,
) -> None:
    """Find the latent, the noise and, if asked for, the tuning with which a model comes closest to a photo.

    For each photo OUT gets the picture (.png), what was aimed at (.target.png), the latent with its noise
    maps (.safetensors, and .npz for other programs), a tuning (.tuning.safetensors) and figures (.json).
    A photo that cannot be used is named, the others go on, and the command ends with 1.
    """
    files = photo_files(photos)
    if not files:
        stop("There is no JPEG, PNG or WebP picture in what was given.", EXIT_USAGE)
    projector = _projector(model, space, schedule, steps, faithful, aligned)
    out.mkdir(parents=True, exist_ok=True)
    reports, failed = [], False
    with _bar() as (bar, task):
        for file, name in zip(files, unique_names(files), strict=True):
            report = _projected(projector, file, out / name, bar, task)
            failed |= "error" in report
            reports.append(report)
            if "error" in report:
                typer.echo(shown(f"{file}: {report['error']}"), err=True)
            elif not as_json:
                typer.echo(shown(_sentence(report)))
    if as_json:
        typer.echo(json.dumps(reports, indent=2))
    if failed:
        raise typer.Exit(EXIT_FAILED)


def photo_files(given: Sequence[Path]) -> list[Path]:
    """The files, and of the folders every picture by its suffix, in the order of their names."""
    files = []
    for path in given:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        files += [p for p in inside if p == path or (p.is_file() and p.suffix.lower() in SUFFIXES)]
    return files


def unique_names(files: Sequence[Path]) -> list[str]:
    """A name for the results of each photo: its own without suffix, numbered where two are alike."""
    names: list[str] = []
    for file in files:
        name, number = file.stem, 2
        while name in names:
            name, number = f"{file.stem}-{number}", number + 1
        names.append(name)
    return names


def _projector(
    model: str, space: Space, schedule: Schedule, steps: int | None, faithful: float, aligned: bool
) -> PhotoProjector:
    # Late, because torch takes seconds to import and --help should not.
    from models.projection.errors import ProjectionError
    from models.projection.ladder import ladder
    from models.projection.trunks import TrunkError
    from models.weights import CheckpointError
    from server.commands.projecting_photos import PhotoProjector

    plan = ladder(space.value, schedule=schedule.value, steps=steps, faithfulness=faithful)
    try:
        return PhotoProjector(model, plan, Settings(), aligned=aligned)
    except CheckpointError as error:
        refused(error)
    except (TrunkError, ProjectionError) as error:
        stop(f"{str(error).removesuffix('.')}.", EXIT_FAILED)


def _projected(
    projector: PhotoProjector, file: Path, out: Path, bar: Progress, task: TaskID
) -> dict[str, Any]:
    """Figures of one photo, or its error."""
    from server.commands.projecting_photos import PhotoError

    def report(index: int, total: int, distance: float) -> None:
        description = shown(f"{file.name}  distance {distance:.3f}")
        bar.update(task, completed=index, total=total, description=description)

    bar.reset(task, total=None, description=shown(file.name))
    try:
        return {"photo": str(file), **projector.run(file, out, report)}
    except PhotoError as error:
        return {"photo": str(file), "error": str(error)}


def _sentence(report: dict[str, Any]) -> str:
    psnr = "exact" if report["psnr"] is None else f"{report['psnr']:.1f} dB"
    return (
        f"{report['photo']}: distance {report['distance']:.3f} ({report['metric']}), {psnr},"
        f" {report['steps']} steps in {report['seconds']:.0f} s -> {report['picture']}"
    )


@contextmanager
def _bar() -> Iterator[tuple[Progress, TaskID]]:
    """A bar on stderr, so that the output stays clean."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield bar, bar.add_task("", total=None)

"""`latentloom convert`: a checkpoint of another program made into one of our safetensors files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from server.commands.terminal import EXIT_USAGE, refused, shown, shown_size, stop

SUFFIX = ".safetensors"
Part = Literal["generator", "discriminator", "flow"]


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The file to convert.")],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The .safetensors file to write, or a folder to write it into."),
    ],
    part: Annotated[
        Part | None, typer.Option(help="Which network of a file that holds several; else the generator.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Convert a checkpoint without running anything of it: NVIDIA's .pkl, rosinality's or StyleFlow's .pt.

    OUT appears complete or not at all. To make the server list the model, `latentloom checkpoints add` does
    the same and writes the folder around it.
    """
    target = _target(source, out, force)
    # Late, because torch takes seconds to import and --help should not.
    from models.convert import convert_checkpoint
    from models.weights import CheckpointError

    try:
        converted = convert_checkpoint(source, target, part)
    except CheckpointError as error:
        refused(error)
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = target.stat().st_size
    if as_json:
        report = {
            "source": str(source),
            "source_sha256": converted.sha256,
            "program": converted.program,
            "kind": converted.kind,
            "config": dict(converted.config),
            "out": str(target),
            "out_sha256": sha256,
            "out_bytes": size,
        }
        typer.echo(json.dumps(report))
        return
    typer.echo(
        shown(
            f"{source.name}, a file of {converted.program} (sha256 {converted.sha256[:12]}...),"
            f" is now {target}: {describe(converted.kind, converted.config)}, {shown_size(size)},"
            f" sha256 {sha256}"
        )
    )


def describe(kind: str, config: Mapping[str, object]) -> str:
    """What a converted network is, in a few words."""
    if kind == "flow":
        return f"a flow for w of {config['dim']} numbers"
    size, channels, classes = config["img_resolution"], str(config["img_channels"]), config["c_dim"]
    colour = {"1": "grey", "3": "RGB"}.get(channels, f"{channels} channels")
    by_class = f", by {classes} classes" if classes else ""
    return f"a {kind} of {size}x{size} {colour}{by_class}"


def _target(source: Path, out: Path, force: bool) -> Path:
    """The file to write. Ends the command where it would not be written."""
    if not source.is_file():
        stop(f"There is no file {source}.", EXIT_USAGE)
    target = out / f"{source.stem}{SUFFIX}" if out.is_dir() else out
    if target.suffix != SUFFIX:
        stop(f"{target} does not end in {SUFFIX}, and is not a folder that is there.", EXIT_USAGE)
    if not target.parent.is_dir():
        stop(f"There is no folder {target.parent}.", EXIT_USAGE)
    if target.is_dir():
        stop(f"{target} is a folder.", EXIT_USAGE)
    if target.exists() and target.samefile(source):
        stop(f"{source} would be converted onto itself.", EXIT_USAGE)
    if target.exists() and not force:
        stop(f"{target} is there already; replace it with --force.", EXIT_USAGE)
    return target

"""`latentloom doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.terminal import EXIT_FAILED, shown
from server.doctor import machine, service, weights
from server.doctor.finding import Finding
from server.settings import Settings

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def doctor(
    host: Annotated[str | None, typer.Option(help="Address that the server would listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Its port.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Its data folder.")] = None,
    checkpoints_dir: Annotated[Path | None, typer.Option(help="Its folder of models.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Check this machine as `serve` would find it. Ends with 1 where the server could not work."""
    given = {"host": host, "port": port, "data_dir": data_dir, "checkpoints_dir": checkpoints_dir}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    found = examine(Settings(**values))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            advice = f"\n     -> {finding.advice}" if finding.advice else ""
            typer.echo(f"{MARKS[finding.level]} {finding.check}: {shown(finding.detail)}{advice}")
    if any(finding.level == "fail" for finding in found):
        raise typer.Exit(EXIT_FAILED)


def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order in which their advice is best followed."""
    return [
        machine.python_version(),
        machine.torch_version(),
        machine.device(settings.device),
        machine.memory(),
        machine.disk(settings.data_dir),
        *weights.models(settings.checkpoints_dir),
        weights.face_detector(settings.checkpoints_dir),
        weights.perceptual(settings.perceptual),
        service.database(settings),
        service.files(settings),
        service.access(settings),
        service.port(settings),
    ]

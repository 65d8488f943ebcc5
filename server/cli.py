"""The command line `latentloom`, also `python -m server`: each command is a file of server/commands."""

from __future__ import annotations

import typer

from server.commands.backup import backup, export_session, restore
from server.commands.checkpoints import checkpoints
from server.commands.collect_garbage import collect_garbage
from server.commands.convert import convert
from server.commands.doctor import doctor
from server.commands.evaluate import evaluate
from server.commands.evaluate_edits import edits
from server.commands.project import project
from server.commands.render_faces import render_faces
from server.commands.serve import serve
from server.commands.token import token
from server.commands.train import train

cli = typer.Typer(
    name="latentloom", help="Explore and edit faces in the latent space of StyleGAN2.", no_args_is_help=True
)
cli.command()(serve)
cli.command()(doctor)
cli.command()(convert)
cli.command()(project)
cli.command()(collect_garbage)
cli.command()(backup)
cli.command()(restore)
cli.command()(export_session)
cli.add_typer(token)
cli.add_typer(checkpoints)
evaluate.command()(edits)
cli.add_typer(evaluate)
cli.add_typer(train)
cli.add_typer(render_faces)


@cli.callback()
def latentloom() -> None:
    """Latent Loom."""


def main() -> None:
    """The console script."""
    cli()

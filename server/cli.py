"""The command line `latentloom`, also `python -m server`: each command is a file of server/commands."""

from __future__ import annotations

import typer

from server.commands.serve import serve

cli = typer.Typer(
    name="latentloom", help="Explore and edit faces in the latent space of StyleGAN2.", no_args_is_help=True
)
cli.command()(serve)


@cli.callback()
def latentloom() -> None:
    """Latent Loom."""


def main() -> None:
    """The console script."""
    cli()

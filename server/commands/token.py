"""`latentloom token`: access tokens, made, given to users, and taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.access.tokens import (
    Entry,
    Quotas,
    TokenFileError,
    User,
    is_user_name,
    new_token,
    read_token_file,
    token_hash,
    write_token_file,
)
from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, stop
from server.settings import Settings

token = typer.Typer(name="token", help="Access tokens, for a server that other machines can reach.")

FileOption = Annotated[
    Path | None, typer.Option("--file", help="The token file; else LATENTLOOM_TOKEN_FILE.")
]
LimitOption = Annotated[int | None, typer.Option(min=0, help="Limit of this user; else any number.")]


@token.callback(invoke_without_command=True)
def make(context: typer.Context) -> None:
    """Without a command: print a new token for a server with one user."""
    if context.invoked_subcommand is None:
        typer.echo(new_token())
        typer.echo(
            "Start the server with it: LATENTLOOM_TOKEN=<token> latentloom serve --host 0.0.0.0", err=True
        )


@token.command()
def add(
    name: Annotated[str, typer.Argument(help="Of the user: small letters, digits, - and _.")],
    file: FileOption = None,
    max_sessions: LimitOption = None,
    max_photos: LimitOption = None,
    max_queued: LimitOption = None,
    replace_token: Annotated[
        bool, typer.Option("--replace", help="Give a new token to a user who has one.")
    ] = False,
) -> None:
    """Give a user a token, which is printed this once. A running server lets them in at once."""
    if not is_user_name(name):
        stop("A name has up to 32 small letters, digits, - and _, and begins with no sign.", EXIT_USAGE)
    path, entries = _entries(file)
    if any(entry.user.name == name for entry in entries) and not replace_token:
        stop(f"{name} has a token already; --replace gives a new one.", EXIT_FAILED)
    made = new_token()
    user = User(name, Quotas(max_sessions, max_photos, max_queued))
    others = tuple(entry for entry in entries if entry.user.name != name)
    _write(path, (*others, Entry(user, token_hash(made))))
    typer.echo(made)


@token.command()
def remove(name: str, file: FileOption = None) -> None:
    """Let a user in no more. What is theirs stays, and is theirs again if they come back."""
    path, entries = _entries(file)
    others = tuple(entry for entry in entries if entry.user.name != name)
    if len(others) == len(entries):
        stop("There is no such user in the token file.", EXIT_FAILED)
    _write(path, others)


@token.command("list")
def list_users(file: FileOption = None) -> None:
    """The users with their limits, one a line."""
    for entry in _entries(file)[1]:
        quotas = {key: value for key, value in vars(entry.user.quotas).items() if value is not None}
        typer.echo("\t".join([entry.user.name, *(f"{key}={value}" for key, value in quotas.items())]))


def _entries(file: Path | None) -> tuple[Path, tuple[Entry, ...]]:
    path = file or Settings().token_file
    if path is None:
        stop("Name the token file: --file tokens.toml, or LATENTLOOM_TOKEN_FILE.", EXIT_USAGE)
    try:
        return path, read_token_file(path)
    except TokenFileError as error:
        stop(str(error), EXIT_FAILED)


def _write(path: Path, entries: tuple[Entry, ...]) -> None:
    try:
        write_token_file(path, entries)
    except TokenFileError as error:
        stop(str(error), EXIT_FAILED)

"""`latentloom serve`: the server and its page."""

from __future__ import annotations

import threading
import webbrowser
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from server.access.doors import refusal_to_serve
from server.access.tokens import (
    Entry,
    TokenFileError,
    User,
    new_token,
    read_token_file,
    token_hash,
    write_token_file,
)
from server.app import create_app
from server.commands.terminal import EXIT_USAGE, stop
from server.listen import uvicorn_config
from server.origins import is_loopback
from server.settings import Settings
from server.storage.blob_places import open_blobs
from server.storage.blobs import UnusableBlobsError
from server.storage.connections import UnusableDatabaseError
from server.storage.database import Database

FIRST_USER = "owner"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (7860); 0 takes a free one.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where sessions and photos are kept (./data).")
    ] = None,
    checkpoints_dir: Annotated[Path | None, typer.Option(help="Folder of models (./checkpoints).")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Start the server. What is not given here comes from the environment, LATENTLOOM_HOST and so on."""
    given = {"host": host, "port": port, "data_dir": data_dir, "checkpoints_dir": checkpoints_dir}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings = Settings(**values)
    reason = refusal_to_serve(settings, None if is_loopback(settings.host) else settings.host)
    if reason is not None:
        stop(reason, EXIT_USAGE)
    if settings.first_token:
        _make_first_token(settings)
    # Late, because torch takes seconds to import and --help should not.
    from server.engine.local import LocalEngine
    from server.engine.local_options import engine_options

    try:
        app = create_app(settings, partial(LocalEngine, engine_options(settings)))
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        # Refused here, in a sentence, and not by the running server.
        Database(settings.database).close()
        open_blobs(settings.blobs_url, settings.data_dir / "blobs")
    except ValueError as error:
        stop(f"Cannot start: {error}.", EXIT_USAGE)
    except (TokenFileError, UnusableDatabaseError, UnusableBlobsError) as error:
        stop(f"Cannot start: {error}", EXIT_USAGE)
    server = uvicorn.Server(uvicorn_config(app, settings))
    if open_page:
        threading.Thread(target=_open_when_ready, args=(server, settings), daemon=True).start()
    server.run()
    if not server.started:
        raise typer.Exit(1)


def _make_first_token(settings: Settings) -> None:
    """Printed once and kept as a hash: whoever lost it makes another one."""
    if settings.token_file is None:
        stop("A first token needs a place: set LATENTLOOM_TOKEN_FILE.", EXIT_USAGE)
    try:
        if read_token_file(settings.token_file):
            return
        token = new_token()
        write_token_file(settings.token_file, (Entry(User(FIRST_USER), token_hash(token)),))
    except TokenFileError as error:
        stop(f"Cannot start: {error}", EXIT_USAGE)
    typer.echo(f"The access token of this server, shown this once: {token}", err=True)
    typer.echo(f"Open http://127.0.0.1:{settings.port}/login.html#{token}", err=True)


def _open_when_ready(server: uvicorn.Server, settings: Settings) -> None:
    while not server.started:
        if server.should_exit:
            return
        threading.Event().wait(0.1)
    port = server.servers[0].sockets[0].getsockname()[1]
    webbrowser.open(f"http://{settings.host}:{port}/")

"""`latentloom serve`: the server and its page."""

from __future__ import annotations

import threading
import webbrowser
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from server.app import create_app
from server.listen import uvicorn_config
from server.origins import is_loopback
from server.settings import Settings

EXIT_REFUSED = 2


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
    _refuse_open_doors(settings)
    # Late, because torch takes seconds to import and --help should not.
    from server.engine.local import LocalEngine, engine_options

    try:
        app = create_app(settings, partial(LocalEngine, engine_options(settings)))
    except ValueError as error:
        _exit(f"Cannot start: {error}.")
    server = uvicorn.Server(uvicorn_config(app, settings))
    if open_page:
        threading.Thread(target=_open_when_ready, args=(server, settings), daemon=True).start()
    server.run()
    if not server.started:
        raise typer.Exit(1)


def _refuse_open_doors(settings: Settings) -> None:
    if is_loopback(settings.host) or settings.allow_remote:
        return
    _exit(
        f"Refusing to listen on {settings.host}: other machines could reach it, and there are no access "
        "tokens yet.\nTo do so all the same, in a network whose every user you trust, set "
        "LATENTLOOM_ALLOW_REMOTE=1."
    )


def _exit(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(EXIT_REFUSED)


def _open_when_ready(server: uvicorn.Server, settings: Settings) -> None:
    while not server.started:
        if server.should_exit:
            return
        threading.Event().wait(0.1)
    port = server.servers[0].sockets[0].getsockname()[1]
    webbrowser.open(f"http://{settings.host}:{port}/")

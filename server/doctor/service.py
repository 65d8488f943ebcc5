"""Database, files, port, and who may come in."""

from __future__ import annotations

import socket
from pathlib import Path

from server.access.tokens import TokenFileError, read_token_file
from server.doctor.finding import Finding
from server.origins import is_loopback
from server.settings import Settings
from server.storage.blob_places import open_blobs
from server.storage.blobs import UnusableBlobsError
from server.storage.connections import UnusableDatabaseError, database_url
from server.storage.revisions import newest
from server.storage.schema import check_schema


def database(settings: Settings) -> Finding:
    """Readable and of this version. One that is not there yet is not made here."""
    try:
        url = database_url(settings.database)
    except UnusableDatabaseError as error:
        return Finding("database", "fail", str(error), "Correct LATENTLOOM_DATABASE_URL.")
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return Finding("database", "ok", "made at the first start")
    try:
        revision = check_schema(url)
    except UnusableDatabaseError as error:
        return Finding("database", "fail", str(error), "Restore a backup, or move it away.")
    name = url.render_as_string(hide_password=True)
    if revision != newest():
        return Finding("database", "ok", f"{name}: brought to this version at the next start")
    return Finding("database", "ok", name)


def files(settings: Settings) -> Finding:
    """Where photos and latents are kept answers. A folder that is not there yet is not made here."""
    folder = settings.data_dir / "blobs"
    if not settings.blobs_url:
        made = folder if folder.is_dir() else f"{folder}, made at the first start"
        return Finding("files", "ok", str(made))
    try:
        open_blobs(settings.blobs_url, folder)
    except UnusableBlobsError as error:
        return Finding("files", "fail", str(error), "Correct LATENTLOOM_BLOBS_URL, or start the storage.")
    return Finding("files", "ok", "the bucket answers")


def port(settings: Settings) -> Finding:
    """Free now."""
    place = f"{settings.host}:{settings.port}"
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        advice = "Another program, or this server already, listens there; choose another with --port."
        return Finding("port", "warn", f"{place} cannot be taken: {error.strerror}", advice)
    return Finding("port", "ok", f"{place} is free")


def access(settings: Settings) -> Finding:
    """Tokens where they are needed, and a token file that can be read."""
    try:
        users = len(read_token_file(settings.token_file)) if settings.token_file else 0
    except TokenFileError as error:
        advice = "Correct it, or move it away and write it anew: latentloom token add NAME"
        return Finding("access", "fail", str(error), advice)
    if settings.token is not None or settings.token_file is not None:
        if settings.token is None and not users and not settings.first_token:
            return Finding("access", "warn", "the token file has no user", "latentloom token add NAME")
        return Finding("access", "ok", f"tokens: {users + (settings.token is not None)}")
    if is_loopback(settings.host):
        return Finding("access", "ok", "this machine only, without a token")
    advice = "latentloom token makes one; set LATENTLOOM_TOKEN to it."
    return Finding("access", "fail", f"{settings.host} is open to others and there is no token", advice)

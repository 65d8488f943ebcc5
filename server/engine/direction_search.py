"""Directions that a search or somebody's file brings, as files of our own."""

from __future__ import annotations

import threading
from dataclasses import replace

from models.bundle import Bundle
from models.editing.boundaries import boundary_direction, z_boundary_direction
from models.editing.directions import Direction, check_direction
from models.editing.errors import BadDirection
from models.editing.ganspace import activation_components, w_components
from models.editing.sefa import sefa_directions
from models.stylegan2.generator import Generator
from server.engine.editing_interface import DirectionQuery, DirectionUpload, FoundDirection, Report
from server.engine.known_directions import direction_bytes, of_generator, on_layers, read_file
from server.problems import Problem

FEATURES_AT = 8  # pixels: where GANSpace looks unless told otherwise; there poses and shapes are decided
NPY = b"\x93NUMPY"


class SearchStopped(Exception):
    """Nobody wants its result any more."""


def search_directions(
    bundle: Bundle, query: DirectionQuery, report: Report, stop: threading.Event
) -> tuple[FoundDirection, ...]:
    """Takes seconds: not on a thread that others wait for. Raises EditError, SearchStopped."""

    def progress(done: int, of: int) -> None:
        if stop.is_set():
            raise SearchStopped
        report("looking for directions", done, of)

    generator, rows = bundle.generator, query.layers
    if query.method == "sefa":
        layers = range(generator.num_ws) if rows is None else rows
        found = sefa_directions(generator, layers, query.count, progress)
    elif query.method == "ganspace":
        found = w_components(generator, query.count, rows, progress=progress)
    else:
        resolution = query.resolution or min(FEATURES_AT, generator.img_resolution)
        found = activation_components(generator, resolution, query.count, rows, progress=progress)
    sha256 = bundle.manifest.generator.sha256
    return tuple(described(direction, sha256) for direction in found)


def uploaded_direction(bundle: Bundle, upload: DirectionUpload, data: bytes) -> FoundDirection:
    """From a .npy boundary or an exported file. Takes a second. Raises EditError, Problem."""
    generator, sha256 = bundle.generator, bundle.manifest.generator.sha256
    if data.startswith(NPY):
        direction = _boundary(generator, upload, data)
    elif data[8:9] == b"{":
        direction = of_generator(read_file(data), sha256)
        check_direction(direction, generator.num_ws, generator.w_dim)
        direction = on_layers(direction, upload.layers, generator.num_ws)
    else:
        raise BadDirection("This is neither a .npy boundary nor an exported direction.")
    return described(replace(direction, name=upload.name), sha256)


def adjusted_direction(
    bundle: Bundle, data: bytes, name: str, layers: tuple[int, ...] | None
) -> FoundDirection:
    """A direction's file under another name and on other layers. Raises EditError, Problem."""
    sha256 = bundle.manifest.generator.sha256
    direction = on_layers(of_generator(read_file(data), sha256), layers, bundle.generator.num_ws)
    return described(replace(direction, name=name), sha256)


def described(direction: Direction, sha256: str) -> FoundDirection:
    """What the server keeps of it."""
    return FoundDirection(
        name=direction.name,
        method=direction.method,
        layers=direction.layers,
        scale=direction.scale,
        minimum=direction.minimum,
        maximum=direction.maximum,
        explained=direction.explained,
        data=direction_bytes(direction, sha256),
    )


def _boundary(generator: Generator, upload: DirectionUpload, data: bytes) -> Direction:
    if upload.space is None:
        hint = "InterFaceGAN names files in W with _w; those in Z have no such ending."
        raise Problem("bad_direction", "A .npy file does not say whether it is in W or in Z: say it.", hint)
    if upload.space == "W":
        return boundary_direction(data, upload.name, generator, upload.layers)
    direction = z_boundary_direction(data, upload.name, generator)
    return on_layers(direction, upload.layers, generator.num_ws)

"""Strips: one picture moved by several strengths of a direction, side by side, to choose among directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from server.documents import Document
from server.engine.frames import encode_jpeg
from server.engine.interface import RGB
from server.engine.known_directions import of_generator, on_layers, read_file
from server.engine.worker import ModelWorker

STRIP_SIDE = 128  # of a picture, unless asked for otherwise


def strip_picture(
    worker: ModelWorker,
    document: Document,
    direction: bytes,
    layers: tuple[int, ...] | None,
    side: int,
    strength: float,
) -> RGB:
    """The document's picture [side, side, 3] moved by one strength. Runs on the compute thread.

    Raises Problem direction_of_other_generator, document_does_not_fit.
    """
    found = of_generator(read_file(direction), worker.bundle.manifest.generator.sha256)
    move = (on_layers(found, layers, worker.generator.num_ws), strength)
    return worker.moved_picture(document, side, (move,))


def strip_jpeg(pictures: Sequence[RGB]) -> bytes:
    """They from left to right."""
    return encode_jpeg(np.concatenate(pictures, axis=1), "preview")

"""The pixels of the photos that somebody looks at: decoded once, so that a crop follows the hand."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict

import numpy as np
from PIL import Image

from server.engine.alignment import DETAIL, Anchors, corners_of, reduced_anchors
from server.engine.interface import RGB
from server.storage.blobs import BlobStore
from server.uploads import decode_own

CAPACITY = 8  # photos and smaller versions of them, each of at most 12 MB


class PhotoPixels:
    """By blob; what was not looked at for longest goes first. Used by any thread."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._decoded: OrderedDict[tuple[str, int], RGB] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, blob: str) -> RGB:
        """The photo [H, W, 3], not to be written to."""
        with self._lock:
            return self._remembered(blob, 1)

    def for_crop(self, blob: str, anchors: Anchors, size: int) -> tuple[RGB, Anchors]:
        """The photo, made as small as a crop of that size allows, and the anchors in it.

        Raises Problem unusable_face where they span no face.
        """
        top_left, bottom_left, *_ = corners_of(anchors)
        room = math.dist(top_left, bottom_left) / (DETAIL * size)
        factor = 2 ** max(0, math.floor(math.log2(room))) if 0 < room < math.inf else 1
        with self._lock:
            whole = self._remembered(blob, 1)
            factor = min(factor, *whole.shape[:2])
            if factor == 1:
                return whole, anchors
            return self._remembered(blob, factor), reduced_anchors(anchors, factor)

    def _remembered(self, blob: str, factor: int) -> RGB:
        key = (blob, factor)
        if key not in self._decoded:
            rgb = (
                decode_own(self._blobs.read(blob))
                if factor == 1
                else _reduced(self._remembered(blob, 1), factor)
            )
            rgb.flags.writeable = False
            self._decoded[key] = rgb
        self._decoded.move_to_end(key)
        while len(self._decoded) > CAPACITY:
            self._decoded.popitem(last=False)
        return self._decoded[key]


def _reduced(rgb: RGB, factor: int) -> RGB:
    """Means of factor x factor pixels."""
    return np.array(Image.fromarray(rgb).reduce(factor))

"""The attributes of faces before and after their edits, as the model's network reads them on pictures, or as
they were estimated by likelihood where it has none. Everything here runs on the engine's compute thread.
"""

from __future__ import annotations

from torch import Tensor

from models.bundle import Bundle
from models.editing.locks import PictureReader
from models.stylegan2.generator import Generator
from models.stylegan2.native.memory import SynthesisMemory
from server.engine.cache import StageCache
from server.engine.mixed_face import MixedFace
from server.problems import Problem

READINGS = 64
ESTIMATES = 256  # small, and seconds to compute


class AttributeStage:
    """What was read lately with one model. Raises Problem not_measurable where it has no such network."""

    def __init__(self, bundle: Bundle, activations: SynthesisMemory) -> None:
        self._bundle, self._activations = bundle, activations
        self._readings: StageCache[Tensor] = StageCache(READINGS)
        self._estimates: StageCache[Tensor] = StageCache(ESTIMATES)

    def reader(self, generator: Generator) -> PictureReader:
        """Reads the pictures that this generator draws."""
        if self._bundle.estimator is None:
            raise Problem("not_measurable", "The model comes without a network that reads attributes.")
        return PictureReader(generator, self._bundle.estimator, self._activations)

    def reading(self, key: str, ws: Tensor, generator: Generator) -> Tensor:
        """The attributes [1, 17] read on the picture of ws, not cut off."""
        reader = self.reader(generator)
        return self._readings.get_or_compute(key, lambda: reader(ws))

    def possible(self, reading: Tensor) -> Tensor:
        """A reading cut off at what is possible, as people see it."""
        return self.reader(self._bundle.generator).possible(reading)

    @property
    def deviation(self) -> Tensor:
        """Of each attribute in the population [17]."""
        return self.reader(self._bundle.generator).estimator.deviation

    def knows(self, face: MixedFace) -> bool:
        """Whether they can be had at once; else they must be estimated by likelihood, which takes seconds."""
        return self._bundle.estimator is not None or self._estimates.get(face.key) is not None

    def keep_estimate(self, face: MixedFace, attributes: Tensor) -> None:
        """The attributes [1, 17] that the flow finds likeliest."""
        self._estimates.put(face.key, attributes)

    def estimated(self, face: MixedFace) -> Tensor:
        """The attributes [1, 17] of a face before its edits and a person's corrections. Raises Problem
        not_ready.
        """
        if self._bundle.estimator is not None:
            return self.possible(self.reading(face.key, face.ws, face.generator))
        known = self._estimates.get(face.key)
        if known is None:
            raise Problem("not_ready", "The attributes of this face are still being estimated.", "", 2)
        return known

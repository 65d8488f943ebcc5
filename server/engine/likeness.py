"""How much of a face is left after an edit, as models.metrics.face_likeness judges it."""

from __future__ import annotations

import torch
from torch import Tensor

from models.editing.population import draw_w
from models.metrics.face_likeness import FaceLikeness
from models.projection.perceptual import PerceptualDistance
from server.documents import Document
from server.engine.cache import StageCache
from server.engine.editing_interface import LikenessReading
from server.engine.worker import ModelWorker

STRANGERS = 6  # faces whose mean distance is what 1 means
CAPACITY = 8
NOTE = "No network that recognises people comes with this program: a changed pose or light counts too."


class LikenessJudge:
    """Of one perceptual distance, for all models. Runs on the compute thread, one picture a call."""

    def __init__(self, distance: PerceptualDistance) -> None:
        self._likeness = FaceLikeness(distance)
        self._unedited: StageCache[Tensor] = StageCache(CAPACITY)
        self._strangers: dict[str, list[Tensor]] = {}
        self._scales: dict[str, float] = {}

    def knows_strangers(self, worker: ModelWorker) -> bool:
        """Whether the distance of two unrelated faces of this generator is known."""
        return worker.bundle.manifest.generator.sha256 in self._scales

    @torch.no_grad()
    def meet_stranger(self, worker: ModelWorker) -> None:
        """Look at one more of them."""
        generator, key = worker.generator, worker.bundle.manifest.generator.sha256
        met = self._strangers.setdefault(key, [])
        w = draw_w(generator, STRANGERS, psi=worker.bundle.manifest.default_psi)[len(met)]
        met.append(self._likeness.features(generator, w.expand(1, generator.num_ws, -1)))
        if len(met) == STRANGERS:
            pairs = [(a, b) for i, a in enumerate(met) for b in met[i + 1 :]]
            distances = [float(self._likeness.between(a, b)) for a, b in pairs]
            self._scales[key] = max(sum(distances) / len(distances), 1e-12)
            del self._strangers[key]

    @torch.no_grad()
    def judge(self, worker: ModelWorker, document: Document) -> LikenessReading:
        """Of the document's final picture and the unedited one, both with the model's own noise."""
        face = worker.face(document)
        ws = worker.edits.edited(document, face)
        if torch.equal(ws, face.ws):
            return LikenessReading(0.0, self._likeness.name, NOTE)
        sha256 = worker.bundle.manifest.generator.sha256
        before = self._unedited.get_or_compute(
            f"{sha256} {face.key}", lambda: self._likeness.features(face.generator, face.ws)
        )
        after = self._likeness.features(face.generator, ws)
        distance = float(self._likeness.between(before, after)) / self._scales[sha256]
        return LikenessReading(distance, self._likeness.name, NOTE)

"""picture = render(document): the stages of one model, each remembered by the key of its input.

    base -> ws0 -> mixed -> ws1 -> edited (edit_stages.py) -> ws2 -> synthesis with noise -> picture

A slider that moves changes only what comes after it, down to the first layer of the synthesis whose input
differs, and a slider that is put back finds its picture again.
Everything here runs on the engine's compute thread.
"""

from __future__ import annotations

import json

import numpy as np
import torch
from torch import Tensor

from models.bundle import Bundle
from models.editing.directions import apply_directions
from models.editing.mixing import mix
from models.editing.noise import noise_maps
from models.stylegan2.generator import Generator, to_uint8
from models.stylegan2.mapping import truncate
from models.stylegan2.native.memory import SynthesisMemory
from server.documents import Base, Document, LatentBase, Mix, NoiseSpec
from server.engine.cache import FrameCache, StageCache
from server.engine.edit_reading import read_edit
from server.engine.edit_stages import EditStages, MixedFace
from server.engine.editing_interface import AttributeReading
from server.engine.frames import encode_jpeg
from server.engine.interface import RGB, LatentSource, Quality
from server.engine.known_directions import KnownDirections, Moves
from server.engine.latents import Latent, read_latent
from server.engine.measures import StageTimes
from server.engine.tuned import TunedGenerators
from server.problems import Problem

STAGE_CAPACITY = 64
LATENT_CAPACITY = 16
NOISE_CAPACITY = 4


class ModelWorker:
    """One loaded bundle and what was computed with it lately."""

    def __init__(
        self,
        bundle: Bundle,
        latents: LatentSource,
        directions: KnownDirections,
        frames: FrameCache,
        times: StageTimes | None = None,
    ) -> None:
        self.bundle, self.generator = bundle, bundle.generator
        self.device = bundle.generator.w_avg.device
        self.weights = _weights(bundle)
        self._latent_source, self._frames = latents, frames
        self._times = times or StageTimes()
        self._latents: StageCache[Latent] = StageCache(LATENT_CAPACITY)
        self._ws: StageCache[Tensor] = StageCache(STAGE_CAPACITY)
        self._noise: StageCache[list[Tensor] | None] = StageCache(NOISE_CAPACITY)
        self._activations = SynthesisMemory()
        self._tuned = TunedGenerators(bundle.generator)
        self.edits = EditStages(bundle, directions, self._activations)

    @torch.no_grad()
    def jpeg(self, document: Document, resolution: int, quality: Quality) -> bytes:
        """The encoded picture. Raises Problem, EditError and IntegrationError, as all methods here do."""
        edited = self.edits.key(document, _mixed_key(document), corrected=quality == "final")
        key = json.dumps([self.weights, edited, _dump(document.noise), resolution, quality])
        data = self._frames.get(key)
        if data is None:
            picture = self.picture(document, resolution, quality)
            with self._times.measured("encode", "jpeg"):
                data = encode_jpeg(picture, quality)
            self._frames.put(key, data)
        return data

    @torch.no_grad()
    def picture(self, document: Document, resolution: int, quality: Quality = "final") -> RGB:
        """The picture [resolution, resolution, 3]. A preview leaves locks and calibration out."""
        face = self.face(document)
        ws = self.edits.edited(document, face, corrected=quality == "final")
        return self._draw(document, face, ws, resolution)

    @torch.no_grad()
    def moved_picture(self, document: Document, resolution: int, moves: Moves) -> RGB:
        """The final picture moved along directions that are not in the document."""
        face = self.face(document)
        ws = apply_directions(self.edits.edited(document, face, corrected=True), moves)
        return self._draw(document, face, ws, resolution)

    @torch.no_grad()
    def attributes(self, document: Document) -> AttributeReading:
        """Read before and after the edit, both with the model's own noise."""
        return read_edit(self.edits, document, self.face(document), self.bundle.estimator is not None)

    @torch.no_grad()
    def face(self, document: Document) -> MixedFace:
        """The face before its edits."""
        generator = self._generator_of(document.base)
        return MixedFace(_mixed_key(document), self._mixed_ws(document), generator)

    def _draw(self, document: Document, face: MixedFace, ws: Tensor, resolution: int) -> RGB:
        noise = self._noise_of(document)
        return as_rgb(
            face.generator.synthesis(ws, noise=noise, resolution=resolution, memory=self._activations)
        )

    def _base_ws(self, base: Base) -> Tensor:
        return self._ws.get_or_compute(base.model_dump_json(), lambda: self._compute_base(base))

    def _compute_base(self, base: Base) -> Tensor:
        psi, cutoff = base.truncation_psi, base.truncation_cutoff
        if isinstance(base, LatentBase):
            stored = torch.from_numpy(self._latent(base).ws).to(self.device)[None]
            return truncate(stored, self.generator.w_avg, psi, cutoff)
        z = np.random.RandomState(base.seed).randn(1, self.generator.z_dim)
        rows = torch.from_numpy(z).to(self.device, torch.float32)
        ws: Tensor = self.generator.mapping(rows, None, psi, cutoff)
        return ws

    def _latent(self, base: LatentBase) -> Latent:
        def load() -> Latent:
            latent = read_latent(self._latent_source(base.latent))
            same_shape = latent.ws.shape == (self.generator.num_ws, self.generator.w_dim)
            if not same_shape or latent.generator != self.bundle.manifest.generator.sha256:
                detail = "A face in it was found with another model, or with another version of this one."
                hint = "Search for its photo again with this model, or take another face."
                raise Problem("latent_of_other_model", detail, hint)
            return latent

        return self._latents.get_or_compute(str(base.latent), load)

    def _generator_of(self, base: Base) -> Generator:
        """A face that the generator was tuned for is rendered with the tuned one."""
        if not isinstance(base, LatentBase):
            return self.generator
        return self._tuned.of(str(base.latent), self._latent(base))

    def _mixed_ws(self, document: Document) -> Tensor:
        def mixed() -> Tensor:
            ws = self._base_ws(document.base)
            for part in document.mix:
                ws = mix(ws, self._base_ws(part.source), part.layers, part.strength)
            return ws

        return self._ws.get_or_compute(_mixed_key(document), mixed)

    def _noise_of(self, document: Document) -> list[Tensor] | None:
        spec, base = document.noise, document.base
        own = spec.seed is None and isinstance(base, LatentBase)
        key = json.dumps([str(base.latent) if own and isinstance(base, LatentBase) else None, _dump(spec)])
        return self._noise.get_or_compute(key, lambda: self._compute_noise(spec, base))

    def _compute_noise(self, spec: NoiseSpec, base: Base) -> list[Tensor] | None:
        """A projected latent keeps the maps it was found with, unless the document draws others."""
        if spec.seed is None and isinstance(base, LatentBase) and (maps := self._latent(base).noise):
            return [torch.from_numpy(m).to(self.device)[None, None] * spec.strength for m in maps]
        return noise_maps(self.generator, spec.seed, spec.strength)


def as_rgb(img: Tensor) -> RGB:
    """Picture [1, 3 or 1, R, R] of -1..1 as [R, R, 3]. Raises Problem not_finite."""
    if not bool(torch.isfinite(img).all()):
        hint = "Move the sliders back towards the middle."
        raise Problem("not_finite", "These settings lead to numbers that are no picture.", hint)
    rgb: RGB = to_uint8(img.expand(-1, 3, -1, -1))[0].cpu().numpy()
    return rgb


def _weights(bundle: Bundle) -> tuple[str | None, ...]:
    """What a picture depends on besides its document: models may share a generator, but not the flow."""
    manifest = bundle.manifest
    parts = (manifest.generator, manifest.flow, manifest.attributes)
    return tuple(None if part is None else part.sha256 for part in parts)


def _dump(part: Base | Mix | NoiseSpec) -> str:
    return part.model_dump_json()


def _mixed_key(document: Document) -> str:
    return json.dumps(["mixed", _dump(document.base), [_dump(part) for part in document.mix]])

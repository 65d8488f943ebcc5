"""picture = render(document): the stages of one model, each remembered by the key of its input.

    base -> ws0 -> mixed -> ws1 -> edited (edit_stages.py) -> ws2 -> synthesis with noise -> picture

A slider that moves changes only what comes after it, down to the first layer of the synthesis whose input
differs, and a slider that is put back finds its picture again.
Everything here runs on the engine's compute thread.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from models.bundle import Bundle
from models.editing.directions import apply_directions
from models.editing.mixing import mix
from models.stylegan2.generator import Generator
from models.stylegan2.mapping import truncate
from models.stylegan2.native.memory import SynthesisMemory
from server.documents import Base, Document, LatentBase, Mix
from server.engine.cache import FrameCache, StageCache
from server.engine.compute import outcome
from server.engine.drawing import FinishedFace, as_rgb, draw_together, preview_side
from server.engine.edit_reading import read_edit
from server.engine.edit_stages import EditStages
from server.engine.editing_interface import AttributeReading
from server.engine.frames import encode_jpeg
from server.engine.interface import RGB, LatentSource, Quality
from server.engine.known_directions import KnownDirections, Moves
from server.engine.latents import Latent, read_latent
from server.engine.measures import StageTimes
from server.engine.mixed_face import MixedFace
from server.engine.noise_stage import NoiseStage, noise_key
from server.engine.tuned import TunedGenerators
from server.problems import Problem

STAGE_CAPACITY = 64
LATENT_CAPACITY = 16


@dataclass(frozen=True)
class Preview:
    """A JPEG of side x side."""

    jpeg: bytes
    side: int


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
        self._noise = NoiseStage(bundle.generator)
        self._activations = SynthesisMemory()
        self._tuned = TunedGenerators(bundle.generator)
        self.edits = EditStages(bundle, directions, self._activations)

    @property
    def tuned_bytes(self) -> int:
        """Memory of the generators that were tuned for single faces. Any thread may ask."""
        return self._tuned.bytes

    def forget_tuned(self) -> None:
        """All but the one used last; they are made again when they are needed. Any thread may ask."""
        self._tuned.keep(1)

    @torch.no_grad()
    def jpeg(self, document: Document, resolution: int) -> bytes:
        """The encoded final picture. Raises Problem, EditError, IntegrationError, as all methods here do."""
        key = self._frame_key(document, resolution, "final")
        data = self._frames.get(key)
        return data or self._encoded(key, self.picture(document, resolution), "final")

    @torch.no_grad()
    def previews(self, documents: Sequence[Document], side: int) -> list[Preview | Exception]:
        """One for each document, without locks and calibration, smaller where there are many."""
        side = preview_side(side, len(documents), self.generator.synthesis.rgb_resolutions)
        keys = [self._frame_key(document, side, "preview") for document in documents]
        frames: dict[str, bytes | Exception | None] = {key: self._frames.get(key) for key in keys}
        missing = {key: document for key, document in zip(keys, documents, strict=True) if not frames[key]}
        pictures = self._preview_pictures(list(missing.values()), side)
        for key, picture in zip(missing, pictures, strict=True):
            frames[key] = (
                picture if isinstance(picture, Exception) else self._encoded(key, picture, "preview")
            )
        found = [frames[key] for key in keys]
        return [Preview(frame, side) if isinstance(frame, bytes) else frame for frame in found if frame]

    @torch.no_grad()
    def picture(self, document: Document, resolution: int) -> RGB:
        """The final picture [resolution, resolution, 3]."""
        return self.drawn(self.finished(document), resolution)

    @torch.no_grad()
    def moved_picture(self, document: Document, resolution: int, moves: Moves) -> RGB:
        """The final picture moved along directions that are not in the document."""
        face = self.finished(document)
        return self.drawn(replace(face, ws=apply_directions(face.ws, moves)), resolution)

    @torch.no_grad()
    def attributes(self, document: Document) -> AttributeReading:
        """Read before and after the edit, both with the model's own noise."""
        return read_edit(self.edits, document, self.face(document), self.bundle.estimator is not None)

    @torch.no_grad()
    def begin_edits(self, document: Document) -> None:
        """Where every edit of the document's face starts, remembered for the first of them."""
        self.edits.begin(document, self.face(document))

    @torch.no_grad()
    def face(self, document: Document) -> MixedFace:
        """The face before its edits."""
        generator = self._generator_of(document.base)
        return MixedFace(_mixed_key(document), self._mixed_ws(document), generator)

    @torch.no_grad()
    def finished(self, document: Document) -> FinishedFace:
        """The face after its edits, corrected if the document asks for it."""
        face = self.face(document)
        ws = self.edits.edited(document, face)
        return FinishedFace(ws, self._noise_of(document), face.generator)

    @torch.no_grad()
    def drawn(self, face: FinishedFace, resolution: int) -> RGB:
        """Its picture [resolution, resolution, 3]."""
        synthesis = face.generator.synthesis
        return as_rgb(synthesis(face.ws, noise=face.noise, resolution=resolution, memory=self._activations))

    def _preview_pictures(self, documents: Sequence[Document], side: int) -> list[RGB | Exception]:
        faces = [outcome(partial(self.face, document)) for document in documents]
        found: list[FinishedFace | Exception] = []
        edited = iter(self.edits.previews(_pairs(documents, faces)))
        for document, face in zip(documents, faces, strict=True):
            if isinstance(face, MixedFace):
                found.append(self._finished_preview(document, face, next(edited)))
            else:
                found.append(face)
        if len(found) == 1 and isinstance(found[0], FinishedFace):
            return [outcome(partial(self.drawn, found[0], side))]
        return draw_together(found, side)

    def _finished_preview(
        self, document: Document, face: MixedFace, ws: Tensor | Exception
    ) -> FinishedFace | Exception:
        if isinstance(ws, Exception):
            return ws
        return outcome(lambda: FinishedFace(ws, self._noise_of(document), face.generator))

    def _frame_key(self, document: Document, side: int, quality: Quality) -> str:
        edited = self.edits.key(document, _mixed_key(document), corrected=quality == "final")
        return json.dumps([self.weights, edited, noise_key(document.noise), side, quality])

    def _encoded(self, key: str, picture: RGB, quality: Quality) -> bytes:
        with self._times.measured("encode", "jpeg"):
            data = encode_jpeg(picture, quality)
        self._frames.put(key, data)
        return data

    def _base_ws(self, base: Base) -> Tensor:
        return self._ws.get_or_compute(base.model_dump_json(), lambda: self._compute_base(base))

    def _compute_base(self, base: Base) -> Tensor:
        psi, cutoff = base.truncation_psi, base.truncation_cutoff
        if isinstance(base, LatentBase):
            stored = torch.from_numpy(self.stored_latent(base).ws).to(self.device)[None]
            return truncate(stored, self.generator.w_avg, psi, cutoff)
        z = np.random.RandomState(base.seed).randn(1, self.generator.z_dim)
        rows = torch.from_numpy(z).to(self.device, torch.float32)
        ws: Tensor = self.generator.mapping(rows, None, psi, cutoff)
        return ws

    def stored_latent(self, base: LatentBase) -> Latent:
        """Read once. Raises Problem unknown_latent, latent_of_other_model."""

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
        return self._tuned.of(str(base.latent), self.stored_latent(base))

    def _mixed_ws(self, document: Document) -> Tensor:
        def mixed() -> Tensor:
            ws = self._base_ws(document.base)
            for part in document.mixed_in:
                ws = mix(ws, self._base_ws(part.source), part.layers, part.strength)
            return ws

        return self._ws.get_or_compute(_mixed_key(document), mixed)

    def _noise_of(self, document: Document) -> list[Tensor | None] | None:
        """A projected latent keeps the maps it was found with as its stored ones."""
        base = document.base
        if not isinstance(base, LatentBase):
            return self._noise.maps(document.noise)
        return self._noise.maps(document.noise, str(base.latent), self.stored_latent(base).noise)


def _pairs(
    documents: Sequence[Document], faces: Sequence[MixedFace | Exception]
) -> list[tuple[Document, MixedFace]]:
    pairs = zip(documents, faces, strict=True)
    return [(document, face) for document, face in pairs if isinstance(face, MixedFace)]


def _weights(bundle: Bundle) -> tuple[str | None, ...]:
    """What a picture depends on besides its document: models may share a generator, but not the flow."""
    manifest = bundle.manifest
    parts = (manifest.generator, manifest.flow, manifest.attributes)
    return tuple(None if part is None else part.sha256 for part in parts)


def _dump(part: Base | Mix) -> str:
    return part.model_dump_json()


def _mixed_key(document: Document) -> str:
    return json.dumps(["mixed", _dump(document.base), [_dump(part) for part in document.mixed_in]])

"""picture = render(document): the stages of one model, each remembered by the key of its input.

    base -> ws0 -> mixed -> ws1 -> attributes edited -> ws2 -> synthesis with noise -> picture

A slider that moves changes only what comes after it, down to the first layer of the synthesis whose input
differs, and a slider that is put back finds its picture again.
Everything here runs on the engine's compute thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from models.bundle import Bundle
from models.editing.attribute_edit import EditStart, apply_edit, start_edit
from models.editing.mixing import mix
from models.editing.noise import noise_maps
from models.styleflow.attributes import ATTRIBUTES
from models.stylegan2.generator import to_uint8
from models.stylegan2.mapping import truncate
from models.stylegan2.native.memory import SynthesisMemory
from server.documents import Base, Document, LatentBase, Mix, NoiseSpec
from server.engine.cache import FrameCache, StageCache
from server.engine.frames import encode_jpeg
from server.engine.interface import RGB, AttributeReading, LatentSource, Quality
from server.engine.latents import Latent, read_latent
from server.problems import Problem

STAGE_CAPACITY = 64
LATENT_CAPACITY = 16
NOISE_CAPACITY = 4


class ModelWorker:
    """One loaded bundle and what was computed with it lately."""

    def __init__(self, bundle: Bundle, latents: LatentSource, frames: FrameCache) -> None:
        self.bundle, self.generator = bundle, bundle.generator
        self.device = bundle.generator.w_avg.device
        self._weights = _weights(bundle)
        self._latent_source, self._frames = latents, frames
        self._latents: StageCache[Latent] = StageCache(LATENT_CAPACITY)
        self._ws: StageCache[Tensor] = StageCache(STAGE_CAPACITY)
        self._readings: StageCache[Tensor] = StageCache(STAGE_CAPACITY)
        self._edit_starts: StageCache[EditStart] = StageCache(STAGE_CAPACITY)
        self._noise: StageCache[list[Tensor] | None] = StageCache(NOISE_CAPACITY)
        self._activations = SynthesisMemory()

    @torch.no_grad()
    def jpeg(self, document: Document, resolution: int, quality: Quality) -> bytes:
        """The encoded picture. Raises Problem, as all methods here do."""
        key = json.dumps([self._weights, _final_key(document), resolution, quality])
        data = self._frames.get(key)
        if data is None:
            data = encode_jpeg(self.picture(document, resolution), quality)
            self._frames.put(key, data)
        return data

    @torch.no_grad()
    def picture(self, document: Document, resolution: int) -> RGB:
        """The picture [resolution, resolution, 3]."""
        ws, noise = self._final_ws(document), self._noise_of(document)
        return as_rgb(
            self.generator.synthesis(ws, noise=noise, resolution=resolution, memory=self._activations)
        )

    @torch.no_grad()
    def attributes(self, document: Document) -> AttributeReading:
        """Estimated before the attribute edit and on the edited picture, both with the model's own noise."""
        return AttributeReading(
            base=_by_name(self._reading(_mixed_key(document), lambda: self._mixed_ws(document))),
            current=_by_name(self._reading(_edited_key(document), lambda: self._final_ws(document))),
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

    def _mixed_ws(self, document: Document) -> Tensor:
        def mixed() -> Tensor:
            ws = self._base_ws(document.base)
            for part in document.mix:
                ws = mix(ws, self._base_ws(part.source), part.layers, part.strength)
            return ws

        return self._ws.get_or_compute(_mixed_key(document), mixed)

    def _final_ws(self, document: Document) -> Tensor:
        if not document.attributes:
            return self._mixed_ws(document)
        return self._ws.get_or_compute(_edited_key(document), lambda: self._edited_ws(document))

    def _edited_ws(self, document: Document) -> Tensor:
        flow = self.bundle.flow
        if flow is None:
            raise Problem("not_editable", "The model comes without a flow.")
        base = self._reading(_mixed_key(document), lambda: self._mixed_ws(document))
        target = base.clone()
        for i, attribute in enumerate(ATTRIBUTES):
            if attribute.name in document.attributes:
                target[0, i] = document.attributes[attribute.name]
        start = self._edit_starts.get_or_compute(
            _mixed_key(document), lambda: start_edit(flow, self._mixed_ws(document), base)
        )
        return apply_edit(flow, start, target)

    def _reading(self, key: str, ws: Callable[[], Tensor]) -> Tensor:
        estimator = self.bundle.estimator
        if estimator is None:
            raise Problem("not_editable", "The model comes without an attribute estimator.")

        def estimate() -> Tensor:
            img = self.generator.synthesis(ws(), memory=self._activations)
            values: Tensor = estimator(img.expand(-1, 3, -1, -1))  # grey: three times the same
            return values

        return self._readings.get_or_compute(key, estimate)

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


def _weights(bundle: Bundle) -> list[str | None]:
    """What a picture depends on besides its document: models may share a generator, but not the flow."""
    manifest = bundle.manifest
    parts = (manifest.generator, manifest.flow, manifest.attributes)
    return [None if part is None else part.sha256 for part in parts]


def _dump(part: Base | Mix | NoiseSpec) -> str:
    return part.model_dump_json()


def _mixed_key(document: Document) -> str:
    return json.dumps(["mixed", _dump(document.base), [_dump(part) for part in document.mix]])


def _edited_key(document: Document) -> str:
    if not document.attributes:
        return _mixed_key(document)
    return json.dumps(["edited", _mixed_key(document), sorted(document.attributes.items())])


def _final_key(document: Document) -> str:
    return json.dumps([_edited_key(document), _dump(document.noise)])


def _by_name(values: Tensor) -> dict[str, float]:
    numbers: list[float] = values[0].tolist()
    return {attribute.name: number for attribute, number in zip(ATTRIBUTES, numbers, strict=True)}

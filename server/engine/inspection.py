"""See inspection_interface.Inspection: after everything that somebody edits, on the compute thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.stylegan2.feature_maps import feature_map_steps
from server.documents import Document
from server.engine.activation_sheets import ChosenMaps, choose_maps, sheet_of
from server.engine.cache import StageCache
from server.engine.compute import Computes, Priority
from server.engine.drawing import FinishedFace
from server.engine.fit import check_fit, check_noise_layers
from server.engine.frames import encode_png
from server.engine.inspection_interface import ActivationRequest, ActivationSheet, NoiseEffect
from server.engine.residence import ResidentModel
from server.engine.worker import ModelWorker

Using = Callable[[str], AbstractAsyncContextManager[ResidentModel]]
Prepare = Callable[[Document, ResidentModel], Awaitable[None]]

EFFECT_SIDE = 256
# Of the layer looked at last, to leaf through it: 64 MB. Only the largest layers of large models have more.
REMEMBERED_NUMBERS = 2**24


class LocalInspection:
    """The part of LocalEngine that looks into networks."""

    def __init__(self, using: Using, run: Computes, prepare: Prepare) -> None:
        self._using, self._run, self._prepare = using, run, prepare
        self._last: StageCache[Tensor] = StageCache(1)

    async def activations(self, request: ActivationRequest) -> ActivationSheet:
        """The maps block by block on the compute thread, the sheet beside it."""
        async with self._using(request.document.model) as model:
            check_fit(request.document, model.description)
            check_noise_layers(model.description, request.layer)
            await self._prepare(request.document, model)
            key = json.dumps([model.worker.weights, request.document.model_dump(mode="json"), request.layer])
            maps = await self._run(Priority.PROJECTION, lambda: self._last.get(key))
            if maps is None:
                maps = await self._maps(model.worker, request)
            chosen = await self._run(Priority.PROJECTION, lambda: self._choose(key, maps, request))
        return await asyncio.to_thread(sheet_of, chosen, request.side)

    async def noise_effect(self, document: Document, layer: int) -> NoiseEffect:
        """Two pictures, no larger than they are shown, one after the other."""
        async with self._using(document.model) as model:
            check_fit(document, model.description)
            check_noise_layers(model.description, layer)
            await self._prepare(document, model)
            face = await self._run(Priority.PROJECTION, lambda: model.worker.finished(document))
            without = silenced(face, layer)
            sounding = await self._run(Priority.PROJECTION, lambda: small_picture(face, layer))
            silent = await self._run(Priority.PROJECTION, lambda: small_picture(without, layer))
        difference = np.abs(sounding - silent).mean(axis=0) * 127.5
        largest = float(difference.max())
        shown = (difference * (255 / max(largest, 1e-12))).round().astype(np.uint8)
        png = await asyncio.to_thread(encode_png, shown[..., None].repeat(3, axis=-1))
        return NoiseEffect(png, round(largest, 2))

    async def _maps(self, worker: ModelWorker, request: ActivationRequest) -> Tensor:
        face = await self._run(Priority.PROJECTION, lambda: worker.finished(request.document))
        steps = feature_map_steps(face.generator.synthesis, face.ws, request.layer, face.noise)
        maps: Tensor | None = None
        while maps is None:
            maps = await self._run(Priority.PROJECTION, lambda: next(steps))
        return maps[0]

    def _choose(self, key: str, maps: Tensor, request: ActivationRequest) -> ChosenMaps:
        if maps.numel() <= REMEMBERED_NUMBERS:
            self._last.put(key, maps)
        return choose_maps(maps, request)


def silenced(face: FinishedFace, layer: int) -> FinishedFace:
    """The face with no noise at that layer."""
    sides = face.generator.synthesis.noise_resolutions
    noise = list(face.noise or [None] * len(sides))
    noise[layer] = torch.zeros(1, 1, sides[layer], sides[layer], device=face.ws.device)
    return replace(face, noise=noise)


@torch.no_grad()
def small_picture(face: FinishedFace, layer: int) -> NDArray[np.float32]:
    """The picture [C, R, R] in -1..1, as small as it can be for that layer to be in it."""
    synthesis = face.generator.synthesis
    enough = max(synthesis.noise_resolutions[layer], min(EFFECT_SIDE, synthesis.img_resolution))
    resolution = next(r for r in synthesis.rgb_resolutions if r >= enough)
    img = synthesis(face.ws, noise=face.noise, resolution=resolution, force_fp32=True)
    return np.asarray(img.clamp(-1, 1)[0].cpu().numpy())

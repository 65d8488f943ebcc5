"""See inspection_interface.Inspection: after everything that somebody edits, on the compute thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import numpy as np
import torch
from torch import Tensor

from models.stylegan2.feature_maps import feature_maps
from server.documents import Document
from server.engine.activation_sheets import ChosenMaps, choose_maps, sheet_of
from server.engine.cache import StageCache
from server.engine.compute import Computes, Priority
from server.engine.fit import check_fit, check_noise_layers
from server.engine.frames import encode_png
from server.engine.inspection_interface import ActivationRequest, ActivationSheet, NoiseEffect
from server.engine.interface import RGB
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
        """The maps on the compute thread, the sheet beside it."""
        async with self._using(request.document.model) as model:
            check_fit(request.document, model.description)
            check_noise_layers(model.description, request.layer)
            await self._prepare(request.document, model)
            maps = await self._run(Priority.PROJECTION, lambda: self._chosen(model.worker, request))
        return await asyncio.to_thread(sheet_of, maps, request.side)

    async def noise_effect(self, document: Document, layer: int) -> NoiseEffect:
        """Two pictures, no larger than they are shown."""
        async with self._using(document.model) as model:
            check_fit(document, model.description)
            check_noise_layers(model.description, layer)
            await self._prepare(document, model)
            difference = await self._run(
                Priority.PROJECTION, lambda: noise_difference(model.worker, document, layer)
            )
        largest = float(difference.max())
        shown = (difference * (255 / max(largest, 1e-12))).round().astype(np.uint8)
        png = await asyncio.to_thread(encode_png, shown[..., None].repeat(3, axis=-1))
        return NoiseEffect(png, round(largest, 2))

    def _chosen(self, worker: ModelWorker, request: ActivationRequest) -> ChosenMaps:
        key = json.dumps([worker.weights, request.document.model_dump(mode="json"), request.layer])
        maps = self._last.get(key)
        if maps is None:
            face = worker.finished(request.document)
            maps = feature_maps(face.generator.synthesis, face.ws, request.layer, face.noise)[0]
            if maps.numel() <= REMEMBERED_NUMBERS:
                self._last.put(key, maps)
        return choose_maps(maps, request)


@torch.no_grad()
def noise_difference(worker: ModelWorker, document: Document, layer: int) -> RGB:
    """How much the picture changes where that layer has no noise [R, R], in 0..255, mean of the colours."""
    face = worker.finished(document)
    synthesis = face.generator.synthesis
    sides = synthesis.noise_resolutions
    enough = max(sides[layer], min(EFFECT_SIDE, synthesis.img_resolution))
    resolution = next(r for r in synthesis.rgb_resolutions if r >= enough)
    silent = list(face.noise or [None] * len(sides))
    silent[layer] = torch.zeros(1, 1, sides[layer], sides[layer], device=face.ws.device)
    pictures = [
        synthesis(face.ws, noise=noise, resolution=resolution, force_fp32=True).clamp(-1, 1)
        for noise in (face.noise, silent)
    ]
    difference = (pictures[0] - pictures[1]).abs().mean(dim=1)[0] * 127.5
    return np.asarray(difference.cpu().numpy())

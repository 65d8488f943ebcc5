"""See exporting_interface.Exporting: finished faces as files, and files as faces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

import numpy as np
from torch import Tensor

from models.stylegan2.generator import Generator
from server.documents import Document, LatentBase
from server.engine.compute import Computes, Priority
from server.engine.editing import LocalEditing
from server.engine.exporting_interface import FoundLatent, LatentPart, MovingEdit, PictureFile, WeightsOf
from server.engine.fit import check_fit
from server.engine.interface import RGB
from server.engine.latent_files import found_latent, npz_of
from server.engine.latents import Array, Latent, latent_file
from server.engine.moving_edit import between, check_same_face
from server.engine.picture_files import picture_file
from server.engine.residence import ResidentModel
from server.engine.worker import ModelWorker

Using = Callable[[str], AbstractAsyncContextManager[ResidentModel]]


class LocalExporting:
    """The part of LocalEngine that exports."""

    def __init__(self, using: Using, run: Computes, editing: LocalEditing) -> None:
        self._using, self._run, self._editing = using, run, editing

    async def weights(self, model: str) -> WeightsOf:
        """From the loaded model."""
        async with self._using(model) as resident:
            generator, flow, attributes = resident.worker.weights
            assert generator is not None
            return WeightsOf(generator, flow, attributes)

    async def picture(self, document: Document, file: PictureFile) -> bytes:
        """Rendered with the priority of a final picture, written on another thread."""
        async with self._using(document.model) as model:
            await self._check(document, model)
            side = model.description.img_resolution
            rgb = await self._run(Priority.FINAL, partial(model.worker.picture, document, side))
        return await asyncio.to_thread(picture_file, rgb, file)

    async def latent(self, document: Document, part: LatentPart) -> bytes:
        """With the priority of a final picture."""
        return latent_file(await self._latent(document, part))

    async def npz(self, document: Document, part: LatentPart) -> bytes:
        """With the priority of a final picture."""
        return npz_of(await self._latent(document, part))

    async def read_latent(self, model: str, data: bytes) -> FoundLatent:
        """On another thread; nothing of it is computed with yet."""
        async with self._using(model) as resident:
            bundle = resident.worker.bundle
            read = partial(found_latent, data, bundle.generator, bundle.manifest.generator.sha256)
            latent, names_model = await asyncio.to_thread(read)
            # our own file as it came: written anew it would be another blob
            return FoundLatent(data if names_model else latent_file(latent), names_model)

    async def frames(self, edit: MovingEdit) -> AsyncGenerator[RGB, None]:
        """One hop to the compute thread a picture, so that others are rendered in between."""
        check_same_face(edit.start, edit.end)
        async with self._using(edit.start.model) as model:
            await self._check(edit.start, model)
            await self._check(edit.end, model)
            base, lamp = {}, None
            if edit.start.edits_attributes or edit.end.edits_attributes:
                reading = await self._editing.attributes(edit.start)
                base, lamp = reading.base, reading.light
            side = model.description.img_resolution
            for share in edit.shares:
                document = between(edit.start, edit.end, share, base, lamp)
                yield await self._run(Priority.PROJECTION, partial(model.worker.picture, document, side))

    async def _latent(self, document: Document, part: LatentPart) -> Latent:
        async with self._using(document.model) as model:
            await self._check(document, model)
            asked = document if part == "edited" else _unedited(document)
            return await self._run(Priority.FINAL, partial(latent_of, model.worker, asked))

    async def _check(self, document: Document, model: ResidentModel) -> None:
        check_fit(document, model.description)
        await self._editing.prepare(document, model)


def latent_of(worker: ModelWorker, document: Document) -> Latent:
    """The finished face of a document as a latent, which is rendered to the same picture. Runs on the compute
    thread.
    """
    face = worker.finished(document)
    stored = worker.stored_latent(document.base) if isinstance(document.base, LatentBase) else None
    return Latent(
        ws=_array(face.ws[0]),
        noise=_maps(face.noise, worker.generator),
        generator=worker.bundle.manifest.generator.sha256,
        tuning=stored.tuning if stored else {},
    )


def _maps(noise: Sequence[Tensor | None] | None, generator: Generator) -> tuple[Array, ...]:
    """Every layer's map; none where all are the generator's own."""
    if noise is None:
        return ()
    own = generator.synthesis.noise_maps()
    return tuple(_array(own[i] if each is None else each[0, 0]) for i, each in enumerate(noise))


def _array(values: Tensor) -> Array:
    return np.ascontiguousarray(values.detach().float().cpu().numpy())


def _unedited(document: Document) -> Document:
    return Document(model=document.model, base=document.base)

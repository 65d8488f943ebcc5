"""An engine on a folder of models, started and stopped around a scenario, and what scenarios ask of it."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from server.documents import Document
from server.engine.interface import ListedModel, Quality, Rendered, RenderRequest
from server.engine.latents import Latent, latent_file
from server.engine.local import LocalEngine
from server.engine.local_options import LocalEngineOptions
from server.problems import Problem
from tests.server.harness import seed_document

T = TypeVar("T")
Pixels = NDArray[np.uint8]
MIB = 2**20
# The latent that every id names here: of a model that nobody has.
LATENT = latent_file(Latent(np.zeros((8, 32), np.float32), (), "0" * 64))


def running(folder: Path, scenario: Callable[[LocalEngine], Awaitable[T]], budget_bytes: int = 64 * MIB) -> T:
    """What scenario gives with an engine on folder that has started and is stopped afterwards."""

    async def run() -> T:
        options = LocalEngineOptions(
            folder, folder.parent / "converted", "cpu", "efficientnet-lite0", model_cache_bytes=budget_bytes
        )
        engine = LocalEngine(options, lambda _: LATENT)
        await engine.start()
        try:
            return await scenario(engine)
        finally:
            await engine.stop()

    return asyncio.run(run())


async def render(engine: LocalEngine, model: str, quality: Quality = "final", **changes: Any) -> Rendered:
    document = Document.model_validate(seed_document(model=model, **changes))
    return await engine.render(RenderRequest(document, quality=quality))


async def pixels(engine: LocalEngine, model: str, **changes: Any) -> Pixels:
    document = Document.model_validate(seed_document(model=model, **changes))
    rendered = await engine.render(RenderRequest(document, format="png"))
    with Image.open(io.BytesIO(rendered.data)) as image:
        return np.asarray(image)


async def refusal(engine: LocalEngine, model: str, **changes: Any) -> Problem:
    with pytest.raises(Problem) as refused:
        await render(engine, model, **changes)
    return refused.value


def listed(engine: LocalEngine) -> dict[str, ListedModel]:
    return {model.name: model for model in engine.listing()}


def in_memory(engine: LocalEngine) -> set[str]:
    return {model.name for model in engine.listing() if model.loaded}


async def prepared(engine: LocalEngine) -> dict[str, ListedModel]:
    """The listing once nothing is being prepared any more."""
    while any(model.state == "preparing" for model in engine.listing()):
        await asyncio.sleep(0.02)
    return listed(engine)


def replace_in_place(path: Path, write: Callable[[Path], None]) -> None:
    """As a copy over the file would, with another time of change than before."""
    before = path.stat()
    write(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))


def flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

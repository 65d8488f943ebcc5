"""Loaded models within their budget: who leaves, who stays, and what is shared."""

from __future__ import annotations

import asyncio
import gc
import shutil
from pathlib import Path
from uuid import uuid4

import numpy as np

from models.projection.tuning import tunable_weights
from models.shared import SharedNetworks
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.stylegan2.native.entry import packed_bytes
from server.documents import Document
from server.engine.cache import FrameCache
from server.engine.catalogue import Entry, scan
from server.engine.known_directions import KnownDirections, no_directions
from server.engine.latents import Latent, latent_file
from server.engine.loading import load_entry
from server.engine.local import LocalEngine
from server.engine.projecting_interface import ProjectionRequest, ProjectionSpec
from server.engine.residence import ResidentModel, ResidentModels
from server.engine.worker import ModelWorker
from tests.server.engine_runs import MIB, in_memory, refusal, render, running
from tests.server.harness import seed_document, write_generator


def generators_alive() -> int:
    """How many there are in this process."""
    gc.collect()
    return sum(type(each) is Generator for each in gc.get_objects())


def test_the_model_not_used_for_longest_leaves_when_the_budget_is_reached(folder: Path) -> None:
    for seed, name in enumerate(("a", "b", "c")):
        write_generator(folder / f"{name}.safetensors", seed)
    generator = load_generator(folder / "a.safetensors")
    before = generators_alive()
    weights = sum(tensor.numel() * 4 for tensor in (*generator.parameters(), *generator.buffers()))
    weights += packed_bytes(generator.synthesis)

    async def scenario(engine: LocalEngine) -> None:
        first = (await render(engine, "a")).data
        await render(engine, "b")
        await render(engine, "a", "preview")
        assert (in_memory(engine), generators_alive()) == ({"a", "b"}, before + 2)
        await render(engine, "c")
        assert (in_memory(engine), generators_alive()) == ({"a", "c"}, before + 2)
        await render(engine, "b")
        assert in_memory(engine) == {"b", "c"}
        assert (await render(engine, "a")).data == first
        assert in_memory(engine) == {"a", "b"}

    running(folder, scenario, budget_bytes=2 * weights)


def test_a_model_larger_than_the_budget_is_loaded_alone(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)

    async def scenario(engine: LocalEngine) -> None:
        assert in_memory(engine) == {"a"}
        assert (await render(engine, "b")).width == 32
        assert in_memory(engine) == {"b"}

    running(folder, scenario, budget_bytes=1)


def test_a_model_stays_while_a_projection_works_with_it(folder: Path) -> None:
    for seed, name in enumerate(("a", "b", "c")):
        write_generator(folder / f"{name}.safetensors", seed)

    async def scenario(engine: LocalEngine) -> None:
        spec = ProjectionSpec("a", np.full((32, 32, 3), 128, np.uint8), ProjectionRequest("w", steps=3))
        steps = engine.project(spec, asyncio.Event())
        await anext(steps)
        await render(engine, "b")
        await render(engine, "c")
        assert in_memory(engine) == {"a", "c"}
        rest = [event.step async for event in steps]
        assert rest[-1] == 3
        assert in_memory(engine) == {"c"}, "as soon as it is over"

    running(folder, scenario, budget_bytes=1)


def test_files_with_the_same_bytes_share_their_tensors(folder: Path, checkpoints: Path) -> None:
    shutil.copytree(checkpoints / "tiny", folder / "bundle")
    for name in ("copy-1.safetensors", "copy-2.safetensors"):
        shutil.copy(folder / "bundle" / "generator.safetensors", folder / name)
    write_generator(folder / "other.safetensors", 7)
    networks = SharedNetworks()
    entries = scan(folder, ())
    bundle, first, second, other = (load_entry(e, e.place, "cpu", networks) for e in entries)
    assert bundle.bundle.generator is first.bundle.generator is second.bundle.generator
    assert other.bundle.generator is not first.bundle.generator

    resident = ResidentModels(64 * MIB)
    sizes = []
    for entry, loaded in zip(entries[1:], (first, second, other), strict=True):
        worker = ModelWorker(loaded.bundle, lambda _: b"", KnownDirections(no_directions), FrameCache(0))
        resident.add(ResidentModel(loaded.description, entry.place, worker))
        sizes.append(resident.bytes())
    assert sizes[0] == sizes[1]
    assert sizes[2] == 2 * sizes[0]


def tuned_latent(generator: Generator, sha256: str) -> bytes:
    """A latent whose every convolution was tuned a little."""
    ones = {}
    for name, weight in tunable_weights(generator).items():
        ones[f"{name}.up"] = np.full((weight.shape[0], 1), 1e-3, np.float32)
        ones[f"{name}.down"] = np.ones((1, weight.shape[1:].numel()), np.float32)
    return latent_file(Latent(np.zeros((generator.num_ws, generator.w_dim), np.float32), (), sha256, ones))


def test_generators_tuned_for_single_faces_count_and_make_others_leave(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)
    resident = ResidentModels(64 * MIB)

    def move_in(entry: Entry) -> None:
        loaded = load_entry(entry, entry.place, "cpu", SharedNetworks())
        data = tuned_latent(loaded.bundle.generator, loaded.bundle.manifest.generator.sha256)
        worker = ModelWorker(loaded.bundle, lambda _: data, KnownDirections(no_directions), FrameCache(0))
        resident.add(ResidentModel(loaded.description, entry.place, worker))

    for entry in scan(folder, ()):
        move_in(entry)
    both, before = resident.bytes(), generators_alive()

    def draw(name: str) -> None:
        """A face of that model that nobody has drawn yet."""
        model = resident.use(name)
        assert model is not None
        base = {"kind": "latent", "latent": str(uuid4()), "truncation_psi": 1.0}
        model.worker.picture(Document.model_validate(seed_document(model=name, base=base)), 32)

    draw("b")
    draw("a")
    one = (resident.bytes() - both) // 2
    convolutions = sum(
        4 * w.numel() for w in tunable_weights(load_generator(folder / "a.safetensors")).values()
    )
    assert one >= convolutions
    for _ in range(3):
        draw("a")
    assert resident.bytes() == both + 3 * one, "of a model only the newest two are kept"
    resident.budget_bytes = both // 2 + 2 * one
    resident.make_room()
    assert [model.description.name for model in resident] == ["a"]
    assert resident.bytes() == resident.budget_bytes
    resident.budget_bytes = 1
    resident.make_room()
    assert resident.bytes() == both // 2 + one, "the model used last stays, with the face drawn last"
    assert generators_alive() == before, "one model and one face of it"


def test_models_that_share_a_generator_but_not_the_flow_share_no_edited_picture(
    folder: Path, checkpoints: Path
) -> None:
    shutil.copytree(checkpoints / "tiny", folder / "tiny")
    shutil.copy(folder / "tiny" / "generator.safetensors", folder / "plain.safetensors")

    async def scenario(engine: LocalEngine) -> None:
        assert (await render(engine, "tiny")).data == (await render(engine, "plain")).data
        await render(engine, "tiny", attributes={"age": 30.0})
        assert (await refusal(engine, "plain", attributes={"age": 30.0})).code == "not_editable"

    running(folder, scenario)

"""The engine's parts: order of work, bounded memories, stages computed once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from models.bundle import load_bundle
from models.editing.attribute_edit import edit_attributes
from models.editing.layer_rules import styleflow_rules
from models.projection.state import ProjectorState
from models.stylegan2.generator import to_uint8
from server.documents import Document
from server.engine.cache import FrameCache, StageCache
from server.engine.compute import ComputeThread, Done, Priority, Together
from server.engine.drawing import CROWD, preview_side
from server.engine.frames import live_frame, projection_frame, read_header
from server.engine.interface import Rendered
from server.engine.known_directions import KnownDirections, no_directions
from server.engine.latents import Latent, latent_file, read_latent
from server.engine.local import LocalEngine
from server.engine.local_options import LocalEngineOptions
from server.engine.projecting_interface import ProjectionEvent, ProjectionRequest, ProjectionSpec
from server.engine.worker import ModelWorker, Preview
from server.problems import Problem
from tests.server.harness import seed_document

NO_DIRECTIONS = KnownDirections(no_directions)


def no_latents(latent_id: UUID) -> bytes:
    raise Problem("unknown_latent", f"There is no latent {latent_id}.")


@pytest.fixture
def worker(checkpoints: Path) -> ModelWorker:
    return ModelWorker(load_bundle(checkpoints / "tiny"), no_latents, NO_DIRECTIONS, FrameCache(10**7))


def document(seed: int = 1, **changes: object) -> Document:
    return Document.model_validate(seed_document(seed, **changes))


def test_urgent_work_goes_first_and_equals_keep_their_order() -> None:
    order: list[str] = []

    async def scenario() -> None:
        compute, hold = ComputeThread(), threading.Event()
        compute.start()
        first = asyncio.create_task(compute.run(Priority.LIVE, hold.wait))
        await asyncio.sleep(0)
        rest = [
            asyncio.create_task(compute.run(priority, lambda name=name: order.append(name)))  # type: ignore[misc]
            for priority, name in (
                (Priority.PROJECTION, "step"),
                (Priority.FINAL, "final"),
                (Priority.LIVE, "live 1"),
                (Priority.LIVE, "live 2"),
            )
        ]
        await asyncio.sleep(0)
        hold.set()
        await asyncio.gather(first, *rest)
        await compute.stop()

    asyncio.run(scenario())
    assert order == ["live 1", "live 2", "final", "step"]


def test_what_waits_for_the_same_work_is_computed_together_and_each_has_its_own_end() -> None:
    batches: list[list[int]] = []

    def halves(items: Sequence[int]) -> list[float | Exception]:
        batches.append(list(items))
        return [ValueError(f"{item} is odd") if item % 2 else item / 2 for item in items]

    async def scenario() -> list[object]:
        compute, hold = ComputeThread(), threading.Event()
        compute.start()
        first = asyncio.create_task(compute.run(Priority.LIVE, hold.wait))
        await asyncio.sleep(0)
        tasks = [
            asyncio.create_task(
                compute.run_together(Priority.LIVE, item, Together("ab"[item > 5], 3, halves))
            )
            for item in (2, 3, 4, 6, 8, 5)
        ]
        await asyncio.sleep(0)
        hold.set()
        await first
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        await compute.stop()
        return [end.value if isinstance(end, Done) else str(end) for end in ends]

    assert asyncio.run(scenario()) == [1, "3 is odd", 2, 3, 4, "5 is odd"]
    assert batches == [[2, 3, 4], [6, 8], [5]]


def test_a_batch_that_fails_as_a_whole_tells_everyone() -> None:
    def fails(items: Sequence[int]) -> list[float | Exception]:
        raise ZeroDivisionError(f"{len(items)} items")

    async def scenario() -> None:
        compute = ComputeThread()
        compute.start()
        with pytest.raises(ZeroDivisionError):
            await compute.run_together(Priority.LIVE, 1, Together("all", 2, fails))
        await compute.stop()

    asyncio.run(scenario())


def order_after_a_live_picture(compute: ComputeThread) -> list[str]:
    """A projection's step is there at once when it is done, the next live edit a moment later."""
    order: list[str] = []

    async def scenario() -> None:
        compute.start()
        await compute.run(Priority.LIVE, lambda: order.append("live 1"))
        step = asyncio.create_task(compute.run(Priority.PROJECTION, lambda: order.append("step")))
        await asyncio.sleep(0.05)
        await compute.run(Priority.LIVE, lambda: order.append("live 2"))
        await step
        await compute.stop()

    asyncio.run(scenario())
    return order


def test_a_projection_waits_a_moment_for_the_next_edit_of_a_hand_that_moves() -> None:
    compute = ComputeThread(hold_ms=1000, longest_hold_ms=2000)
    assert order_after_a_live_picture(compute) == ["live 1", "live 2", "step"]


def test_but_not_for_ever() -> None:
    compute = ComputeThread(hold_ms=60_000, longest_hold_ms=0)
    assert order_after_a_live_picture(compute) == ["live 1", "step", "live 2"]


def test_work_that_nobody_awaits_any_more_is_skipped() -> None:
    done: list[str] = []

    async def scenario() -> None:
        compute, hold = ComputeThread(), threading.Event()
        compute.start()
        first = asyncio.create_task(compute.run(Priority.LIVE, hold.wait))
        given_up = asyncio.create_task(compute.run(Priority.LIVE, lambda: done.append("given up")))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        hold.set()
        await first
        await compute.run(Priority.FINAL, lambda: done.append("last"))
        await compute.stop()

    asyncio.run(scenario())
    assert done == ["last"]


def test_an_exception_comes_out_where_the_work_was_asked_for() -> None:
    async def scenario() -> None:
        compute = ComputeThread()
        compute.start()
        try:
            with pytest.raises(ZeroDivisionError):
                await compute.run(Priority.LIVE, lambda: 1 // 0)
            assert (await compute.run(Priority.LIVE, lambda: 3)).value == 3
        finally:
            await compute.stop()

    asyncio.run(scenario())


def test_a_stage_cache_forgets_what_was_not_used_for_longest() -> None:
    cache: StageCache[str] = StageCache(2)
    computed: list[str] = []

    def get(key: str) -> str:
        def compute() -> str:
            computed.append(key)
            return key.upper()

        return cache.get_or_compute(key, compute)

    assert [get(key) for key in "abacab"] == list("ABACAB")
    assert computed == ["a", "b", "c", "b"]


def test_a_frame_cache_stays_within_its_bytes() -> None:
    cache = FrameCache(10)
    for key in "abc":
        cache.put(key, key.encode() * 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (None, b"bbbb", b"cccc")
    cache.put("large", bytes(11))
    assert cache.get("large") is None
    assert cache.bytes == 8


def test_a_picture_is_the_models_own(worker: ModelWorker, checkpoints: Path) -> None:
    bundle = load_bundle(checkpoints / "tiny")
    assert bundle.flow is not None and bundle.estimator is not None
    z = torch.from_numpy(np.random.RandomState(4).randn(1, bundle.generator.z_dim))
    with torch.no_grad():
        ws = bundle.generator.mapping(z, truncation_psi=0.7)
        base = bundle.estimator(bundle.generator.synthesis(ws))
        target = base.clone()
        target[0, 15] = 60.0
        rules = styleflow_rules(bundle.generator.num_ws)
        ws = edit_attributes(bundle.flow, ws, base, target, rules)
        expected = to_uint8(bundle.generator.synthesis(ws))
    assert np.array_equal(worker.picture(document(4, attributes={"age": 60.0}), 32), expected[0].numpy())


def test_only_what_a_slider_changes_is_computed_again(worker: ModelWorker) -> None:
    calls: list[str] = []
    generator = worker.generator
    generator.mapping.register_forward_hook(lambda *_: calls.append("mapping"))
    generator.synthesis.register_forward_hook(lambda *_: calls.append("synthesis"))
    assert worker.bundle.estimator is not None
    worker.bundle.estimator.stem.register_forward_hook(lambda *_: calls.append("estimator"))

    worker.jpeg(document(attributes={"age": 30.0}), 32)
    assert sorted(calls) == ["estimator", "mapping", "synthesis", "synthesis"]
    calls.clear()
    first = worker.jpeg(document(attributes={"age": 31.0}), 32)
    assert calls == ["synthesis"]
    calls.clear()
    assert worker.jpeg(document(attributes={"age": 31.0}), 32) is first
    assert calls == []
    worker.jpeg(document(attributes={"age": 31.0}, noise={"seed": 1, "strength": 1.0}), 32)
    assert calls == ["synthesis"]


def test_without_its_memory_a_worker_gives_the_same_bytes(checkpoints: Path, worker: ModelWorker) -> None:
    fresh = ModelWorker(load_bundle(checkpoints / "tiny"), no_latents, NO_DIRECTIONS, FrameCache(0))
    for value in (20.0, 70.0, 20.0):
        edited = document(attributes={"age": value})
        assert fresh.jpeg(edited, 32) == worker.jpeg(edited, 32)


def pixels(jpeg: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(BytesIO(jpeg))).astype(np.int16)


def test_previews_of_several_hands_are_those_that_each_would_get_alone(
    checkpoints: Path, worker: ModelWorker
) -> None:
    documents = [
        document(1, attributes={"age": 60.0}),
        document(2),
        document(3, attributes={"yaw": 20.0}, noise={"seed": 1, "strength": 1.0}),
    ]
    fresh = ModelWorker(load_bundle(checkpoints / "tiny"), no_latents, NO_DIRECTIONS, FrameCache(0))
    together = worker.previews(documents, 32)
    for one, edited in zip(together, documents, strict=True):
        (alone,) = fresh.previews([edited], 32)
        assert isinstance(one, Preview)
        assert isinstance(alone, Preview)
        assert one.side == alone.side == 32
        assert np.abs(pixels(one.jpeg) - pixels(alone.jpeg)).max() <= 4
        assert worker.jpeg(edited, 32) == fresh.jpeg(edited, 32), "company leaves no trace in a final picture"


def test_what_is_wrong_with_one_preview_is_told_to_its_hand_alone(worker: ModelWorker) -> None:
    lost = document(base={"kind": "latent", "latent": str(uuid4())})
    first, wrong, last = worker.previews([document(1), lost, document(2)], 32)
    assert isinstance(first, Preview)
    assert isinstance(wrong, Problem)
    assert isinstance(last, Preview)


def test_previews_are_smaller_where_many_hands_move() -> None:
    levels = (4, 8, 16, 32, 64, 128, 256)
    assert preview_side(256, CROWD, levels) == 256
    assert preview_side(256, CROWD + 1, levels) == 128
    assert preview_side(64, CROWD + 1, levels) == 64, "a smaller one shows nothing"
    assert preview_side(256, CROWD + 1, (256,)) == 256, "some generators have RGB at the last level only"


def test_a_latent_comes_back_from_its_file() -> None:
    random = np.random.RandomState(0)
    latent = Latent(
        random.randn(8, 32).astype(np.float32),
        (np.ones((4, 4), np.float32), np.zeros((8, 8), np.float32)),
        "ab",
    )
    read = read_latent(latent_file(latent))
    assert np.array_equal(read.ws, latent.ws)
    assert [m.shape for m in read.noise] == [(4, 4), (8, 8)]
    assert read.generator == "ab"


def test_a_damaged_latent_is_a_problem() -> None:
    for data in (b"", b"x" * 100, latent_file(Latent(np.zeros((8, 32), np.float32), (), "ab"))[:-1]):
        with pytest.raises(Problem, match="unknown_latent"):
            read_latent(data)


def test_a_latent_of_another_model_is_refused(checkpoints: Path) -> None:
    bundle = load_bundle(checkpoints / "tiny")
    right = bundle.manifest.generator.sha256
    for shape, generator in (((8, 32), "0" * 64), ((10, 32), right), ((8, 64), right)):
        stored = latent_file(Latent(np.zeros(shape, np.float32), (), generator))
        worker = ModelWorker(bundle, lambda _, stored=stored: stored, NO_DIRECTIONS, FrameCache(0))  # type: ignore[misc]
        base = {"kind": "latent", "latent": str(uuid4())}
        with pytest.raises(Problem, match="latent_of_other_model"):
            worker.picture(document(base=base), 32)


def test_values_that_are_not_finite_are_a_problem(checkpoints: Path) -> None:
    bundle = load_bundle(checkpoints / "tiny")
    stored = latent_file(Latent(np.full((8, 32), np.nan, np.float32), (), bundle.manifest.generator.sha256))
    worker = ModelWorker(bundle, lambda _: stored, NO_DIRECTIONS, FrameCache(0))
    with pytest.raises(Problem, match="not_finite"):
        worker.picture(document(base={"kind": "latent", "latent": str(uuid4())}), 32)


@pytest.mark.parametrize("stop_at", [1, 3])
def test_a_projection_that_is_stopped_ends_with_its_closest_latent_and_where_to_go_on(
    checkpoints: Path, tmp_path: Path, stop_at: int
) -> None:
    async def scenario() -> list[ProjectionEvent]:
        engine = LocalEngine(
            LocalEngineOptions(checkpoints, tmp_path, "cpu", "efficientnet-lite0"), no_latents
        )
        await engine.start()
        try:
            stop = asyncio.Event()
            request = ProjectionRequest("w", steps=50)
            spec = ProjectionSpec("tiny", np.full((32, 32, 3), 128, np.uint8), request)
            events = []
            async for event in engine.project(spec, stop):
                events.append(event)
                if event.step == stop_at:
                    stop.set()
            return events
        finally:
            await engine.stop()

    *steps, last = asyncio.run(scenario())
    assert [event.step for event in steps] == list(range(1, stop_at + 1))
    assert not any(event.latent for event in steps)
    assert last.step == stop_at
    assert last.latent is not None
    assert ProjectorState.from_bytes(last.state or b"").index == stop_at
    best = ProjectorState.from_bytes(last.state or b"").best
    assert best is not None
    assert best.distance == min(event.distance for event in steps)
    assert np.array_equal(read_latent(last.latent).ws, best.found.ws[0].numpy())


def test_a_frames_header_says_what_was_put_in() -> None:
    rendered = Rendered(b"jpeg", "jpeg", 128, 64, render_us=1500, queued_us=2**40)
    header = read_header(live_frame("final", 7, rendered))
    assert (header.kind, header.seq, header.width, header.height) == (2, 7, 128, 64)
    assert (header.render_us, header.queued_us, header.job) == (1500, 2**32 - 1, 0)
    job = UUID("01020304-0506-0708-0000-000000000000")
    frame = projection_frame(job, 5, 32, 32, b"jpeg")
    assert frame[:8] == b"LLFR\x01\x03\x01\x00"
    assert frame[24:32] == bytes(range(1, 9))
    assert frame[32:] == b"jpeg"
    with pytest.raises(ValueError, match="frame"):
        read_header(b"XXXX" + frame[4:])

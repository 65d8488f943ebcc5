"""The models of a checkpoints folder that changes: loaded on demand, replaced, deleted, refused, repaired."""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from server.engine.local import LocalEngine
from server.engine.projecting_interface import ProjectionRequest, ProjectionSpec
from server.problems import Problem
from tests.server.engine_runs import (
    flip_last_byte,
    in_memory,
    listed,
    pixels,
    refusal,
    render,
    replace_in_place,
    running,
)
from tests.server.harness import write_generator

# ----- loading on demand -----


def test_only_the_first_model_is_loaded_before_somebody_asks(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)

    async def scenario(engine: LocalEngine) -> None:
        assert engine.default_model().name == "a"
        assert in_memory(engine) == {"a"}
        first, second = await pixels(engine, "a"), await pixels(engine, "b")
        assert in_memory(engine) == {"a", "b"}
        assert not np.array_equal(first, second)

    running(folder, scenario)


def test_requests_that_come_together_share_one_load(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)

    async def scenario(engine: LocalEngine) -> None:
        requests = [asyncio.create_task(render(engine, "b")) for _ in range(5)]
        await asyncio.sleep(0)
        loads = [task for task in asyncio.all_tasks() if task.get_name() == "loading b"]
        assert len(loads) == 1
        assert listed(engine)["b"].state == "loading"
        assert len({rendered.data for rendered in await asyncio.gather(*requests)}) == 1

    running(folder, scenario)


def test_a_load_goes_on_when_the_one_who_asked_has_left(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)

    async def scenario(engine: LocalEngine) -> None:
        request = asyncio.create_task(render(engine, "b"))
        await asyncio.sleep(0)
        request.cancel()
        while listed(engine)["b"].state == "loading":
            await asyncio.sleep(0.01)
        assert in_memory(engine) == {"a", "b"}

    running(folder, scenario)


def test_others_are_rendered_while_a_slow_disk_gives_a_model(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)
    disk_is_ready = threading.Event()

    def slow_disk(event: str, details: tuple[object, ...]) -> None:
        if event == "open" and str(details[0]) == str(folder / "b.safetensors"):
            disk_is_ready.wait()

    async def scenario(engine: LocalEngine) -> None:
        sys.addaudithook(slow_disk)  # for good, but nothing waits after this test
        request = asyncio.create_task(render(engine, "b"))
        await asyncio.sleep(0)
        await render(engine, "a", "preview")
        await render(engine, "a")
        assert not request.done()
        disk_is_ready.set()
        assert (await request).width == 32

    running(folder, scenario)


def test_two_models_are_rendered_side_by_side(folder: Path) -> None:
    write_generator(folder / "a.safetensors", 1)
    write_generator(folder / "b.safetensors", 2, resolution=64)

    async def scenario(engine: LocalEngine) -> None:
        alone = [(await render(engine, name)).data for name in ("a", "b")]
        together = await asyncio.gather(*(render(engine, name) for name in ("a", "b") * 5))
        assert [rendered.data for rendered in together] == alone * 5
        assert [rendered.width for rendered in together[:2]] == [32, 64]

    running(folder, scenario)


def test_a_grey_generator_gives_grey_pictures_and_is_not_searched(folder: Path) -> None:
    write_generator(folder / "grey.safetensors", img_channels=1)

    async def scenario(engine: LocalEngine) -> None:
        picture = await pixels(engine, "grey")
        assert picture.shape == (32, 32, 3)
        assert np.ptp(picture.max(axis=2) - picture.min(axis=2)) == 0
        assert np.ptp(picture) > 10
        spec = ProjectionSpec("grey", picture, ProjectionRequest("w", steps=1))
        with pytest.raises(Problem, match="not_projectable"):
            await anext(engine.project(spec, asyncio.Event()))

    running(folder, scenario)


def test_a_large_model_is_previewed_at_256_and_ends_in_full(folder: Path) -> None:
    write_generator(folder / "large.safetensors", resolution=1024, channel_base=1024, channel_max=4)

    async def scenario(engine: LocalEngine) -> list[tuple[int, int]]:
        frames = [await render(engine, "large", quality) for quality in ("preview", "final")]
        for rendered in frames:
            with Image.open(io.BytesIO(rendered.data)) as image:
                assert image.size == (rendered.width, rendered.height)
        return [(rendered.width, rendered.height) for rendered in frames]

    assert running(folder, scenario) == [(256, 256), (1024, 1024)]


# ----- the folder changes -----


def test_a_file_that_is_added_can_be_used_without_a_restart(folder: Path) -> None:
    write_generator(folder / "a.safetensors")

    async def scenario(engine: LocalEngine) -> None:
        assert (await refusal(engine, "late")).code == "unknown_model"
        write_generator(folder / "late.safetensors", 3, resolution=64)
        await engine.rescan()
        assert engine.model("late").img_resolution == 64
        assert (await pixels(engine, "late")).shape == (64, 64, 3)

    running(folder, scenario)


def test_a_server_without_a_model_gets_its_first_one_while_it_runs(folder: Path) -> None:
    async def scenario(engine: LocalEngine) -> None:
        assert (await refusal(engine, "a")).code == "no_model"
        write_generator(folder / "a.safetensors")
        await engine.rescan()
        assert (await render(engine, "a")).width == 32

    running(folder, scenario)


def test_a_replaced_file_is_loaded_at_the_refresh_and_shows_no_old_picture(folder: Path) -> None:
    path = folder / "a.safetensors"
    write_generator(path, 1)

    async def scenario(engine: LocalEngine) -> None:
        old = (await render(engine, "a")).data
        replace_in_place(path, lambda place: write_generator(place, 2, resolution=64))
        await engine.rescan()
        assert (listed(engine)["a"].changed, engine.model("a").img_resolution) == (True, 32)
        assert (await render(engine, "a")).data == old, "what is loaded stays as it is"
        await engine.refresh()
        assert (in_memory(engine), engine.model("a").img_resolution) == (set(), 64)
        assert (await render(engine, "a")).width == 64
        assert listed(engine)["a"].changed is False
        replace_in_place(path, lambda place: write_generator(place, 1))
        await engine.refresh()
        assert (await render(engine, "a")).data == old

    running(folder, scenario)


def test_a_deleted_model_is_gone_and_the_others_stay(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)

    async def scenario(engine: LocalEngine) -> None:
        await render(engine, "b")
        (folder / "b.safetensors").unlink()
        assert (await render(engine, "b")).width == 32, "until somebody looks"
        await engine.rescan()
        assert (await refusal(engine, "b")).code == "unknown_model"
        assert (await render(engine, "a")).width == 32

    running(folder, scenario)


def test_a_file_deleted_before_it_is_loaded_is_said_to_be_missing(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)

    async def scenario(engine: LocalEngine) -> None:
        (folder / "b.safetensors").unlink()
        problem = await refusal(engine, "b")
        assert problem.code == "model_unavailable"
        assert "cannot be read" in problem.detail

    running(folder, scenario)


# ----- what fails -----


def test_a_damaged_neighbour_is_listed_with_its_reason_and_can_be_repaired(
    folder: Path, checkpoints: Path
) -> None:
    shutil.copytree(checkpoints / "tiny", folder / "a-damaged")
    weights = folder / "a-damaged" / "generator.safetensors"
    flip_last_byte(weights)
    write_generator(folder / "good.safetensors", 5)

    async def scenario(engine: LocalEngine) -> None:
        assert engine.default_model().name == "good", "found out at the start, because it comes first"
        assert [model.state for model in engine.listing()] == ["ready", "refused"]
        assert "sha256" in listed(engine)["tiny"].reason
        problem = await refusal(engine, "tiny")
        assert (problem.code, problem.status) == ("model_unavailable", 503)
        assert "sha256" in problem.detail
        assert (await render(engine, "good")).width == 32
        await engine.rescan()
        assert listed(engine)["tiny"].state == "refused", "nothing has changed"
        replace_in_place(weights, lambda path: flip_last_byte(path))
        await engine.rescan()
        assert (await render(engine, "tiny", attributes={"age": 30.0})).width == 32

    running(folder, scenario)


def test_weights_that_are_no_numbers_or_too_short_are_refused_when_they_are_loaded(folder: Path) -> None:
    write_generator(folder / "good.safetensors")
    data = (folder / "good.safetensors").read_bytes()
    (folder / "nan.safetensors").write_bytes(data[:-4] + b"\xff\xff\xff\x7f")
    (folder / "short.safetensors").write_bytes(data[:-4])

    async def scenario(engine: LocalEngine) -> None:
        assert "not finite" in (await refusal(engine, "nan")).detail
        assert "incomplete" in (await refusal(engine, "short")).detail
        assert {model.name: model.state for model in engine.listing()} == {
            "good": "ready",
            "nan": "refused",
            "short": "refused",
        }

    running(folder, scenario)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory holds on Linux")
def test_a_model_that_memory_has_no_room_for_gets_another_chance_at_the_refresh(folder: Path) -> None:
    import resource

    write_generator(folder / "a.safetensors")
    write_generator(folder / "b.safetensors", 2)
    path = folder / "b.safetensors"
    whole = path.stat().st_size

    async def scenario(engine: LocalEngine) -> None:
        with path.open("r+b") as file:
            file.truncate(2**31 - 1)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, limits[1]))
        try:
            problem = await refusal(engine, "b")
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)
        assert "not enough memory" in problem.detail
        assert (await render(engine, "a")).width == 32
        with path.open("r+b") as file:
            file.truncate(whole)
        await engine.refresh()
        assert (await render(engine, "b")).width == 32

    running(folder, scenario)


def test_a_refusal_is_remembered_and_costs_no_second_load(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_generator(folder / f"{name}.safetensors", seed)
    data = (folder / "b.safetensors").read_bytes()
    (folder / "b.safetensors").write_bytes(data[:-4])

    async def scenario(engine: LocalEngine) -> None:
        first = await refusal(engine, "b")
        request = asyncio.create_task(refusal(engine, "b"))
        await asyncio.sleep(0)
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "loading b"]
        assert (await request).detail == first.detail

    running(folder, scenario)


def test_a_face_found_with_another_model_is_refused_as_base_and_in_a_mix(folder: Path) -> None:
    write_generator(folder / "a.safetensors")
    latent = {"kind": "latent", "latent": "00000000-0000-0000-0000-000000000001"}

    async def scenario(engine: LocalEngine) -> None:
        mixed = [{"source": latent, "layers": [0], "strength": 1.0}]
        for changes in ({"base": latent}, {"mix": mixed}):
            assert (await refusal(engine, "a", **changes)).code == "latent_of_other_model"

    running(folder, scenario)

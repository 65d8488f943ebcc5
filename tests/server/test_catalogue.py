"""What a checkpoints folder holds: names, descriptions without loading, refusals, and converted files."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow, save_flow
from server.engine.catalogue import scan, slug
from server.engine.interface import ListedModel
from server.engine.local import LocalEngine
from tests.server.engine_runs import Pixels, pixels, prepared, refusal, running
from tests.server.harness import write_generator

PICKLE = "ada_uncond_r32_map8"


def test_bundles_come_before_files_and_each_has_a_name_of_its_own(folder: Path, checkpoints: Path) -> None:
    shutil.copytree(checkpoints / "tiny", folder / "one")
    shutil.copytree(checkpoints / "tiny", folder / "two")
    for name in ("A Face.safetensors", "a-face.safetensors", "tiny.safetensors"):
        write_generator(folder / name)
    (folder / "README.md").write_text("not a model")
    (folder / "not-a-bundle").mkdir()
    entries = scan(folder, ())
    assert [(entry.name, entry.place.path.name) for entry in entries] == [
        ("tiny", "one"),
        ("tiny-2", "two"),
        ("a-face", "A Face.safetensors"),
        ("a-face-2", "a-face.safetensors"),
        ("tiny-3", "tiny.safetensors"),
    ]
    write_generator(folder / "A face.safetensors")
    later = scan(folder, entries)
    assert {entry.place.path.name: entry.name for entry in later} == {
        **{entry.place.path.name: entry.name for entry in entries},
        "A face.safetensors": "a-face-3",
    }, "a newcomer takes nobody's name"
    assert set(entries) < set(later), "what has not changed is not read again"


@pytest.mark.parametrize(
    ("text", "name"),
    [("FFHQ 1024 (final)", "ffhq-1024-final"), ("__x", "x"), ("顔", "model"), ("a" * 80, "a" * 64)],
)
def test_a_model_name_is_made_of_a_files_name(text: str, name: str) -> None:
    assert slug(text) == name


def test_what_is_no_generator_of_pictures_is_refused_in_a_sentence(folder: Path) -> None:
    write_generator(folder / "conditional.safetensors", c_dim=3)
    write_generator(folder / "two-channels.safetensors", img_channels=2)
    save_flow(ConditionalFlow(FlowConfig(32, (24,))), folder / "flow.safetensors")
    (folder / "noise.safetensors").write_bytes(bytes(range(256)))
    with (folder / "huge.safetensors").open("wb") as file:
        file.truncate(5 * 2**30)
    reasons = {entry.name: entry.reason for entry in scan(folder, ())}
    assert "3 class labels" in reasons["conditional"]
    assert "2 channels" in reasons["two-channels"]
    assert "checkpoints add" in reasons["flow"]
    assert "not a safetensors file" in reasons["noise"]
    assert "larger than 2 GiB" in reasons["huge"]


def test_a_bundle_whose_parts_do_not_fit_is_refused(folder: Path, checkpoints: Path) -> None:
    for name in ("no-flow", "other-flow", "no-manifest"):
        shutil.copytree(checkpoints / "tiny", folder / name)
    (folder / "no-flow" / "flow.safetensors").unlink()
    save_flow(ConditionalFlow(FlowConfig(64, (24,))), folder / "other-flow" / "flow.safetensors")
    (folder / "no-manifest" / "manifest.json").write_text("{")
    reasons = {entry.place.path.name: entry.reason for entry in scan(folder, ())}
    assert "flow.safetensors" in reasons["no-flow"]
    assert "rows of 64 numbers" in reasons["other-flow"] and "have 32" in reasons["other-flow"]
    assert "not the manifest" in reasons["no-manifest"]


@dataclass(frozen=True)
class Prepared:
    """What became of a folder's foreign files, and where the converted ones are."""

    models: dict[str, ListedModel]
    converted: Path


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory, fixtures: Path) -> Prepared:
    """A generator's pickle, a flow of StyleFlow, and a text that is called a pickle."""
    folder = tmp_path_factory.mktemp("foreign") / "checkpoints"
    folder.mkdir()
    shutil.copy(fixtures / "nvidia" / f"{PICKLE}.pkl", folder)
    shutil.copy(fixtures / "styleflow" / "cnf_small_d64.pt", folder)
    (folder / "letter.pkl").write_text("Dear all,\nthis is not a model.\n")

    async def scenario(engine: LocalEngine) -> dict[str, ListedModel]:
        assert {model.state for model in engine.listing()} == {"preparing"}
        problem = await refusal(engine, PICKLE)
        assert (problem.code, problem.retry_after_s) == ("model_preparing", 2)
        return await prepared(engine)

    return Prepared(running(folder, scenario), folder.parent / "converted")


def converted_file(folder: Path, original: Path) -> Path:
    return folder / f"{hashlib.sha256(original.read_bytes()).hexdigest()}.safetensors"


def test_a_pickle_is_converted_once_and_rendered_to_its_golden_picture(
    foreign: Prepared, folder: Path, fixtures: Path
) -> None:
    golden = np.load(fixtures / "nvidia" / f"{PICKLE}.npz")
    base = {"kind": "seed", "seed": int(golden["seeds"][1]), "truncation_psi": float(golden["psi"])}
    shutil.copy(fixtures / "nvidia" / f"{PICKLE}.pkl", folder)
    original = folder / f"{PICKLE}.pkl"
    weights = converted_file(foreign.converted, original)
    written = weights.stat().st_mtime_ns
    (folder.parent / "converted").symlink_to(foreign.converted)

    async def scenario(engine: LocalEngine) -> Pixels:
        model = (await prepared(engine))[PICKLE]
        assert (model.state, model.source, model.size_bytes) == (
            "ready",
            original.name,
            original.stat().st_size,
        )
        return await pixels(engine, PICKLE, base=base)

    picture = running(folder, scenario)
    distance = np.abs(picture.astype(int) - golden["uint8_trunc_const"][1].astype(int))
    assert distance.max() <= 1
    assert (distance > 0).mean() <= 0.001
    assert weights.stat().st_mtime_ns == written, "a later start of the server converts nothing again"


def test_a_foreign_file_that_is_no_generator_is_refused_in_a_sentence(foreign: Prepared) -> None:
    assert foreign.models[PICKLE].state == "ready"
    flow, letter = foreign.models["cnf_small_d64"], foreign.models["letter"]
    assert (flow.state, letter.state) == ("refused", "refused")
    assert "checkpoints add" in flow.reason
    assert "letter" not in letter.reason and letter.reason.endswith(".")


def test_converted_weights_that_were_cleared_away_are_made_again(folder: Path, fixtures: Path) -> None:
    shutil.copy(fixtures / "nvidia" / f"{PICKLE}.pkl", folder)
    (waiting,) = scan(folder, ())
    gone = replace(waiting, weights=folder / "gone.safetensors")
    assert not gone.is_waiting
    assert [entry.is_waiting for entry in scan(folder, [gone])] == [True]


def test_damaged_converted_weights_are_made_again_at_the_refresh(
    foreign: Prepared, folder: Path, fixtures: Path
) -> None:
    original = fixtures / "nvidia" / f"{PICKLE}.pkl"
    shutil.copy(original, folder)
    weights = converted_file(folder.parent / "converted", original)
    left = weights.parent / ".left-by-a-server-that-was-cut-off"
    shutil.copytree(foreign.converted, weights.parent)
    left.mkdir()

    async def scenario(engine: LocalEngine) -> None:
        await prepared(engine)
        assert not left.exists()
        whole = weights.stat().st_size
        weights.write_bytes(weights.read_bytes()[:-4])
        assert (await refusal(engine, PICKLE)).code == "model_unavailable"
        await engine.refresh()
        assert (await prepared(engine))[PICKLE].state == "ready"
        assert weights.stat().st_size == whole

    running(folder, scenario)

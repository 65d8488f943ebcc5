"""The training commands, each on the smallest thing it can train."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from models.bundle import load_bundle
from models.stylegan2.checkpoint import load_generator
from models.training.generator_state import read_generator_state
from server.cli import cli
from server.commands.bars import stop_in_order
from server.commands.run_record import read_invocations

SMALL = ("--resolution", "32", "--channel-base", "256", "--channel-max", "8", "--threads", "1")


def run(*arguments: object) -> str:
    """The output of a command that must succeed."""
    result = CliRunner().invoke(cli, ["train", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["train", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards of the format that render-faces writes; the pictures are of one colour each."""
    folder = tmp_path_factory.mktemp("faces")
    for shard in range(2):
        random = np.random.RandomState(shard)
        colours = random.randint(0, 255, (512, 1, 1, 3))
        attributes = random.rand(512, 17).astype(np.float32)
        x = np.broadcast_to(colours, (512, 32, 32, 3)).astype(np.uint8)
        np.savez(folder / f"{shard:05d}.npz", x=x, a=attributes, lm=np.zeros((512, 4, 2), np.float32))
    return folder


@pytest.fixture(scope="module")
def trained(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a generator's run through all phases of pairs."""
    out = tmp_path_factory.mktemp("run")
    output = run("generator", "--faces", faces, "--out", out, *SMALL, "--pictures", 112, "--lesson-steps", 2)
    assert "112 pictures shown" in output
    return out


def test_a_run_through_all_phases_leaves_generator_log_sheet_and_record(trained: Path) -> None:
    assert load_generator(trained / "generator.safetensors").img_resolution == 32
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(line["phase"] for line in lines)) == [
        "mapping",
        "full size",
        "smaller steps",
        "noise",
        "texture",
    ]
    assert {line["phase"] for line in lines if "texture" in line} == {"texture"}
    assert len(list(trained.glob("sheet-*.png"))) == 4
    (record,) = read_invocations(trained)
    assert record["seed"] == 0 and {"command", "started", "latentloom", "torch", "python"} <= set(record)


def test_the_same_command_again_finds_the_run_done_and_more_pictures_go_on(
    faces: Path, trained: Path
) -> None:
    again = ("generator", "--faces", faces, "--out", trained, *SMALL, "--lesson-steps", 2)
    assert "112 pictures shown" in run(*again, "--pictures", 112)
    code, message = refused(*again, "--pictures", 112, "--seed", 1)
    assert (code, message) == (1, "this run was started with another seed; choose another folder.")


def test_photographs_are_learned_by_the_game(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(8):
        Image.new("RGB", (40, 50), (30 * i, 128, 255 - 30 * i)).save(tmp_path / "photos" / f"{i}.png")
    game = ("generator", "--recipe", "adversarial", "--out", tmp_path / "run", *SMALL, "--batch", 4)
    run(
        *game,
        "--faces",
        tmp_path / "photos",
        "--pictures",
        40,
        "--start-resolution",
        16,
        "--mapping-layers",
        2,
    )
    state = read_generator_state(tmp_path / "run" / "state.pt")
    assert state["pictures"] == 40 and state["discriminator"] is not None
    assert len(list((tmp_path / "run").glob("sheet-*.png"))) == 2


def test_what_cannot_be_trained_is_said_in_a_sentence(faces: Path, tmp_path: Path) -> None:
    def attempt(*more: object) -> tuple[int, str]:
        return refused("generator", "--faces", faces, "--out", tmp_path / "run", *more)

    assert attempt("--resolution", 48)[0] == 2
    assert attempt("--resolution", 16) == (2, "pairs are compared from 32 pixels on, not at 16.")
    assert attempt("--mapping-layers", 3) == (
        2,
        "a mapping of faces has 4 layers, hidden ones of 1024 units or more.",
    )
    code, message = attempt("--resolution", 64, "--channel-base", 256, "--channel-max", 8, "--pictures", 8)
    assert code == 1 and "the pictures are 32 pixels wide, too small to train at 64" in message
    if not torch.cuda.is_available():
        assert attempt("--device", "cuda")[1].startswith("There is no CUDA device")
    (tmp_path / "empty").mkdir()
    code, message = refused("generator", "--faces", tmp_path / "empty", "--out", tmp_path / "run")
    assert code == 1 and "render some first" in message


@pytest.fixture(scope="module")
def parts(trained: Path, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a flow and of an estimator for the trained generator."""
    out = tmp_path_factory.mktemp("parts")
    generator = trained / "generator.safetensors"
    flow = ("flow", "--generator", generator, "--out", out / "flow", "--count", 200, "--steps", 2)
    assert "there and back" in run(*flow, "--batch", 16, "--hidden", "8", "--solver-steps", 1)
    read = run(
        *("attributes", "--faces", faces, "--generator", generator, "--out", out / "attributes"),
        *("--steps", 2, "--batch", 8, "--own", 64, "--threads", 1),
    )
    assert "held out renders, 512 pictures" in read and "generated pictures, 512 pictures" in read
    assert "error <= 6: met" in read and "r >= 0.9: not met" in read  # the attributes here are noise in 0..1
    return out


def test_flow_and_estimator_are_measured_into_files(parts: Path) -> None:
    flow = json.loads((parts / "flow" / "evaluation.json").read_text())
    assert {edit["name"] for edit in flow["edits"]} >= {"age", "yaw", "light_0"}
    readings = json.loads((parts / "attributes" / "evaluation.json").read_text())
    assert len(readings["held_out_renders"]) == len(readings["generated_pictures"]) == 17


def test_a_flow_needs_pairs_from_somewhere(tmp_path: Path) -> None:
    assert refused("flow", "--out", tmp_path) == (2, "Give either --generator or --data.")
    np.savez(tmp_path / "wrong.npz", w=np.zeros((4, 8)))
    code, message = refused("flow", "--out", tmp_path, "--data", tmp_path / "wrong.npz")
    assert code == 1 and message.endswith("wrong.npz is no .npz file with w and attributes.")
    assert refused("flow", "--out", tmp_path, "--data", tmp_path / "wrong.npz", "--hidden", "a")[0] == 2


def bundle_command(trained: Path, parts: Path, out: Path) -> tuple[Any, ...]:
    return (
        *("bundle", "--generator", trained / "generator.safetensors", "--out", out, "--seeds", "4,7"),
        *("--flow", parts / "flow" / "flow.safetensors"),
        *("--attributes", parts / "attributes" / "attributes.safetensors"),
    )


def test_a_bundle_has_networks_thumbnails_manifest_and_card(
    trained: Path, parts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small"
    run(*bundle_command(trained, parts, out))
    bundle = load_bundle(out)
    assert bundle.flow is not None and bundle.estimator is not None
    manifest = bundle.manifest
    assert [picture.seed for picture in manifest.gallery] == [4, 7]
    assert manifest.mix_borders == (4, 7)
    assert manifest.layers is not None and manifest.layers["beard"] == (4, 5, 6)
    with Image.open(out / manifest.gallery[0].file) as thumbnail:
        assert thumbnail.size == (32, 32) and thumbnail.format == "JPEG"
    assert [entry["part"] for entry in manifest.training] == ["generator", "flow", "attributes"]
    assert manifest.generator.size == (out / "generator.safetensors").stat().st_size
    card = (out / "MODEL_CARD.md").read_text()
    assert "StyleGAN2, 32 × 32, 8 layers of w" in card
    assert "Not measured" in card and "The attribute network on 512 held out renders" in card
    assert "$" not in card


def test_a_bundle_gets_the_layer_rules_that_are_asked_for(trained: Path, tmp_path: Path) -> None:
    command = ("bundle", "--generator", trained / "generator.safetensors", "--seeds", "4", "--out")
    run(*command, tmp_path / "every", "--layers", "all")
    run(*command, tmp_path / "paper", "--layers", "styleflow")
    every = load_bundle(tmp_path / "every").manifest.layers
    assert every is not None and every["beard"] == tuple(range(8))
    assert load_bundle(tmp_path / "paper").manifest.layers is None


def evaluation(sha256: str) -> dict[str, Any]:
    ours = {"frechet": 40.0, "kernel": 0.01, "kernel_spread": 0.001, "precision": 0.7, "recall": 0.65}
    real = {"frechet": 10.0, "kernel": 0.0, "kernel_spread": 0.001, "precision": 0.8, "recall": 0.8}
    sets = {"features": "these", "count": 500, "generated": ours, "real": real, "frechet_ratio": 4.0}
    edit = {"attribute": "age", "faces": 64, "edited": 0.2, "unedited": 0.5, "own": 0.1, "share": 0.75}
    mixing = {"faces": 9, "mixed": 0.3, "unmixed": 0.6, "own": 0.2, "share": 0.75}
    path = {"distance": "that", "pairs": 2000, "value": 123.4}
    return {
        "generator_sha256": sha256,
        "sets": sets,
        "path_length": path,
        "edit_distance": "that",
        "mixing": mixing,
        "edits": [edit],
    }


def test_measured_figures_are_on_the_card_and_those_of_another_model_are_refused(
    trained: Path, parts: Path, tmp_path: Path
) -> None:
    out, file = tmp_path / "small", tmp_path / "evaluation.json"
    command = (*bundle_command(trained, parts, out), "--evaluation", file)
    file.write_text(json.dumps(evaluation("0" * 64)))
    code, message = refused(*command)
    assert code == 1 and "the figures of the evaluation are of another generator" in message
    sha256 = json.loads((out / "manifest.json").read_text())["generator"]["sha256"]
    file.write_text(json.dumps(evaluation(sha256)))
    run(*command)
    card = (out / "MODEL_CARD.md").read_text()
    for row in (
        "500 pictures in each set, features: these.",
        "| Fréchet distance | 40.00 (4.0 times) | 10.00 |",
        "| age | 0.200 | 0.500 | 0.100 | 0.75 | 64 |",
        "Perceptual path length in w: 123.40 (2,000 pairs, that).",
    ):
        assert row in card


def test_the_first_interrupt_asks_to_stop_and_the_second_acts_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_in_order() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before

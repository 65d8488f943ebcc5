"""`latentloom evaluate model` on the demo model and a shard of noise."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from server.cli import cli


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    x = np.random.RandomState(0).randint(0, 255, (512, 32, 32, 3), dtype=np.uint8)
    np.savez(folder / "00000.npz", x=x, a=np.zeros((512, 17), np.float32), lm=np.zeros((512, 4, 2)))
    return folder


def evaluate(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["evaluate", "model", *map(str, arguments)])
    return result.exit_code, result.stdout if result.exit_code == 0 else result.output


def test_every_figure_names_its_features_and_counts(demo_bundle: Path, faces: Path) -> None:
    code, output = evaluate(
        demo_bundle, "--faces", faces, "--count", 12, "--path-pairs", 4, "--edit-faces", 1, "--json"
    )
    assert code == 0
    report = json.loads(output)
    sets = report["sets"]
    assert sets["features"] == "efficientnet-lite0 pooled 1280 at 128²" and sets["count"] == 12
    assert sets["frechet_ratio"] == pytest.approx(sets["generated"]["frechet"] / sets["real"]["frechet"])
    assert sets["frechet_ratio"] > 2 and sets["generated"]["precision"] == 0  # noise is no face
    assert report["path_length"]["pairs"] == 4 and report["path_length"]["distance"] == "efficientnet-lite0"
    assert len(report["edits"]) == 10 and report["mixing"]["faces"] == 1
    weights = (demo_bundle / "generator.safetensors").read_bytes()
    assert report["generator_sha256"] == hashlib.sha256(weights).hexdigest()


def test_a_folder_too_small_for_two_sets_is_halved_and_photographs_have_no_edit_truth(
    demo_bundle: Path, tmp_path: Path
) -> None:
    random = np.random.RandomState(0)
    for i in range(17):
        pixels = random.randint(0, 255, (128, 128, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    code, output = evaluate(demo_bundle, "--faces", tmp_path, "--count", 12, "--path-pairs", 4)
    assert code == 0
    assert "8 pictures in each set" in output
    assert "edits: not measured" in output


def test_what_cannot_be_measured_is_said(demo_bundle: Path, faces: Path, tmp_path: Path) -> None:
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    assert evaluate(tmp_path / "no.safetensors", "--faces", faces)[0] == 3
    code, output = evaluate(demo_bundle, "--faces", tmp_path, "--count", 8)
    assert code == 1 and "neither rendered faces nor photographs" in output
    code, output = evaluate(demo_bundle, "--faces", faces, "--first-shard", 5, "--count", 8)
    assert code == 1 and "render some first" in output
    code, output = evaluate(demo_bundle, "--faces", faces, "--features", "dreams")
    assert code == 1 and "must be one of efficientnet-lite0, inception-torchvision" in output


def test_missing_inception_weights_are_named_with_what_to_do(
    demo_bundle: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("LATENTLOOM_OFFLINE", "1")
    code, output = evaluate(demo_bundle, "--faces", faces, "--features", "inception-torchvision")
    assert code == 1
    assert "inception_v3_google-0cc3c7bd.pth" in output and "download.pytorch.org" in output

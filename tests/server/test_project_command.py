"""`latentloom project`: photos and folders in, latents and figures out, and what is wrong with a photo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from skimage import data
from typer.testing import CliRunner

from models.projection.perceptual import efficientnet_distance
from models.projection.projector import prepare_target
from models.projection.steps import Found, rendered
from models.projection.tuning import read_tuning
from models.stylegan2.checkpoint import load_generator, save_generator
from models.stylegan2.generator import Generator, to_uint8
from models.stylegan2.generator_config import GeneratorConfig
from server.cli import cli
from server.commands.project import unique_names
from server.engine.latents import read_latent

STEPS = ("--steps", "3")


@pytest.fixture(scope="module")
def generator_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    config = GeneratorConfig(
        z_dim=16, w_dim=16, img_resolution=32, mapping_layers=2, channel_base=512, channel_max=16
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        save_generator(Generator(config), path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a face, a picture without one, a picture that is none, and a text."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(data.astronaut()).save(folder / "astronaut.jpg")
    Image.fromarray(np.full((120, 160, 3), 90, dtype=np.uint8)).save(folder / "grey.png")
    (folder / "half.jpg").write_bytes((folder / "astronaut.jpg").read_bytes()[:20_000])
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def latentloom(repository: Path, generator_file: Path) -> Any:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        environment = {
            "LATENTLOOM_CHECKPOINTS_DIR": str(repository / "checkpoints"),
            "LATENTLOOM_PERCEPTUAL": "efficientnet-lite0",
            "LATENTLOOM_DEVICE": "cpu",
            "COLUMNS": "300",
        }
        words = ["project", "--model", str(generator_file), *map(str, arguments)]
        result = CliRunner(env=environment).invoke(cli, words)
        return result.exit_code, result.stdout, result.stderr

    return run


def test_a_photo_becomes_files_that_give_its_picture_again(
    latentloom: Any, photos: Path, tmp_path: Path, generator_file: Path
) -> None:
    out = tmp_path / "out"
    code, output, _ = latentloom(photos / "astronaut.jpg", "--out", out, "--space", "pti", "--json", *STEPS)
    assert code == 0
    (report,) = json.loads(output)
    assert report == {
        "photo": str(photos / "astronaut.jpg"),
        **json.loads((out / "astronaut.json").read_text()),
    }
    latent = read_latent((out / "astronaut.safetensors").read_bytes())
    tuning = read_tuning((out / "astronaut.tuning.safetensors").read_bytes(), latent.generator)
    noise = [torch.from_numpy(m)[None, None] for m in latent.noise]
    found = Found(torch.from_numpy(latent.ws)[None], noise, tuning)
    picture = to_uint8(rendered(load_generator(generator_file), found))[0].numpy()
    saved = np.asarray(Image.open(out / "astronaut.png"))
    assert np.abs(picture.astype(int) - saved).max() <= 1  # rounding of other kernels
    with np.load(out / "astronaut.npz") as arrays:
        np.testing.assert_array_equal(arrays["ws"][0], latent.ws)
        np.testing.assert_array_equal(arrays["noise_3"], latent.noise[3])

    target = prepare_target(Image.open(out / "astronaut.target.png"), 32)
    shown = prepare_target(Image.open(out / "astronaut.png"), 32)
    distance = efficientnet_distance(torch.device("cpu"), "").between(shown[None], target[None]).item()
    assert report["distance"] == pytest.approx(distance, rel=1e-3)
    assert report["metric"] == "efficientnet-lite0"
    assert report["identity"] is None
    assert report["seconds"] > 0


def test_of_a_folder_each_photo_that_cannot_be_used_is_named_and_the_others_go_on(
    latentloom: Any, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, output, errors = latentloom(photos, "--out", out, *STEPS)
    assert code == 1
    assert f"{photos / 'grey.png'}: No face was found" in errors
    assert f"{photos / 'half.jpg'}: The picture is damaged or cut off" in errors
    assert "notes.txt" not in errors
    assert output.startswith(f"{photos / 'astronaut.jpg'}: distance ")
    assert "3 steps" in output
    written = {path.name for path in out.iterdir()}
    assert written == {f"astronaut{s}" for s in (".png", ".target.png", ".safetensors", ".npz", ".json")}


def test_a_file_that_is_named_is_looked_at_whatever_its_suffix(
    latentloom: Any, photos: Path, tmp_path: Path
) -> None:
    code, output, errors = latentloom(photos / "notes.txt", "--out", tmp_path / "out", "--json", *STEPS)
    assert code == 1
    assert "Send a PNG, JPEG or WebP picture." in errors
    (report,) = json.loads(output)
    assert set(report) == {"photo", "error"}


def test_a_guess_takes_no_steps(latentloom: Any, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, _, _ = latentloom(photos / "grey.png", "--out", out, "--space", "start", "--aligned")
    assert code == 0
    assert json.loads((out / "grey.json").read_text())["steps"] == 0
    assert set(load_file(out / "grey.safetensors")) == {"ws"}


def test_results_of_photos_of_one_name_do_not_replace_each_other() -> None:
    files = [Path("a/face.jpg"), Path("b/face.png"), Path("c/face-2.jpg"), Path("d/face.jpg")]
    assert unique_names(files) == ["face", "face-2", "face-2-2", "face-3"]


def test_an_empty_folder_and_a_missing_model_end_the_command(
    latentloom: Any, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    code, _, errors = latentloom(tmp_path / "empty", "--out", tmp_path / "out")
    assert (code, "no JPEG, PNG or WebP picture" in errors) == (2, True)
    missing = latentloom(photos, "--out", tmp_path / "out", "--model", tmp_path / "missing.safetensors")
    assert missing[0] in (1, 3)
    assert "missing.safetensors" in missing[2]

"""The figures of a result, and the encoder's first guess."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.encoder import Encoder, EncoderConfig, first_guess, load_encoder, save_encoder
from models.projection.measures import measure
from models.projection.perceptual import PerceptualDistance
from models.projection.projector import Found, ProjectionSettings, project
from models.projection.steps import rendered
from models.stylegan2.generator import Generator, to_uint8
from models.stylegan2.generator_config import GeneratorConfig
from models.training.encoder import (
    EncoderTraining,
    PicturesOfW,
    guess_errors,
    own_pictures,
    rendered_pictures_of_w,
    train_encoder,
)
from models.training.pairs import Pairs
from models.training.watch import Watch
from models.weights import CheckpointError

CONFIG = GeneratorConfig(
    z_dim=16, w_dim=16, img_resolution=32, mapping_layers=2, channel_base=512, channel_max=16
)


def coarse_features(img: Tensor) -> Tensor:
    return F.avg_pool2d(img, 4).flatten(1) / 128


COARSE = PerceptualDistance("coarse", False, "Averages of 4x4 pixels.", coarse_features)


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return Generator(CONFIG).eval().requires_grad_(False)


def picture(generator: Generator, seed: int) -> tuple[Found, Tensor]:
    """A latent, and its picture as a target."""
    found = Found(generator.mapping(torch.tensor(np.random.RandomState(seed).randn(1, 16))))
    return found, to_uint8(rendered(generator, found))[0].permute(2, 0, 1).float()


def test_a_picture_found_again_has_no_error(generator: Generator) -> None:
    found, target = picture(generator, 1)
    measures = measure(generator, target, found, COARSE, seconds=2.5, steps=10)
    assert (measures.metric, measures.seconds, measures.steps) == ("coarse", 2.5, 10)
    assert (measures.l1, measures.psnr, measures.identity) == (0.0, None, None)
    assert measures.distance == 0


def test_errors_are_those_of_the_saved_picture(generator: Generator) -> None:
    found, target = picture(generator, 1)
    shifted = (target + 20).clamp(0, 255)
    measures = measure(generator, shifted, found, COARSE, seconds=0, steps=0)
    difference = (shifted - target).double()
    assert measures.l1 == pytest.approx(difference.abs().mean().item() / 255, rel=1e-5)
    expected = -10 * np.log10((difference / 255).square().mean().item())
    assert measures.psnr == pytest.approx(expected, abs=1e-3)


def test_identity_is_measured_where_the_caller_brings_a_network(generator: Generator) -> None:
    found, target = picture(generator, 1)

    def colours(img: Tensor) -> Tensor:
        return img.mean(dim=(2, 3)) - 127

    same = measure(generator, target, found, COARSE, seconds=0, steps=0, identity=colours)
    other = measure(generator, 255 - target, found, COARSE, seconds=0, steps=0, identity=colours)
    assert same.identity == pytest.approx(1.0)
    assert other.identity == pytest.approx(-1.0, abs=0.1)


TRAINING = EncoderTraining(steps=40, batch=12, resolution=32, widths=(12, 16, 24), learning_rate=5e-3)


@pytest.fixture(scope="module")
def pools(generator: Generator) -> tuple[PicturesOfW, PicturesOfW]:
    """The generator's own pictures, and renders: here pictures of known z."""
    z = np.random.RandomState(5).randn(64, 16).astype(np.float32)
    pictures = to_uint8(generator(torch.from_numpy(z))).numpy()
    renders = Pairs(pictures, z, np.zeros((64, 17), dtype=np.float32))
    return own_pictures(generator, 64, 32, seed=0), rendered_pictures_of_w(generator, renders)


@pytest.fixture(scope="module")
def encoder(
    generator: Generator, pools: tuple[PicturesOfW, PicturesOfW], tmp_path_factory: pytest.TempPathFactory
) -> Encoder:
    trained = train_encoder(generator, *pools, TRAINING, tmp_path_factory.mktemp("run"), Watch())
    assert trained is not None
    return trained


def test_a_trained_encoder_guesses_nearer_than_the_mean_face(encoder: Encoder, generator: Generator) -> None:
    errors = guess_errors(encoder, generator, own_pictures(generator, 32, 32, seed=9))
    assert errors["encoder"] < 0.85 * errors["mean_face"]


def test_an_interrupted_training_goes_on_to_the_same_weights(
    encoder: Encoder, generator: Generator, pools: tuple[PicturesOfW, PicturesOfW], tmp_path: Path
) -> None:
    asked: list[int] = []

    def after_some_steps() -> bool:
        asked.append(1)
        return len(asked) == 15

    assert train_encoder(generator, *pools, TRAINING, tmp_path, Watch(should_stop=after_some_steps)) is None
    assert not (tmp_path / "encoder.safetensors").exists()
    rest = train_encoder(generator, *pools, TRAINING, tmp_path, Watch())
    assert rest is not None
    assert all(torch.equal(a, b) for a, b in zip(rest.parameters(), encoder.parameters(), strict=True))
    with pytest.raises(ValueError, match="other settings"):
        train_encoder(generator, *pools, replace(TRAINING, batch=8), tmp_path, Watch())


def test_a_guess_has_the_rows_that_the_generator_takes(encoder: Encoder, generator: Generator) -> None:
    _, target = picture(generator, 3)
    guess = first_guess(generator, target, encoder)
    assert guess.ws.shape == (1, generator.num_ws, 16)
    assert (guess.noise, guess.tuning) == ([], None)
    assert torch.equal(guess.ws, guess.ws[:, :1].expand_as(guess.ws))
    larger = F.interpolate(target[None], size=64, mode="nearest")
    assert torch.allclose(encoder(larger / 127.5 - 1), guess.ws, atol=1e-5)
    without = first_guess(generator, target, None)
    assert torch.equal(without.ws[0, 0], generator.w_avg)


def test_a_projection_can_begin_at_the_guess(encoder: Encoder, generator: Generator) -> None:
    _, target = picture(generator, 3)
    settings = ProjectionSettings(steps=2, w_avg_samples=50, initial_noise_factor=0.0)
    guess = first_guess(generator, target, encoder)
    step = next(project(generator, target, settings, COARSE, start=guess))
    assert torch.allclose(step.ws, guess.ws, atol=1e-6)


def test_an_encoder_survives_its_file(encoder: Encoder, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(encoder, path)
    again = load_encoder(path)
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(again(x), encoder(x), atol=0.05, rtol=0.01)
    assert not any(parameter.requires_grad for parameter in again.parameters())


@pytest.mark.parametrize(
    "change",
    [{"w_dim": 10**9}, {"widths": [12]}, {"widths": "12"}, {"resolution": 4}, {"w_dim": 8}, {"more": 1}],
)
def test_a_file_with_another_config_is_refused(
    encoder: Encoder, tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(encoder, path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    metadata["config"] = json.dumps(json.loads(metadata["config"]) | change)
    with pytest.raises(CheckpointError, match="weights of an encoder"):
        load_encoder(safetensors.torch.save(safetensors.torch.load(data), metadata))


def test_an_encoder_needs_widths_that_leave_something_of_the_picture() -> None:
    config = EncoderConfig(32, (8, 8, 8), w_dim=4, num_ws=2)
    with pytest.raises(ValueError, match="widths"):
        replace(config, widths=(8,) * 6)


def test_what_is_no_picture_is_refused(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match=r"\[N, 3, R, R\]"):
        encoder(torch.zeros(1, 1, 32, 32))

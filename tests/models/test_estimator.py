"""The attribute estimator: shapes, bounds, files, and that it can learn what a picture shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.attributes.estimator import AttributeEstimator, EstimatorConfig, load_estimator, save_estimator
from models.faces.light import harmonics
from models.metrics.attribute_readings import attribute_readings
from models.stylegan2.generator import Generator, to_uint8
from models.stylegan2.generator_config import GeneratorConfig
from models.training.attributes import (
    EstimatorTraining,
    LabelledPictures,
    generated_faces,
    mirrored,
    roughen,
    train_estimator,
)
from models.training.pairs import Pairs, picture_tensor
from models.training.watch import Watch
from models.weights import CheckpointError

MIRRORED = ("yaw", "light_3", "light_4", "light_7")  # cannot be read from a picture of one brightness
CONFIG = EstimatorConfig(16, (4, 8), (0.5,) * 17, (0.2,) * 17, (0.0,) * 17, (1.0,) * 17)


def bright_pairs(count: int) -> Pairs:
    """Grey pictures whose brightness is every attribute."""
    level = np.random.RandomState(0).rand(count).astype(np.float32)
    pictures = np.broadcast_to((level * 255).astype(np.uint8)[:, None, None, None], (count, 32, 32, 3)).copy()
    return Pairs(pictures, np.zeros((count, 512), np.float32), np.repeat(level[:, None], 17, axis=1))


def test_any_size_of_picture_gives_17_values_within_their_bounds() -> None:
    torch.manual_seed(0)
    estimator = AttributeEstimator(CONFIG).eval()
    for side in (16, 32, 100):
        values = estimator(torch.randn(3, 3, side, side) * 5)
        assert values.shape == (3, 17)
        assert values.min() >= 0 and values.max() <= 1


def test_a_saved_estimator_reads_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    estimator = AttributeEstimator(CONFIG).eval()
    save_estimator(estimator, tmp_path / "a.safetensors")
    again = load_estimator((tmp_path / "a.safetensors").read_bytes())
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(again(x), estimator(x), atol=2e-3, rtol=0)
    assert again.config == CONFIG


def test_files_that_are_no_estimator_are_refused(tmp_path: Path) -> None:
    save_estimator(AttributeEstimator(CONFIG), tmp_path / "a.safetensors")
    data = (tmp_path / "a.safetensors").read_bytes()
    wrong_widths = data.replace(b'\\"widths\\": [4, 8]', b'\\"widths\\": [8, 8]')
    no_config = data.replace(b'\\"widths\\"', b'\\"wodths\\"')
    assert wrong_widths != data and no_config != data
    for bad in (b"", data[:200], wrong_widths, no_config):
        with pytest.raises(CheckpointError):
            load_estimator(bad)


SMALL = EstimatorTraining(steps=60, batch=32, resolution=16, widths=(4, 8))


def test_training_reads_brightness_through_roughening(tmp_path: Path) -> None:
    pairs = bright_pairs(256)
    estimator = train_estimator(pairs, None, SMALL, tmp_path, Watch(log_every=0))
    assert estimator is not None
    x = roughen(picture_tensor(pairs.pictures[:64], 16), torch.Generator().manual_seed(1))
    readings = attribute_readings(estimator, x, torch.from_numpy(pairs.attributes[:64]))
    assert min(reading.r for reading in readings if reading.attribute not in MIRRORED) > 0.9
    saved = load_estimator(tmp_path / "attributes.safetensors")
    torch.testing.assert_close(saved(x), estimator(x), atol=5e-3, rtol=0)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert len(losses) == 60 and losses[-1] < 0.5 * losses[0]


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    pairs, own = bright_pairs(64), LabelledPictures(bright_pairs(40).pictures, bright_pairs(40).attributes)
    training = replace(SMALL, steps=8)
    whole = train_estimator(pairs, own, training, tmp_path / "whole", Watch())
    steps = iter(range(100))
    stopped = Watch(should_stop=lambda: next(steps) >= 5)
    assert train_estimator(pairs, own, training, tmp_path / "parts", stopped) is None
    torch.randn(10)
    parts = train_estimator(pairs, own, training, tmp_path / "parts", Watch())
    assert whole is not None and parts is not None
    for name, value in whole.state_dict().items():
        assert torch.equal(parts.state_dict()[name], value), name
    with pytest.raises(ValueError, match="other settings"):
        train_estimator(pairs, None, training, tmp_path / "parts", Watch())


def test_a_face_in_the_mirror_looks_the_other_way_and_is_lit_from_the_other_side() -> None:
    """The light of a mirrored direction is the mirrored light, coefficient by coefficient."""
    direction = np.array([[0.48, 0.6, 0.64]])
    truth = np.zeros((2, 17), np.float32)
    truth[:, :9] = harmonics(direction)
    truth[:, 11:13] = 20, 5  # yaw and pitch
    x = torch.arange(12.0).reshape(1, 1, 3, 4).repeat(2, 3, 1, 1)
    flipped, values = mirrored(x, torch.from_numpy(truth), torch.tensor([True, False]))
    np.testing.assert_allclose(values[0, :9], harmonics(direction * (-1, 1, 1))[0], atol=1e-6)
    assert values[0, 11:13].tolist() == [-20, 5]
    assert torch.equal(flipped[0], x[0].flip(2))
    assert torch.equal(flipped[1], x[1]) and np.array_equal(values[1], truth[1])


def test_the_generators_pictures_carry_the_attributes_of_their_z() -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(512, 8, 16, mapping_layers=1, channel_base=128, channel_max=8))
    pairs = bright_pairs(40)
    faces = generated_faces(generator, pairs, 35)
    assert faces.pictures.shape == (35, 16, 16, 3)
    np.testing.assert_array_equal(faces.attributes, pairs.attributes[:35])
    with torch.no_grad():
        last = to_uint8(generator(torch.from_numpy(pairs.z[34:35]))).numpy()
    assert np.abs(faces.pictures[34:].astype(int) - last).max() <= 1


class Reader(torch.nn.Module):
    """Reads attribute i from pixel i: what it says is known, so that what is said of it can be checked."""

    def forward(self, img: torch.Tensor) -> torch.Tensor:
        return img[:, 0, 0, :17]


def test_readings_are_judged_by_what_is_aimed_at() -> None:
    random = np.random.RandomState(0)
    truth = torch.from_numpy(random.rand(200, 17))
    truth[:, 15] *= 80
    said = truth.clone()
    said[:, 15] += torch.where(torch.rand(200) < 0.5, 5.0, -5.0)  # age
    said[:, 9] = 1 - said[:, 9]  # gender the wrong way round
    img = said[:, None, None, :].expand(-1, 3, 17, -1)
    readings = {r.attribute: r for r in attribute_readings(Reader(), img, truth)}  # type: ignore[arg-type]
    assert readings["age"].error == pytest.approx(5) and readings["age"].met is True
    assert readings["gender"].accuracy == 0 and readings["gender"].met is False
    assert readings["gender"].r == pytest.approx(-1)
    assert readings["glasses"].accuracy == 1 and readings["glasses"].met is True
    assert readings["light_4"].aim is None and readings["light_4"].met is None

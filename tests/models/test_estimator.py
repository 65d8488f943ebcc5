"""The attribute estimator: shapes, bounds, files, and that it can learn what a picture shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.attributes.estimator import AttributeEstimator, EstimatorConfig, load_estimator, save_estimator
from models.training.attributes import EstimatorTraining, correlations, roughen, train_estimator
from models.training.pairs import Pairs, picture_tensor
from models.weights import CheckpointError

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


def test_training_reads_brightness_and_roughening_keeps_it() -> None:
    pairs = bright_pairs(256)
    training = EstimatorTraining(steps=60, batch=32, resolution=16, widths=(4, 8))
    estimator = train_estimator(pairs, None, training, lambda _: None)
    x = roughen(picture_tensor(pairs.pictures[:64], 16), torch.Generator().manual_seed(1))
    scores = correlations(estimator, x, torch.from_numpy(pairs.attributes[:64]))
    assert min(scores.values()) > 0.9

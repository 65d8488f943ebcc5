"""The demo model's first guess at a photo, on faces that it has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.bundle import load_bundle
from models.faces.render import render_faces
from models.projection.encoder import first_guess
from models.projection.measures import measure
from models.projection.perceptual import load_perceptual
from models.projection.target import prepare_target


def test_the_guess_is_much_nearer_than_the_mean_face(demo_bundle: Path) -> None:
    bundle, distance = load_bundle(demo_bundle), load_perceptual("efficientnet-lite0")
    generator = bundle.generator
    assert bundle.encoder is not None
    for picture in render_faces(np.random.RandomState(977).randn(4, 512), generator.img_resolution):
        target = prepare_target(picture, generator.img_resolution)
        guess, mean = (
            measure(generator, target, first_guess(generator, target, encoder), distance, seconds=0, steps=0)
            for encoder in (bundle.encoder, None)
        )
        assert guess.distance < 0.75 * mean.distance
        assert guess.l1 < 0.6 * mean.l1

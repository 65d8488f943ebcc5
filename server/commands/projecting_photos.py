"""One photo after another: read, aligned, projected, and written with everything that belongs to it."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.bundle import load_bundle
from models.projection.encoder import Encoder, first_guess
from models.projection.ladder import Plan
from models.projection.measures import measure
from models.projection.perceptual import load_perceptual
from models.projection.projector import (
    Found,
    ProjectionDiverged,
    ProjectionError,
    WStatistics,
    prepare_target,
    project,
    w_statistics,
)
from models.projection.steps import rendered
from models.projection.tuning import tuning_file
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.weights import replace_file
from server.engine.alignment import aligned_face, anchors_of_landmarks
from server.engine.drawing import as_rgb
from server.engine.faces import FaceFinder
from server.engine.frames import encode_png
from server.engine.interface import RGB
from server.engine.latents import Latent, latent_file
from server.problems import Problem
from server.settings import MIB, Settings
from server.uploads import read_photo

# index of the step, of how many, distance
Report = Callable[[int, int, float], None]


class PhotoError(Exception):
    """This photo cannot be used, or not to the end; one sentence for the person who gave it."""


class PhotoProjector:
    """A model and a plan, for any number of photos."""

    def __init__(self, model: str, plan: Plan, settings: Settings, *, aligned: bool) -> None:
        """model: a name in the checkpoints folder, a bundle folder or a generator file. aligned: whether
        the photos are aligned faces already.

        Raises CheckpointError, TrunkError, and ProjectionError for a generator of another kind.
        """
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = device if settings.device == "auto" else settings.device
        self._generator, self._encoder, self._sha256 = _model(model, settings, self._device)
        self._plan, self._settings, self._aligned = plan, settings, aligned
        self._perceptual = load_perceptual(settings.perceptual, self._device)
        self._statistics: WStatistics = w_statistics(self._generator)
        self._faces = FaceFinder(settings.checkpoints_dir, self._device)

    def run(self, photo: Path, out: Path, report: Report) -> dict[str, Any]:
        """Project a photo and write out.png and so on; its figures. Raises PhotoError."""
        picture = self._picture(photo)
        target = prepare_target(picture, self._generator.img_resolution)
        started = time.monotonic()
        found, steps, error = self._found(target, report)
        measures = measure(
            self._generator,
            target,
            found,
            self._perceptual,
            seconds=time.monotonic() - started,
            steps=steps,
        )
        figures = {"picture": str(_beside(out, ".png")), **asdict(measures)}
        self._write(out, target, found, figures)
        if error is not None:
            raise PhotoError(f"{error} The closest picture until then was kept.")
        return figures

    def _picture(self, photo: Path) -> RGB:
        try:
            if photo.stat().st_size > self._settings.max_upload_mib * MIB:
                raise PhotoError(f"The file is larger than {self._settings.max_upload_mib} MiB.")
            rgb = read_photo(photo.read_bytes()).rgb
            if self._aligned:
                return rgb
            faces = self._faces.find(rgb)
            if not faces:
                raise PhotoError("No face was found; a face that is aligned already goes with --aligned.")
            anchors = anchors_of_landmarks(faces[0].landmarks)
            return aligned_face(rgb, anchors, self._generator.img_resolution)
        except OSError as error:
            raise PhotoError(f"The file cannot be read: {error.strerror}.") from error
        except Problem as problem:
            raise PhotoError(f"{problem.detail} {problem.hint}".strip()) from problem

    def _found(self, target: Tensor, report: Report) -> tuple[Found, int, ProjectionDiverged | None]:
        """What was found, in how many steps, and what ended the search early."""
        guess = first_guess(self._generator, target, self._encoder) if self._plan.from_guess else None
        if not self._plan.rungs:
            assert guess is not None
            return guess, 0, None
        steps = project(self._generator, target, self._plan.rungs, self._perceptual, self._statistics, guess)
        found, index = None, 0
        try:
            for step in steps:
                found, index = step.found, step.index
                report(step.index, step.total, step.distance)
        except ProjectionDiverged as error:
            if error.best is None:
                raise PhotoError(str(error)) from error
            return error.best.found, index, error
        except ProjectionError as error:
            raise PhotoError(str(error)) from error
        assert found is not None
        return found, index, None

    def _write(self, out: Path, target: Tensor, found: Found, figures: dict[str, Any]) -> None:
        ws = found.ws[0].cpu().numpy()
        maps = tuple(m[0, 0].cpu().numpy() for m in found.noise)
        with torch.no_grad():
            replace_file(_beside(out, ".png"), encode_png(as_rgb(rendered(self._generator, found))))
        replace_file(_beside(out, ".target.png"), encode_png(as_rgb(target[None] / 127.5 - 1)))
        replace_file(_beside(out, ".safetensors"), latent_file(Latent(ws, maps, self._sha256)))
        arrays: dict[str, Any] = {"ws": ws[None], **{f"noise_{i}": m for i, m in enumerate(maps)}}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        replace_file(_beside(out, ".npz"), buffer.getvalue())
        if found.tuning is not None:
            replace_file(_beside(out, ".tuning.safetensors"), tuning_file(found.tuning, self._sha256))
        replace_file(_beside(out, ".json"), (json.dumps(figures, indent=2) + "\n").encode())


def _beside(out: Path, suffix: str) -> Path:
    """out with the suffix; unlike with_suffix, dots in the name stay."""
    return out.with_name(out.name + suffix)


def _model(source: str, settings: Settings, device: str) -> tuple[Generator, Encoder | None, str]:
    """Generator, encoder where there is one, and the sha256 of the generator's file."""
    path = Path(source) if Path(source).exists() else settings.checkpoints_dir / source
    if path.is_dir():
        bundle = load_bundle(path, device)
        return bundle.generator, bundle.encoder, bundle.manifest.generator.sha256
    generator = load_generator(path, device)
    with path.open("rb") as file:
        return generator, None, hashlib.file_digest(file, "sha256").hexdigest()

"""Finding faces in photos."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.projection.anchors import anchors_of_landmarks, quad_of_anchors
from models.projection.detection import DetectorError, FaceDetector, load_face_detector
from server.engine.interface import RGB, FoundFace
from server.problems import Problem

log = logging.getLogger(__name__)

WEIGHTS = Path("face-detector") / "mtcnn.safetensors"


class FaceFinder:
    """The face detector, loaded when the first photo comes. Runs on the engine's compute thread."""

    def __init__(self, checkpoints_dir: Path, device: str) -> None:
        self._path, self._device = checkpoints_dir / WEIGHTS, device
        self._detector: FaceDetector | None = None

    @torch.no_grad()
    def find(self, rgb: RGB) -> tuple[FoundFace, ...]:
        """Faces, largest first. Raises Problem face_detector_missing."""
        return tuple(
            FoundFace(
                box=(face.box[0], face.box[1], face.box[2], face.box[3]),
                score=face.score,
                landmarks=tuple((float(x), float(y)) for x, y in face.landmarks),
            )
            for face in self._loaded().detect(rgb)
            if _decides_a_square(face.landmarks)
        )

    def _loaded(self) -> FaceDetector:
        if self._detector is None:
            try:
                self._detector = load_face_detector(self._path, self._device)
            except DetectorError as error:
                log.error("%s", error)
                hint = f"Put {WEIGHTS.name} into {WEIGHTS.parent} in the checkpoints folder."
                raise Problem(
                    "face_detector_missing",
                    "Faces cannot be found: the detector's weights are missing.",
                    hint,
                ) from error
        return self._detector


def _decides_a_square(landmarks: NDArray[np.float32]) -> bool:
    try:
        quad_of_anchors(anchors_of_landmarks(landmarks))
    except ValueError:
        return False
    return True

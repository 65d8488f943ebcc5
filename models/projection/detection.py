"""Face detection with five landmarks: MTCNN's cascade of three networks.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torchvision.ops import nms

from models.projection.mtcnn import OutputNetwork, ProposalNetwork, RefinementNetwork

# The smallest face looked for is this many pixels and this part of the short side, whichever is more.
MINIMUM_FACE = 40
MINIMUM_FACE_SHARE = 1 / 12
# A picture is first made small enough that the smallest face is MINIMUM_FACE pixels, and never larger
# than this: it bounds the time spent on long strips.
WORKING_PIXELS = 640 * 1280

PYRAMID_FACTOR = 0.709  # sqrt(1/2): half the pixels from level to level
CANDIDATE_SCORE = 0.6  # after P-Net
REFINED_SCORE = 0.7  # after R-Net
FACE_SCORE = 0.9  # after O-Net; on pictures without a face nearly nothing comes this far
MAXIMUM_CANDIDATES = 600  # boxes that R-Net looks at, best first

P_WINDOW, P_STRIDE = 12, 2
R_SIDE, O_SIDE = 24, 48


class DetectorError(ValueError):
    """The file of weights is missing or is not one; the message is meant for users."""


@dataclass(frozen=True)
class Face:
    """A face in pixels of the picture it was found in.

    box (x0, y0, x1, y1); landmarks float32 [5, 2] as x, y: left eye, right eye, nose, left mouth corner,
    right mouth corner, where left and right are the picture's, not the person's.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: NDArray[np.float32]

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        x0, y0, x1, y1 = self.box
        return (x1 - x0) * (y1 - y0)


class FaceDetector(nn.Module):
    """The cascade; call detect."""

    def __init__(self) -> None:
        super().__init__()
        self.pnet, self.rnet, self.onet = ProposalNetwork(), RefinementNetwork(), OutputNetwork()

    @torch.inference_mode()
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """All faces in a picture uint8 [H, W, 3] of any size, the largest first.

        Faces under a twelfth of the short side or under 40 pixels are hardly found.
        Raises ValueError where rgb is not such a picture.
        """
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ValueError(f"the picture must be uint8 [H, W, 3], not {rgb.dtype} {list(rgb.shape)}")
        height, width = rgb.shape[:2]
        if min(height, width) < P_WINDOW:
            return []
        picture = self._working_picture(rgb)
        boxes = self._refined(picture, self._proposals(picture))
        boxes, scores, landmarks = self._faces(picture, boxes)
        scale = torch.tensor([width / picture.shape[3], height / picture.shape[2]], device=boxes.device)
        corners = (boxes * scale.repeat(2)).tolist()
        points = (landmarks * scale).cpu().numpy()
        faces = [
            Face((box[0], box[1], box[2], box[3]), score, five)
            for box, score, five in zip(corners, scores.tolist(), points, strict=True)
        ]
        return sorted(faces, key=lambda face: face.area, reverse=True)

    def _working_picture(self, rgb: NDArray[np.uint8]) -> Tensor:
        """[1, 3, h, w] in about -1..1, so small that the smallest face looked for has MINIMUM_FACE pixels."""
        height, width = rgb.shape[:2]
        smallest = max(float(MINIMUM_FACE), min(height, width) * MINIMUM_FACE_SHARE)
        scale = min(MINIMUM_FACE / smallest, math.sqrt(WORKING_PIXELS / (height * width)), 1.0)
        if scale < 1:
            size = (max(P_WINDOW, round(width * scale)), max(P_WINDOW, round(height * scale)))
            rgb = np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR), dtype=np.uint8)
        device = self.pnet.conv1.weight.device
        picture = torch.tensor(rgb, device=device, dtype=torch.float32).permute(2, 0, 1)[None]
        return (picture - 127.5) / 128

    def _proposals(self, picture: Tensor) -> Tensor:
        """Square boxes [n, 4] of P-Net over an image pyramid."""
        height, width = picture.shape[2:]
        found: list[tuple[Tensor, Tensor]] = []
        scale = P_WINDOW / min(MINIMUM_FACE, height, width)
        while min(height, width) * scale >= P_WINDOW:
            size = (math.ceil(height * scale), math.ceil(width * scale))
            level = F.interpolate(picture, size=size, mode="area")
            found.append(self._windows(level, width / size[1], height / size[0]))
            scale *= PYRAMID_FACTOR
        boxes, scores = torch.cat([b for b, _ in found]), torch.cat([s for _, s in found])
        kept = nms(boxes[:, :4], scores, 0.7)[:MAXIMUM_CANDIDATES]
        return _square(_corrected(boxes[kept, :4], boxes[kept, 4:]))

    def _windows(self, level: Tensor, scale_x: float, scale_y: float) -> tuple[Tensor, Tensor]:
        """P-Net's windows above the threshold: corners and offsets [n, 8], scores [n]."""
        probability, offsets = self.pnet(level)
        rows, columns = torch.nonzero(probability[0] >= CANDIDATE_SCORE, as_tuple=True)
        scores = probability[0, rows, columns]
        corner = torch.stack([columns, rows], dim=1) * float(P_STRIDE)
        scale = torch.tensor([scale_x, scale_y], device=level.device)
        boxes = torch.cat([corner * scale, (corner + P_WINDOW) * scale], dim=1)
        kept = nms(boxes, scores, 0.5)
        return torch.cat([boxes, offsets[0, :, rows, columns].t()], dim=1)[kept], scores[kept]

    def _refined(self, picture: Tensor, boxes: Tensor) -> Tensor:
        """R-Net's choice of square boxes [m, 4]."""
        if not len(boxes):
            return boxes
        scores, offsets = self.rnet(_crops(picture, boxes, R_SIDE))
        chosen = scores >= REFINED_SCORE
        boxes, scores, offsets = boxes[chosen], scores[chosen], offsets[chosen]
        kept = nms(boxes, scores, 0.7)
        return _square(_corrected(boxes[kept], offsets[kept]))

    def _faces(self, picture: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """O-Net's boxes [k, 4], scores [k] and landmarks [k, 5, 2] in pixels of the working picture."""
        if not len(boxes):
            return boxes, boxes.new_zeros(0), boxes.new_zeros(0, 5, 2)
        scores, offsets, points = self.onet(_crops(picture, boxes, O_SIDE))
        chosen = scores >= FACE_SCORE
        boxes, scores, offsets, points = boxes[chosen], scores[chosen], offsets[chosen], points[chosen]
        sides = boxes[:, 2:] - boxes[:, :2]
        landmarks = boxes[:, None, :2] + points * sides[:, None, :]
        boxes = _corrected(boxes, offsets)
        kept = _without_nested(boxes, scores, 0.7)
        return boxes[kept], scores[kept], landmarks[kept]


def _corrected(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move each corner by offsets, which are in units of the box's sides."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return boxes + offsets * sides.repeat(1, 2)


def _square(boxes: Tensor) -> Tensor:
    """The square of the longer side about the same centre."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def _crops(picture: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Every box as [n, 3, side, side] by area interpolation; what lies outside the picture is zero (grey)."""
    height, width = picture.shape[2:]
    crops = []
    for box in boxes.round().long().tolist():
        x0, y0, x1, y1 = box[0], box[1], max(box[2], box[0] + 1), max(box[3], box[1] + 1)
        inside = picture[:, :, max(y0, 0) : max(min(y1, height), 0), max(x0, 0) : max(min(x1, width), 0)]
        if 0 in inside.shape:
            crops.append(picture.new_zeros(1, 3, side, side))
            continue
        margins = (max(-x0, 0), max(x1 - width, 0), max(-y0, 0), max(y1 - height, 0))
        crops.append(F.interpolate(F.pad(inside, margins), size=(side, side), mode="area"))
    return torch.cat(crops)


def _without_nested(boxes: Tensor, scores: Tensor, threshold: float) -> list[int]:
    """Non-maximum suppression by intersection over the smaller box, which also drops a box inside another."""
    kept: list[int] = []
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)
    for i in scores.argsort(descending=True).tolist():
        top = torch.maximum(boxes[i, :2], boxes[kept, :2])
        bottom = torch.minimum(boxes[i, 2:], boxes[kept, 2:])
        shared = (bottom - top).clamp(min=0).prod(dim=1)
        if not bool((shared > threshold * torch.minimum(areas[i], areas[kept])).any()):
            kept.append(i)
    return kept


def load_face_detector(path: str | Path, device: str | torch.device = "cpu") -> FaceDetector:
    """The cascade with the weights of a safetensors file (checkpoints/face-detector).

    Raises DetectorError where the file is missing, damaged or something else.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}
    except FileNotFoundError as error:
        raise DetectorError(f"The face detector's weights are missing: there is no file {path}.") from error
    except (SafetensorError, OSError) as error:
        raise DetectorError(f"{path} cannot be read as a safetensors file.") from error
    detector = FaceDetector()
    try:
        detector.load_state_dict(weights)
    except RuntimeError as error:
        raise DetectorError(f"{path} does not hold the weights of the face detector.") from error
    return detector.to(device).eval().requires_grad_(False)

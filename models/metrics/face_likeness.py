"""How much of a face is left after an edit: the perceptual distance inside the face, not that of an identity.

A network that recognises people would be the right judge, but none with a free licence comes with this
program. So this is named as what it is: the perceptual distance of projection, on the part of an aligned
picture that the face fills. It counts a changed pose or light as a change, as a recogniser would not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.projection.perceptual import MINIMUM_SIDE, PerceptualDistance
from models.stylegan2.generator import Generator

# Of the picture, where FFHQ's alignment puts the face: top, bottom, left, right.
_FACE = (0.22, 0.92, 0.20, 0.80)
_TOGETHER = 8


@dataclass(frozen=True)
class FaceLikeness:
    """A perceptual distance held to the face."""

    distance: PerceptualDistance

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"perceptual distance in the face region ({self.distance.name}); not an identity network"

    @torch.no_grad()
    def features(self, generator: Generator, ws: Tensor) -> Tensor:
        """[N, D] of the pictures of ws [N, L, C]."""
        parts = []
        for part in ws.split(_TOGETHER):
            img = (generator.synthesis(part).expand(-1, 3, -1, -1).clamp(-1, 1) + 1) * 127.5
            parts.append(self.distance.features(face_region(img)))
        return torch.cat(parts)

    @staticmethod
    def between(a: Tensor, b: Tensor) -> Tensor:
        """Distances [N] of features [N, D]."""
        return (a - b).square().sum(dim=1)


def face_region(img: Tensor) -> Tensor:
    """The part [N, 3, h, w] of aligned pictures [N, 3, R, R] that the face fills; small ones are enlarged."""
    side = img.shape[-1]
    top, bottom, left, right = (round(share * side) for share in _FACE)
    part = img[:, :, top:bottom, left:right]
    if min(part.shape[2:]) < MINIMUM_SIDE:
        scale = -(-MINIMUM_SIDE // min(part.shape[2:]))
        part = F.interpolate(part, scale_factor=scale, mode="bilinear", align_corners=False)
    return part

"""Pose and camera: turning head and torso, perspective, and FFHQ's crop around the projected landmarks.

The camera stands in front of the face at 1.2 m. The crop is FFHQ's alignment of the projected eyes and
mouth corners, so rendered faces are framed as photographs aligned for StyleGAN2 are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.faces.factors import Array
from models.faces.render.assets import Head
from models.faces.render.face import Face
from models.faces.render.kernels import kernel
from models.faces.render.shape import HeadShape
from models.projection.alignment import ffhq_quad

Floats = NDArray[np.float32]

DISTANCE = 120.0  # cm from the eyes of the mean adult
NECK_PIVOT = (0.0, -7.0, -8.5)  # cm, on the mean adult
_MARGIN = 1.02  # of the crop; with it eyes and mouth lie where FFHQ has them on average


@dataclass(frozen=True)
class Pose:
    """Where the head and the torso are turned, about a pivot in the neck."""

    head: Floats  # [3, 3] rotation
    torso: Floats  # [3, 3]
    pivot: Floats  # [3] cm


@dataclass(frozen=True)
class Camera:
    """Projection onto a square picture; parameters is what the kernel project reads."""

    parameters: Floats  # distance, centre x and y, axis x and y, pixels per cm, half the picture in pixels
    landmarks: Floats  # [4, 2] right eye, left eye, right and left mouth corner (of the person), 0..1


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Rotation [3, 3] by degrees: yaw + to image right, pitch + up, roll + tilts to image left."""
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, -pitch, roll])) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turned: Floats = (about_y @ about_x @ about_z).astype(np.float32)
    return turned


def pose_of(face: Face, shape: HeadShape) -> Pose:
    """The pose of one face. FFHQ's crop takes roll out again; what is left of it tilts the shoulders."""
    return Pose(
        head=rotation(face.yaw, face.pitch, 0.4 * face.roll),
        torso=rotation(face.yaw * face.torso, 0, 0),
        pivot=np.array(NECK_PIVOT, np.float32) * np.float32(shape.scale),
    )


def ffhq_camera(shape: HeadShape, head: Head, pose: Pose, pixels: int) -> Camera:
    """The camera whose picture of pixels x pixels is FFHQ's crop of this face."""
    corners = [head.landmarks["mouth_right"], head.landmarks["mouth_left"]]
    front = np.array([0, 0, shape.eye_radius])
    points = np.stack([shape.right_eye + front, shape.left_eye + front, *shape.coarse[corners]])
    turned = (points - pose.pivot) @ pose.head.T + pose.pivot
    distance = DISTANCE * shape.scale
    flat = turned[:, :2] * (1, -1) * (distance / (distance - turned[:, 2:]))
    centre, axis, half = _ffhq_crop(flat)
    scale = pixels / 2 / half
    parameters = np.array([distance, *centre, *axis, scale, pixels / 2], np.float32)
    offset = flat - centre
    across, down = offset @ axis, offset @ np.array([-axis[1], axis[0]])
    return Camera(parameters, (np.stack([across, down], axis=1) / (2 * half) + 0.5).astype(np.float32))


def _ffhq_crop(points: Array) -> tuple[Array, Array, float]:
    """Centre [2], unit x axis [2] and half side of FFHQ's crop around the four landmarks [4, 2], y down."""
    top_left, _, bottom_right, top_right = ffhq_quad(*points)
    side = float(np.hypot(*(top_right - top_left)))
    return (top_left + bottom_right) / 2, (top_right - top_left) / side, side / 2 * _MARGIN


def posed(points: NDArray[np.floating], weight: NDArray[np.floating] | float, pose: Pose) -> Floats:
    """Points [..., 3] turned; weight [...] is 1 for what turns with the head, 0 with the torso."""
    flat = np.ascontiguousarray(points, np.float32).reshape(-1, 3)
    weights = np.ascontiguousarray(np.broadcast_to(weight, points.shape[:-1]), np.float32).reshape(-1)
    out = np.empty_like(flat)
    _turn(flat, weights, pose.head, pose.torso, pose.pivot, out)
    return out.reshape(points.shape)


def projected(points: Floats, camera: Camera) -> Floats:
    """Posed points [..., 3] as pixels right, pixels down and depth in cm (towards the camera)."""
    flat = np.ascontiguousarray(points).reshape(-1, 3)
    out = np.empty_like(flat)
    _project(flat, camera.parameters, out)
    return out.reshape(points.shape)


@kernel
def _turn(points: Floats, weight: Floats, head: Floats, torso: Floats, pivot: Floats, out: Floats) -> None:
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] - pivot[0], points[i, 1] - pivot[1], points[i, 2] - pivot[2]
        w = weight[i]
        u = np.float32(1) - w
        for k in range(3):
            a = w * head[k, 0] + u * torso[k, 0]
            b = w * head[k, 1] + u * torso[k, 1]
            c = w * head[k, 2] + u * torso[k, 2]
            out[i, k] = a * x + b * y + c * z + pivot[k]


@kernel
def _project(points: Floats, parameters: Floats, out: Floats) -> None:
    distance, centre_x, centre_y, axis_x, axis_y, scale, half = parameters
    for i in range(points.shape[0]):
        z = points[i, 2]
        near = distance / (distance - z)
        x, y = points[i, 0] * near - centre_x, -points[i, 1] * near - centre_y
        out[i, 0] = half + (x * axis_x + y * axis_y) * scale
        out[i, 1] = half + (y * axis_x - x * axis_y) * scale
        out[i, 2] = z

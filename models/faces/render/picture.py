"""One picture of one face: shape, pose, camera, light, meshes, hair, glasses, film."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.faces.render.assets import Head, load_head
from models.faces.render.background import backdrop
from models.faces.render.camera import Camera, Pose, ffhq_camera, pose_of, posed, projected, rotation
from models.faces.render.cloth import cloth_look
from models.faces.render.develop import SUPERSAMPLES, develop, srgb_table
from models.faces.render.eyes import iris_albedo, unit_eyeball
from models.faces.render.face import Face
from models.faces.render.face_maps import face_maps
from models.faces.render.facial_hair import beard_of, brows_of
from models.faces.render.glasses import Glasses, glasses_of
from models.faces.render.hair import hair_of, scalp_density
from models.faces.render.lighting import Light, light_of, seen_from_light
from models.faces.render.noise import GRAIN, noise_textures
from models.faces.render.raster import FAR, rasterize, rasterize_depth, vertex_normals
from models.faces.render.shading import EYE, FRAME, Look, Meshes, Visible, shade
from models.faces.render.shape import HeadShape, head_shape
from models.faces.render.skin import skin_look
from models.faces.render.strands import Strands, draw_strands, strands_depth
from models.faces.render.translucent import draw_lashes, draw_lenses

Floats = NDArray[np.float32]

_NO_FRAME = np.zeros(3, np.float32)
_DARK_GLASS = (0.012, 0.011, 0.010, 0.96, 0.035)  # linear RGB, opacity, reflection
_CLEAR_GLASS = (0.10, 0.11, 0.12, 0.04, 0.05)
_SHADOW_EVERY = 3  # strands; as many shadows are enough


@dataclass(frozen=True)
class Picture:
    """A picture and where its landmarks lie."""

    pixels: NDArray[np.uint8]  # [S, S, 3]
    landmarks: Floats  # [4, 2] right eye, left eye, right and left mouth corner (of the person), 0..1


@dataclass(frozen=True)
class _Static:
    """What is the same for all faces."""

    maps: Floats
    noise: Floats
    around: Floats  # [W]
    srgb: Floats


@lru_cache(maxsize=1)
def _static() -> _Static:
    canonical = load_head().fine_canonical
    around = np.arctan2(canonical[:, 0], canonical[:, 2] + 9) * 9
    return _Static(face_maps(), noise_textures(), around.astype(np.float32), srgb_table())


@dataclass(frozen=True)
class _Canvas:
    """The supersampled picture while it is drawn."""

    depth: Floats  # [P, P]
    colour: Floats  # [P, P, 3] linear
    cover: Floats  # [P, P] 1 where a face is


def draw(face: Face, exposure: float, size: int) -> Picture:
    """The picture of one face. exposure is models.faces.light.exposure_gain of it."""
    head, static = load_head(), _static()
    shape = head_shape(face, head)
    pose = pose_of(face, shape)
    pixels = size * SUPERSAMPLES
    camera = ffhq_camera(shape, head, pose, pixels)
    light = light_of(face, shape.scale, _shadow_size(size))
    glasses = glasses_of(face, shape, head) if face.glasses else None
    meshes = _meshes(face, shape, head, pose, glasses)
    hair = hair_of(face, shape, head, _most_strands(size))
    hair_points = posed(hair.points, _hair_weight(hair.points, shape.scale), pose) if hair else None
    _cast_shadows(meshes, head, hair_points, light)

    canvas = _Canvas(
        np.full((pixels, pixels), FAR, np.float32),
        np.zeros((pixels, pixels, 3), np.float32),
        np.zeros((pixels, pixels), np.float32),
    )
    visible = Visible(np.full((pixels, pixels), -1, np.int32), np.zeros((pixels, pixels, 2), np.float32))
    rasterize(
        projected(meshes.points, camera), meshes.triangles, canvas.depth, visible.triangle, visible.bary
    )
    canvas.cover[visible.triangle >= 0] = 1
    shade(visible, meshes, _look(face, glasses), light, static.maps, static.noise, canvas.colour)
    _draw_lashes(face, shape, head, pose, camera, canvas)
    width = 1 if size <= 128 else 2
    if hair is not None and hair_points is not None:
        _draw(hair, hair_points, pose, camera, light, width, canvas)
    for strands in (brows_of(face, shape, head), beard_of(face, shape, head)):
        if strands is not None:
            _draw(strands, posed(strands.points, 1.0, pose), pose, camera, light, width, canvas)
    if glasses is not None:
        _draw_lenses(face, glasses, pose, camera, canvas)
    out = np.empty((size, size, 3), np.uint8)
    develop(canvas.colour, canvas.cover, backdrop(face), exposure, static.srgb, static.noise[GRAIN], out)
    return Picture(out, camera.landmarks)


def _shadow_size(size: int) -> int:
    return 160 if size <= 128 else 288


def _most_strands(size: int) -> int:
    """The scalp beneath is painted in the hair's colour, so few are enough."""
    return min(12000, 1500 + 39 * size)


def _hair_weight(points: Floats, scale: float) -> Floats:
    """Hair below the neck turns less than the head."""
    weight: Floats = np.clip((points[..., 1] + 19 * scale) / (9 * scale), 0.25, 1).astype(np.float32)
    return weight


def _meshes(face: Face, shape: HeadShape, head: Head, pose: Pose, glasses: Glasses | None) -> Meshes:
    """Head, eyeballs and the frame of the glasses as one posed mesh."""
    ball = unit_eyeball()
    fine, balls = len(shape.fine), len(ball.points)
    gaze = rotation(float(face.gaze[0]), float(face.gaze[1]), 0)
    points = [shape.fine] + [
        ball.points * shape.eye_radius + eye for eye in (shape.left_eye, shape.right_eye)
    ]
    normals = [shape.normals, ball.points, ball.points]
    place = [head.fine_canonical, ball.points @ gaze, ball.points @ gaze]
    weight = [head.head_weight, np.ones(2 * balls, np.float32)]
    triangles = [head.triangles, ball.triangles + fine, ball.triangles + fine + balls]
    material = [head.material, np.full(2 * len(ball.triangles), EYE, np.int32)]
    masks = np.zeros((fine + 2 * balls + (len(glasses.points) if glasses else 0), 6), np.float32)
    masks[:fine, :5] = head.masks
    masks[:fine, 5] = scalp_density(face.baldness)
    masks[fine : fine + 2 * balls, 4] = np.tile(ball.lid_shade, 2)
    if glasses is not None:
        frame_normals = np.empty_like(glasses.points)
        vertex_normals(glasses.points, glasses.triangles, frame_normals)
        points.append(glasses.points)
        normals.append(frame_normals)
        place.append(np.zeros_like(glasses.points))
        weight.append(np.ones(len(glasses.points), np.float32))
        triangles.append(glasses.triangles + fine + 2 * balls)
        material.append(np.full(len(glasses.triangles), FRAME, np.int32))
    weights = np.concatenate(weight)
    around = np.zeros(len(weights), np.float32)
    around[:fine] = _static().around
    still = Pose(pose.head, pose.torso, np.zeros(3, np.float32))
    return Meshes(
        triangles=np.concatenate(triangles),
        material=np.concatenate(material),
        points=posed(np.concatenate(points), weights, pose),
        normals=posed(np.concatenate(normals), weights, still),
        place=np.concatenate(place).astype(np.float32),
        around=around,
        masks=masks,
    )


def _look(face: Face, glasses: Glasses | None) -> Look:
    return Look(
        skin=skin_look(face),
        cloth=cloth_look(face),
        iris=iris_albedo(face).astype(np.float32),
        frame=glasses.colour if glasses else _NO_FRAME,
        frame_gloss=glasses.gloss if glasses else _NO_FRAME,
    )


def _cast_shadows(meshes: Meshes, head: Head, hair: Floats | None, light: Light) -> None:
    """Fills the shadow map; of the head with the coarse mesh, whose vertices come first in the fine one."""
    seen = seen_from_light(meshes.points, light)
    rasterize_depth(seen, head.coarse_triangles, light.shadow)
    frame = meshes.triangles[meshes.material == FRAME]
    rasterize_depth(seen, frame, light.shadow)
    if hair is not None:
        strands_depth(seen_from_light(np.ascontiguousarray(hair[::_SHADOW_EVERY]), light), light.shadow)


def _draw(
    strands: Strands, points: Floats, pose: Pose, camera: Camera, light: Light, width: int, canvas: _Canvas
) -> None:
    draw_strands(
        projected(points, camera),
        points,
        (strands.normals @ pose.head.T).astype(np.float32),
        strands.colour,
        strands.exposure,
        (strands.root_shade, strands.gloss, strands.opacity, strands.tip_opacity, strands.lift + 0.05),
        width,
        light,
        canvas.depth,
        canvas.colour,
        canvas.cover,
    )


def _draw_lashes(
    face: Face, shape: HeadShape, head: Head, pose: Pose, camera: Camera, canvas: _Canvas
) -> None:
    used, faces = np.unique(head.lash_triangles, return_inverse=True)
    points = projected(posed(shape.coarse[used], 1.0, pose), camera)
    triangles = np.asarray(faces, np.int32).reshape(head.lash_triangles.shape)
    draw_lashes(points, triangles, canvas.depth, canvas.colour, 0.30 + 0.35 * face.gender)


def _draw_lenses(face: Face, glasses: Glasses, pose: Pose, camera: Camera, canvas: _Canvas) -> None:
    points = projected(posed(glasses.lens_points, 1.0, pose), camera)
    glass = np.array(_DARK_GLASS if glasses.dark else _CLEAR_GLASS, np.float32)
    if not glasses.dark:
        glass[4] *= min(1.0, face.key_strength)
    draw_lenses(
        points, glasses.lens_triangles, glasses.lens_height, canvas.depth, canvas.colour, canvas.cover, glass
    )

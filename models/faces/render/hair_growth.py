"""Growing strands: each root sends out a line that gravity, curls, the head and the shoulders bend."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.faces.render.assets import Head
from models.faces.render.kernels import device, kernel
from models.faces.render.shape import HeadShape

Floats = NDArray[np.float32]
_Vector = tuple[float, float, float]

_ROWS, _COLUMNS = 20, 40  # of the radius map: linear in the cosine of the polar angle, and around
_CENTRE = (0.0, 1.5, -8.3)  # cm, on the mean adult


class Obstacles(NamedTuple):
    """The head as a radius in every direction, the neck as a cylinder, the shoulders as a slope; cm."""

    radius: Floats  # [_ROWS, _COLUMNS]
    centre: Floats  # [3]
    neck_radius: float
    neck_z: float
    shoulder_y: float
    face_z: float  # hair in front of this can hang over the face


class Forces(NamedTuple):
    """What bends all strands of a style alike."""

    gravity: float
    cling: float  # pull towards the head; without it hair stands off like a wig blown dry
    curl: float
    curl_frequency: float
    jitter: float  # of the direction at the root


def obstacles_of(shape: HeadShape, head: Head) -> Obstacles:
    """What the hair of one face runs into."""
    scale = shape.scale
    centre = (np.array(_CENTRE) * scale).astype(np.float32)
    return Obstacles(
        radius=_radius_map(shape.coarse[_scalp_vertices(head)] - centre),
        centre=centre,
        neck_radius=6.3 * scale,
        neck_z=-11.0 * scale,
        shoulder_y=-17.0 * scale,
        face_z=-1.5,
    )


def _scalp_vertices(head: Head) -> NDArray[np.bool_]:
    vertices = np.zeros(len(head.canonical), bool)
    vertices[head.body] = True
    return vertices & (head.canonical[:, 1] > -10) & (head.coarse_ears < 0.3)


def _radius_map(offsets: Floats) -> Floats:
    """Largest radius of the points [N, 3] in each cell; empty cells take their neighbours' values."""
    radius = np.linalg.norm(offsets, axis=1)
    cosine = np.clip(offsets[:, 1] / radius, -1, 1)
    row = np.clip(np.rint((1 - cosine) / 2 * (_ROWS - 1)).astype(int), 0, _ROWS - 1)
    column = ((np.arctan2(offsets[:, 0], offsets[:, 2]) / (2 * np.pi) + 0.5) * _COLUMNS).astype(
        int
    ) % _COLUMNS
    cells = np.zeros((_ROWS, _COLUMNS), np.float32)
    np.maximum.at(cells, (row, column), radius)
    for _ in range(4):
        empty = cells == 0
        if not empty[: _ROWS * 2 // 3].any():
            break
        cells = np.where(empty, ndimage.maximum_filter(cells, 3, mode=("nearest", "wrap")), cells)
    cells[cells == 0] = 0.9 * cells[cells > 0].mean()
    return np.asarray(ndimage.gaussian_filter(cells, 0.7, mode=("nearest", "wrap")), np.float32)


@device
def _off_head(
    obstacles: Obstacles, clearance: float, cling: float, point: _Vector, direction: _Vector
) -> tuple[_Vector, _Vector]:
    """Point and direction after the head: outside it by the clearance, drawn to it where they are away."""
    centre = obstacles.centre
    rows, columns = obstacles.radius.shape
    x, y, z = point
    dx, dy, dz = direction
    qx, qy, qz = x - centre[0], y - centre[1], z - centre[2]
    r = math.sqrt(qx * qx + qy * qy + qz * qz) + 1e-9
    row = int((1 - max(-1.0, min(1.0, qy / r))) * 0.5 * (rows - 1))
    column = int((math.atan2(qx, qz) / (2 * math.pi) + 0.5) * columns) % columns
    limit = obstacles.radius[row, column] + clearance
    if r < limit:
        k = limit / r
        x, y, z = centre[0] + qx * k, centre[1] + qy * k, centre[2] + qz * k
        ux, uy, uz = qx / r, qy / r, qz / r
        inward = dx * ux + dy * uy + dz * uz
        if inward < 0:
            dx, dy, dz = dx - inward * ux, dy - inward * uy, dz - inward * uz
    elif qy > -6.0:
        pull = cling * min(1.5, r - limit) / r
        dx, dy, dz = dx - pull * qx, dy - pull * qy, dz - pull * qz
    return (x, y, z), (dx, dy, dz)


@device
def _off_neck(
    obstacles: Obstacles, clearance: float, point: _Vector, direction: _Vector
) -> tuple[_Vector, _Vector, bool]:
    """Point and direction after neck and shoulders, and whether the strand ends there: hair that went on
    would pile up on the shoulders or hang across the throat."""
    x, y, z = point
    dx, dy, dz = direction
    ended = False
    nz = z - obstacles.neck_z
    r = math.sqrt(x * x + nz * nz) + 1e-9
    limit = obstacles.neck_radius + clearance
    if r < limit and y > obstacles.shoulder_y - 6:
        inward = (dx * x + dz * nz) / r
        if inward < 0:
            dx, dz = dx - inward * x / r, dz - inward * nz / r
        x, z = x * limit / r, obstacles.neck_z + nz * limit / r
    nz = z - obstacles.neck_z
    if nz > 4 and abs(x) < 5:
        ended = True
    floor = obstacles.shoulder_y - 0.33 * abs(x) + 0.6 * clearance - 0.9 * max(0.0, nz - 5)
    if y < floor and nz < 9:
        y = floor
        ended = True
    return (x, y, z), (dx, dy, dz), ended


@device
def _bent(
    forces: Forces,
    obstacles: Obstacles,
    off_face: float,
    point: _Vector,
    direction: _Vector,
    step: float,
    along: float,
    phase: float,
    frequency: float,
) -> _Vector:
    """Unit direction after gravity, curl and the push off the face; along is the length so far."""
    x, y, z = point
    dx, dy, dz = direction
    dy -= forces.gravity * step * 0.28
    if forces.curl > 0:
        a = forces.curl * step * frequency
        dx += a * math.cos(phase + frequency * along)
        dz += a * math.sin(phase + frequency * along)
        dy += 0.5 * a * math.sin(1.7 * phase + frequency * along)
    if off_face > 0 and z > obstacles.face_z and obstacles.centre[1] - 14 < y < obstacles.centre[1] + 5:
        push = off_face * step * min(1.0, (z - obstacles.face_z) * 0.5)
        dz -= 0.6 * push
        aside = 0.4 + 1.2 * max(0.0, 1 - abs(x) / 6)
        dx += aside * push if x > 0 else -aside * push
    norm = math.sqrt(dx * dx + dy * dy + dz * dz + 1e-9)
    return dx / norm, dy / norm, dz / norm


@kernel
def grow(
    roots: Floats,
    normals: Floats,
    comb: Floats,
    length: Floats,
    lift: Floats,
    clearance: Floats,
    off_face: Floats,
    random: Floats,
    forces: Forces,
    obstacles: Obstacles,
    points: Floats,
) -> None:
    """Fills points [n, S, 3] with n strands. random [n, 5] is 0..1: three for the direction at the root,
    phase and frequency of the curl. The other arrays are those of models.faces.render.hair_styles.Combed."""
    count, steps = points.shape[0], points.shape[1]
    for i in range(count):
        up, jitter = lift[i], forces.jitter
        # float64 from the start, or Numba would see two types.
        point: _Vector = (np.float64(roots[i, 0]), np.float64(roots[i, 1]), np.float64(roots[i, 2]))
        direction: _Vector = (
            comb[i, 0] * (1 - up) + normals[i, 0] * up + jitter * (random[i, 0] - 0.5),
            comb[i, 1] * (1 - up) + normals[i, 1] * up + jitter * (random[i, 1] - 0.5),
            comb[i, 2] * (1 - up) + normals[i, 2] * up + jitter * (random[i, 2] - 0.5),
        )
        step = length[i] / (steps - 1)
        phase = random[i, 3] * 2 * math.pi
        frequency = forces.curl_frequency * (0.8 + 0.4 * random[i, 4])
        ended = False
        for s in range(steps):
            if s > 0 and not ended:
                t = s / (steps - 1)
                direction = _bent(
                    forces, obstacles, off_face[i], point, direction, step, s * step, phase, frequency
                )
                point = (
                    point[0] + direction[0] * step,
                    point[1] + direction[1] * step,
                    point[2] + direction[2] * step,
                )
                if point[1] - obstacles.centre[1] > -9.0:
                    near = clearance[i] * min(1.0, 4 * t)
                    point, direction = _off_head(obstacles, near, forces.cling * step, point, direction)
                else:
                    point, direction, ended = _off_neck(obstacles, clearance[i], point, direction)
            points[i, s, 0], points[i, s, 1], points[i, s, 2] = point


@kernel
def clump(points: Floats, guide: NDArray[np.int64], strength: Floats) -> None:
    """Draws strands [n, S, 3] towards their guides by a strength [n], the more the further from the root."""
    count, steps = points.shape[0], points.shape[1]
    for i in range(count):
        g = guide[i]
        if g == i:
            continue
        for s in range(1, steps):
            t = strength[i] * s / (steps - 1)
            for c in range(3):
                beside = 0.25 * (points[i, 0, c] - points[g, 0, c])
                points[i, s, c] = points[i, s, c] * (1 - t) + t * (points[g, s, c] + beside)

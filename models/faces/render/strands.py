"""Drawing hair: strands as lines into the depth buffer, lit by Kajiya and Kay's model (1989)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.faces.render.kernels import device, kernel
from models.faces.render.lighting import Light, ambient_light, key_visibility

Floats = NDArray[np.float32]

_SHADOW_BIAS = 1.1  # cm
_SOLID = 0.6  # opacity from which a strand hides what lies behind it


@dataclass(frozen=True)
class Strands:
    """n strands of S points each, in cm before the head turns."""

    points: Floats  # [n, S, 3]
    normals: Floats  # [n, 3] of the skin at the roots
    colour: Floats  # [n, 3] linear RGB
    exposure: Floats  # [n] 0..1, how much light the strands around leave
    root_shade: float  # what the colour at the root is multiplied by
    gloss: float
    opacity: float  # of a strand, 0..1; several over each other are denser
    tip_opacity: float  # what the opacity falls to over the outer third
    lift: float  # cm towards the camera, so that short hair is not lost in the skin


@device
def _strand_light(
    light: Light,
    point: tuple[float, float, float],
    along: tuple[float, float, float],
    root_normal: tuple[float, float, float],
    colour: tuple[float, float, float],
    shade: float,
    gloss: float,
) -> tuple[float, float, float]:
    """Radiance of a strand with unit tangent along; shade is what the strands around leave of the light.

    Its normal is that of the skin at the root, made orthogonal to the tangent.
    """
    tx, ty, tz = along
    nx, ny, nz = root_normal
    q = nx * tx + ny * ty + nz * tz
    nx, ny, nz = nx - q * tx, ny - q * ty, nz - q * tz
    length = math.sqrt(nx * nx + ny * ny + nz * nz + 1e-6)
    nx, ny, nz = nx / length, ny / length, nz / length
    d, h, key, tint = light.direction, light.half, light.key, light.tint
    facing = nx * d[0] + ny * d[1] + nz * d[2]
    lit = key_visibility(light, point[0], point[1], point[2], _SHADOW_BIAS)
    along_light = tx * d[0] + ty * d[1] + tz * d[2]
    diffuse = math.sqrt(max(0.0, 1 - along_light * along_light)) * max(0.0, 0.35 + 0.65 * facing) * lit
    along_half = tx * h[0] + ty * h[1] + tz * h[2]
    off_half = max(0.0, 1 - along_half * along_half)
    sharp = 0.55 * gloss * off_half**26 * lit * max(0.0, min(1.0, 0.1 + facing))
    broad = 0.5 * gloss * off_half**8 * lit * max(0.0, min(1.0, 0.3 + facing))
    sky = ambient_light(light, nx, ny, nz)
    direct = diffuse + broad
    r, g, b = colour
    return (
        r * shade * (sky * tint[0] + direct * key[0]) + sharp * key[0] * (0.10 + 0.25 * r),
        g * shade * (sky * tint[1] + direct * key[1]) + sharp * key[1] * (0.10 + 0.25 * g),
        b * shade * (sky * tint[2] + direct * key[2]) + sharp * key[2] * (0.10 + 0.25 * b),
    )


@kernel
def draw_strands(
    screen: Floats,
    points: Floats,
    normals: Floats,
    colours: Floats,
    exposure: Floats,
    style: tuple[float, float, float, float, float],
    width: int,
    light: Light,
    depth: Floats,
    colour: Floats,
    cover: Floats,
) -> None:
    """Draws n strands; screen and points [n, S, 3] are projected and posed, style is root shade, gloss,
    opacity, tip opacity and lift of Strands, width in pixels. depth, colour and cover [H, W] are changed;
    translucent parts do not enter the depth, or they would cut holes into what is drawn behind them later."""
    root_shade, gloss, opacity, tip_opacity, lift = style
    count, steps = points.shape[0], points.shape[1]
    size = depth.shape[0]
    for i in range(count):
        r0, g0, b0 = 0.0, 0.0, 0.0
        root_normal = (normals[i, 0], normals[i, 1], normals[i, 2])
        root_colour = (colours[i, 0], colours[i, 1], colours[i, 2])
        for s in range(steps - 1):
            x0, y0, x1, y1 = screen[i, s, 0], screen[i, s, 1], screen[i, s + 1, 0], screen[i, s + 1, 1]
            if max(x0, x1) < 0 or max(y0, y1) < 0 or min(x0, x1) >= size or min(y0, y1) >= size:
                continue
            point = (points[i, s, 0], points[i, s, 1], points[i, s, 2])
            tx, ty, tz = (
                points[i, s + 1, 0] - point[0],
                points[i, s + 1, 1] - point[1],
                points[i, s + 1, 2] - point[2],
            )
            length = math.sqrt(tx * tx + ty * ty + tz * tz + 1e-12)
            along = (tx / length, ty / length, tz / length)
            t = (s + 0.5) / (steps - 1)
            shade = (root_shade + (1 - root_shade) * min(1.0, t * 2.2)) * exposure[i]
            r, g, b = _strand_light(light, point, along, root_normal, root_colour, shade, gloss)
            if s == 0:
                r0, g0, b0 = r, g, b
            dx, dy = x1 - x0, y1 - y0
            m = int(max(abs(dx), abs(dy))) + 1
            steep = abs(dy) > abs(dx)
            for n in range(m):
                f = n / m
                a = opacity + (tip_opacity - opacity) * max(0.0, ((s + f) / (steps - 1) - 0.65) / 0.35)
                column, row = int(x0 + dx * f), int(y0 + dy * f)
                z = screen[i, s, 2] + (screen[i, s + 1, 2] - screen[i, s, 2]) * f + lift
                for side in range(width):
                    px, py = (column + side, row) if steep else (column, row + side)
                    if 0 <= px < size and 0 <= py < size and z > depth[py, px]:
                        if a > _SOLID:
                            depth[py, px] = z
                        colour[py, px, 0] += (r0 + (r - r0) * f - colour[py, px, 0]) * a
                        colour[py, px, 1] += (g0 + (g - g0) * f - colour[py, px, 1]) * a
                        colour[py, px, 2] += (b0 + (b - b0) * f - colour[py, px, 2]) * a
                        cover[py, px] += (1 - cover[py, px]) * a
            r0, g0, b0 = r, g, b


@kernel
def strands_depth(points: Floats, depth: Floats) -> None:
    """Strands [n, S, 3] in columns, rows and depth of a depth map, into it."""
    count, steps = points.shape[0], points.shape[1]
    size = depth.shape[0]
    for i in range(count):
        for s in range(steps - 1):
            x0, y0, z0 = points[i, s, 0], points[i, s, 1], points[i, s, 2]
            dx, dy, dz = points[i, s + 1, 0] - x0, points[i, s + 1, 1] - y0, points[i, s + 1, 2] - z0
            m = int(max(abs(dx), abs(dy))) + 1
            for k in range(m):
                f = k / m
                column, row = int(x0 + dx * f), int(y0 + dy * f)
                if 0 <= column < size and 0 <= row < size:
                    depth[row, column] = max(depth[row, column], z0 + dz * f)

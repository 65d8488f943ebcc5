"""Colour of every visible point of the meshes: material, then ambient light, key light and highlights."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.faces.render.assets import PART_SKIN, PART_TEETH, PART_TONGUE
from models.faces.render.cloth import ClothLook, above_neckline, cloth_shade
from models.faces.render.eyes import catch_light, eye_colour
from models.faces.render.kernels import device, kernel
from models.faces.render.lighting import Light, ambient_light, key_visibility
from models.faces.render.noise import ramp
from models.faces.render.skin import SkinLook, bare_skin, bumped_normal, covered_skin, skin_gloss, skin_place

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

EYE, FRAME = 1, 5  # materials besides PART_SKIN, PART_TEETH and PART_TONGUE
_BRIGHTEST = 2.5


class Meshes(NamedTuple):
    """All meshes of a picture in one: posed points and what belongs to each."""

    triangles: Indices  # [T, 3]
    material: Indices  # [T]
    points: Floats  # [N, 3] posed, cm
    normals: Floats  # [N, 3] posed
    place: Floats  # [N, 3] canonical coordinates; on eyeballs the direction in the eye's own frame
    around: Floats  # [N] arc length around the head, cm
    masks: Floats  # [N, 6] lips, eyelids, ears, inside of the mouth, occlusion, density of hair


class Look(NamedTuple):
    """Everything about the surfaces of one face."""

    skin: SkinLook
    cloth: ClothLook
    iris: Floats  # linear RGB
    frame: Floats  # linear RGB of the glasses
    frame_gloss: Floats  # strength, exponent and reflectance of their highlight


class Visible(NamedTuple):
    """What rasterize leaves for each pixel."""

    triangle: Indices  # [H, W], -1 for background
    bary: Floats  # [H, W, 2]


class Surface(NamedTuple):
    """What a point is made of, before light falls on it."""

    albedo: tuple[float, float, float]
    normal: tuple[float, float, float]
    occlusion: float  # share of the ambient light that reaches it
    wrap: tuple[float, float, float]  # how far light bleeds past the terminator, by colour
    gloss: float  # strength and exponent of the highlight
    exponent: float
    reflectance: float  # at normal incidence
    mirror: float  # how much of the surroundings it reflects
    off_surface: float  # cm along the normal, and cm towards the light, from where the shadow is looked up
    bias: float


_MATTE = (0.0, 0.0, 0.0)
_SKIN_WRAP = (0.32, 0.14, 0.09)  # stands in for light scattered below the skin
_EYE_WRAP = (0.25, 0.15, 0.12)


@device
def _blend(
    values: Floats, k: int, corners: tuple[int, int, int], weights: tuple[float, float, float]
) -> float:
    first, second, third = values[corners[0], k], values[corners[1], k], values[corners[2], k]
    blend: float = weights[0] * first + weights[1] * second + weights[2] * third
    return blend


@device
def _blend3(
    values: Floats, corners: tuple[int, int, int], weights: tuple[float, float, float]
) -> tuple[float, float, float]:
    return (
        _blend(values, 0, corners, weights),
        _blend(values, 1, corners, weights),
        _blend(values, 2, corners, weights),
    )


@device
def _body(
    meshes: Meshes,
    look: Look,
    maps: Floats,
    noise: Floats,
    corners: tuple[int, int, int],
    weights: tuple[float, float, float],
    place: tuple[float, float, float],
    normal: tuple[float, float, float],
) -> Surface:
    """Skin or, below the neckline, cloth."""
    around = (
        weights[0] * meshes.around[corners[0]]
        + weights[1] * meshes.around[corners[1]]
        + weights[2] * meshes.around[corners[2]]
    )
    occlusion = 0.15 + 0.85 * _blend(meshes.masks, 4, corners, weights)
    above = above_neckline(look.cloth, noise, place[0], place[1], place[2], around)
    if above < 0:
        k, fold = cloth_shade(look.cloth, noise, place[1], around, above)
        colour = look.cloth.colour
        if above > -1.2:
            occlusion *= 0.6 + 0.4 * ramp(0.0, -1.2, above)
        folded = (normal[0] + 0.25 * fold, normal[1], normal[2])
        albedo = (colour[0] * k, colour[1] * k, colour[2] * k)
        return Surface(albedo, folded, occlusion, _MATTE, 0.02, 8.0, 0.04, 0.35, 0.30, 0.35)
    masks = (
        _blend(meshes.masks, 0, corners, weights),
        _blend(meshes.masks, 1, corners, weights),
        _blend(meshes.masks, 3, corners, weights),
        _blend(meshes.masks, 5, corners, weights),
    )
    at = skin_place(place[0], place[1], place[2], around)
    base = bare_skin(look.skin, maps, noise, at, _blend(meshes.masks, 2, corners, weights))
    r, g, b, lip = covered_skin(look.skin, maps, noise, at, base, masks)
    bumped = bumped_normal(look.skin, maps, noise, at, normal)
    gloss, exponent = skin_gloss(look.skin, maps, at, lip)
    return Surface((r, g, b), bumped, occlusion, _SKIN_WRAP, gloss, exponent, 0.04, 0.35, 0.30, 0.35)


@device
def _eye(
    look: Look,
    noise: Floats,
    place: tuple[float, float, float],
    normal: tuple[float, float, float],
    occlusion: float,
) -> Surface:
    x, y, z = place
    length = math.sqrt(x**2 + y**2 + z**2 + 1e-12)
    albedo = eye_colour(look.iris, noise, x / length, y / length, z / length)
    return Surface(albedo, normal, occlusion, _EYE_WRAP, 1.0, 180.0, 0.03, 0.8, 0.1, 0.9)


@device
def _teeth(place: tuple[float, float, float], normal: tuple[float, float, float]) -> Surface:
    """Rows of teeth, dark towards the cheeks."""
    x = place[0]
    gap = abs(math.sin(x * 4.4 / (1 + 0.035 * x * x)))
    front = 0.02 + 0.95 * ramp(2.35, 1.3, abs(x))
    k = (0.62 + 0.38 * ramp(0.0, 0.30, gap)) * front
    albedo = (0.86 * k, 0.80 * k, 0.69 * k)
    return Surface(albedo, normal, 0.55 + 0.45 * front, _MATTE, 0.6, 50.0, 0.04, 0.8, 0.1, 2.2)


@device
def _tongue(normal: tuple[float, float, float]) -> Surface:
    return Surface((0.22, 0.05, 0.05), normal, 0.35, _MATTE, 0.15, 20.0, 0.04, 0.8, 0.1, 0.35)


@device
def _frame(look: Look, normal: tuple[float, float, float]) -> Surface:
    x, y, z = normal
    length = math.sqrt(x * x + y * y + z * z)
    albedo = (np.float64(look.frame[0]), np.float64(look.frame[1]), np.float64(look.frame[2]))
    gloss, exponent, reflectance = look.frame_gloss[0], look.frame_gloss[1], look.frame_gloss[2]
    unit = (x / length, y / length, z / length)
    return Surface(
        albedo,
        unit,
        1.0,
        _MATTE,
        np.float64(gloss),
        np.float64(exponent),
        np.float64(reflectance),
        0.8,
        0.1,
        0.35,
    )


@device
def _lit(
    surface: Surface, material: int, point: tuple[float, float, float], light: Light
) -> tuple[float, float, float]:
    """Radiance towards the camera."""
    nx, ny, nz = surface.normal
    px, py, pz = point
    away = surface.off_surface
    facing = nx * light.direction[0] + ny * light.direction[1] + nz * light.direction[2]
    lit = key_visibility(light, px + nx * away, py + ny * away, pz + nz * away, surface.bias)
    sky = ambient_light(light, nx, ny, nz) * surface.occlusion
    lit_red = lit**0.7 if material == PART_SKIN else lit  # shadows on skin have red edges
    wr, wg, wb = surface.wrap
    r, g, b = surface.albedo
    r *= sky * light.tint[0] + light.key[0] * lit_red * max(0.0, (facing + wr) / (1 + wr))
    g *= sky * light.tint[1] + light.key[1] * lit * max(0.0, (facing + wg) / (1 + wg))
    b *= sky * light.tint[2] + light.key[2] * lit * max(0.0, (facing + wb) / (1 + wb))
    fresnel = surface.reflectance + (1 - surface.reflectance) * (1 - max(0.0, min(1.0, nz))) ** 5
    rx, ry, rz = 2 * nz * nx, 2 * nz * ny, 2 * nz * nz - 1
    reflected = (
        ambient_light(light, rx, ry, rz) * fresnel * surface.gloss * surface.occlusion * surface.mirror
    )
    highlight = 0.0
    if material == EYE:
        strength = 1.3 * (0.35 + 0.65 * min(1.0, light.key[1])) * (0.6 + 0.4 * lit)
        highlight = catch_light(light, rx, ry, rz) * strength * ramp(0.15, 0.5, surface.occlusion)
    elif lit > 0 and facing > 0:
        towards_half = max(0.0, nx * light.half[0] + ny * light.half[1] + nz * light.half[2])
        peak = (surface.exponent + 8) / 25.0
        highlight = surface.gloss * towards_half**surface.exponent * peak * fresnel * 2.2
        highlight *= lit * max(0.0, min(1.0, facing * 3))
    r += highlight * light.key[0] + reflected * light.tint[0]
    g += highlight * light.key[1] + reflected * light.tint[1]
    b += highlight * light.key[2] + reflected * light.tint[2]
    return min(r, _BRIGHTEST), min(g, _BRIGHTEST), min(b, _BRIGHTEST)


@kernel
def shade(
    visible: Visible, meshes: Meshes, look: Look, light: Light, maps: Floats, noise: Floats, colour: Floats
) -> None:
    """Writes linear RGB into colour [H, W, 3] where a mesh is visible."""
    height, width = visible.triangle.shape
    for row in range(height):
        for column in range(width):
            t = visible.triangle[row, column]
            if t < 0:
                continue
            w1, w2 = visible.bary[row, column, 0], visible.bary[row, column, 1]
            weights = (1 - w1 - w2, w1, w2)
            corners = (meshes.triangles[t, 0], meshes.triangles[t, 1], meshes.triangles[t, 2])
            material = meshes.material[t]
            normal = _blend3(meshes.normals, corners, weights)
            if normal[2] < 0 and material != EYE:
                normal = (-normal[0], -normal[1], -normal[2])
            place = _blend3(meshes.place, corners, weights)
            if material == PART_SKIN:
                surface = _body(meshes, look, maps, noise, corners, weights, place, normal)
            elif material == EYE:
                surface = _eye(look, noise, place, normal, _blend(meshes.masks, 4, corners, weights))
            elif material == PART_TEETH:
                surface = _teeth(place, normal)
            elif material == PART_TONGUE:
                surface = _tongue(normal)
            else:
                surface = _frame(look, normal)
            r, g, b = _lit(surface, material, _blend3(meshes.points, corners, weights), light)
            colour[row, column, 0] = r
            colour[row, column, 1] = g
            colour[row, column, 2] = b

"""The head of the renderer: baking it, loading it, subdividing it, and the kernels that draw it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.faces.bake.head import _pack_rows
from models.faces.bake.makehuman import read_target
from models.faces.render import assets, shape
from models.faces.render.assets import HeadError, load_head
from models.faces.render.camera import rotation
from models.faces.render.hairline import loss_threshold
from models.faces.render.kernels import first_writable
from models.faces.render.phenotype import ancestry_names, build_names, macro_weights
from models.faces.render.raster import FAR, rasterize, vertex_normals
from models.faces.render.subdivision import catmull_clark, triangles
from models.weights import with_sorted_header

CUBE = np.array([[x, y, z] for x in (-1.0, 1) for y in (-1.0, 1) for z in (-1.0, 1)])
CUBE_QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


def test_catmull_clark_of_a_cube_is_the_textbooks() -> None:
    """By the rules: corners (F + 2R + P) / 3 = 5/9, middles of edges 3/4, middles of faces 1."""
    step = catmull_clark(8, CUBE_QUADS)
    points = step.matrix @ CUBE
    np.testing.assert_allclose(np.abs(points[:8]), 5 / 9, atol=1e-6)
    np.testing.assert_allclose(np.sort(np.abs(points[8:20]), axis=1), [[0, 0.75, 0.75]] * 12, atol=1e-6)
    np.testing.assert_allclose(np.sort(np.abs(points[20:]), axis=1), [[0, 0, 1]] * 6, atol=1e-6)
    assert len(step.quads) == 24 and (np.bincount(step.parent) == 4).all()


def test_the_border_of_an_open_mesh_stays_a_curve_of_its_own() -> None:
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    points = catmull_clark(4, np.array([[0, 1, 2, 3]])).matrix @ square
    np.testing.assert_allclose(points[0], [1 / 8, 1 / 8, 0], atol=1e-6)  # cubic B-spline of the border
    np.testing.assert_allclose(points[8], [0.5, 0.5, 0], atol=1e-6)


def test_normals_of_a_cube_point_outwards() -> None:
    points = CUBE.astype(np.float32)
    normals = np.empty_like(points)
    vertex_normals(points, triangles(CUBE_QUADS), normals)
    assert ((normals * points).sum(axis=1) > 0.9).all()


def test_the_nearest_triangle_of_each_pixel_is_seen() -> None:
    points = np.array([[0, 0, 1], [8, 0, 1], [0, 8, 1], [0, 0, 2], [4, 0, 2], [0, 4, 2]], np.float32)
    depth, triangle = np.full((8, 8), FAR, np.float32), np.full((8, 8), -1, np.int32)
    bary = np.zeros((8, 8, 2), np.float32)
    rasterize(points, np.array([[0, 1, 2], [3, 4, 5]], np.int32), depth, triangle, bary)
    assert triangle[0, 0] == 1 and triangle[0, 5] == 0 and triangle[7, 7] == -1
    assert depth[0, 0] == 2 and depth[0, 5] == 1
    np.testing.assert_allclose(bary[0, 5], [5.5 / 8, 0.5 / 8], atol=1e-6)


def test_macro_weights_are_shares() -> None:
    weights = macro_weights(31.0, 0.3, 0.7, 0.2, np.array([0.2, 0.3, 0.5]))
    builds = len(list(build_names()))
    assert len(weights) == builds + len(list(ancestry_names())) == 96
    np.testing.assert_allclose([weights[:builds].sum(), weights[builds:].sum()], 1)
    assert weights.min() >= 0


def test_a_grown_man_of_average_build_is_one_macro_shape() -> None:
    weights = macro_weights(25.0, 0.0, 0.5, 0.5, np.array([1.0, 0, 0]))
    names = ["-".join(n) for n in (*build_names(), *ancestry_names())]
    chosen = {name for name, weight in zip(names, weights, strict=True) if weight > 0}
    assert chosen == {"male-young-averagemuscle-averageweight", "african-male-young"}


def test_packed_displacements_come_back() -> None:
    head = load_head()
    some = np.arange(len(head.template)) % 7 == 0
    shapes = np.random.RandomState(0).randn(2, len(some), 3) * some[:, None]
    packed = _pack_rows(list(shapes))
    points = np.zeros_like(head.template)
    rows = (packed["row_start"], packed["row_vertex"], packed["row_delta"], packed["row_scale"])
    shape._displace(np.array([0.5, -1.0], np.float32), *rows, points)  # type: ignore[arg-type]
    np.testing.assert_allclose(points, 0.5 * shapes[0] - shapes[1], atol=1e-3)


def test_a_target_file_is_read_in_centimetres(tmp_path: Path) -> None:
    path = tmp_path / "nose.target.gz"
    path.write_bytes(gzip.compress(b"# a comment\n3 .1 -.02 0\n"))
    target = read_target(path)
    np.testing.assert_allclose(target[3], [1, -0.2, 0])
    assert np.count_nonzero(target.any(axis=1)) == 1


def test_the_header_of_a_baked_file_has_one_order() -> None:
    from safetensors.numpy import load, save

    metadata = {"format": "x", "version": "1", "config": "{}", "more": "y"}
    tensors = {"b": np.arange(3.0), "a": np.zeros((2, 2), np.uint8)}
    files = {with_sorted_header(save(tensors, metadata)) for _ in range(20)}
    assert len(files) == 1
    np.testing.assert_array_equal(load(files.pop())["b"], tensors["b"])


def test_an_altered_head_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = tmp_path / "head.safetensors"
    altered.write_bytes(assets.HEAD_PATH.read_bytes()[:-1] + b"\x01")
    monkeypatch.setattr(assets, "HEAD_PATH", altered)
    with pytest.raises(HeadError, match="not the one of this version"):
        load_head.__wrapped__()
    altered.unlink()
    with pytest.raises(HeadError, match="cannot be read"):
        load_head.__wrapped__()


def test_the_mean_head_looks_at_the_camera_and_has_its_eyes_at_the_origin() -> None:
    head = load_head()
    eyes = (head.canonical[head.left_eye].mean(axis=0) + head.canonical[head.right_eye].mean(axis=0)) / 2
    np.testing.assert_allclose(eyes, 0, atol=1e-4)
    assert head.canonical[head.left_eye, 0].mean() > 3 and head.canonical[head.right_eye, 0].mean() < -3
    chin = head.canonical[head.landmarks["chin"]]
    assert -13 < chin[1] < -11 and head.canonical[head.body, 2].max() > 3  # the nose


def test_positive_angles_turn_right_and_up() -> None:
    ahead = np.array([0.0, 0.0, 1.0])
    assert (rotation(20, 0, 0) @ ahead)[0] > 0.3
    assert (rotation(0, 20, 0) @ ahead)[1] > 0.3


def test_hair_is_lost_at_the_temples_first_and_never_at_the_sides() -> None:
    temple, forehead, crown, side = loss_threshold(
        np.array([[4.8, 7.0, 1.0], [0.0, 7.5, 1.5], [0.0, 11.0, -9.0], [7.0, 1.0, -9.0]])
    )
    assert temple < forehead < crown < 1 < side


def test_compiled_kernels_go_where_something_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert first_writable((file, tmp_path), "kernels") == tmp_path / "kernels"
    assert first_writable((file,), "kernels") is None


def test_rendering_needs_neither_torch_nor_anny() -> None:
    code = "import sys, models.faces.shards; print(sorted({'torch', 'anny', 'warp'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

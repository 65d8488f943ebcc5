"""Directions: where they come from, how they are applied, and which files are refused."""

from __future__ import annotations

import io
import json
import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.editing.boundaries import boundary_direction, z_boundary_direction
from models.editing.directions import (
    Direction,
    DirectionFile,
    apply_directions,
    load_directions,
    named_directions,
    save_directions,
)
from models.editing.errors import BadDirection, EditError, ValueOutOfRange
from models.editing.ganspace import activation_components, w_components
from models.editing.linear_attributes import joint_regression, regression_normals
from models.editing.population import draw_w
from models.editing.sefa import row_affines, sefa_directions
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import CheckpointError, write_weights


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(6)
        config = GeneratorConfig(z_dim=16, w_dim=12, img_resolution=16, channel_base=128, channel_max=8)
        return Generator(config).eval().requires_grad_(False)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def unit(vector: Tensor) -> Tensor:
    length: Tensor = vector.norm()
    return vector / length


def npy(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_a_direction_moves_its_layers_by_strength_times_scale() -> None:
    ws = drawn(2, 6, 12)
    direction = Direction("smile", unit(drawn(12, seed=2)), (1, 4), "test", scale=2.0)
    moved = apply_directions(ws, [(direction, 1.5)])
    torch.testing.assert_close(moved[:, [1, 4]] - ws[:, [1, 4]], 3 * direction.vector.expand(2, 2, 12))
    assert torch.equal(moved[:, [0, 2, 3, 5]], ws[:, [0, 2, 3, 5]])


def test_the_order_of_directions_does_not_matter_and_none_is_the_same_tensor() -> None:
    ws = drawn(1, 6, 12)
    a = Direction("a", drawn(12, seed=2), (0, 1), "test")
    b = Direction("b", drawn(2, 12, seed=3), (1, 2), "test")
    one = apply_directions(ws, [(a, 1.0), (b, -2.0)])
    torch.testing.assert_close(one, apply_directions(ws, [(b, -2.0), (a, 1.0)]))
    torch.testing.assert_close(one[:, 2] - ws[:, 2], -2 * b.vector[None, 1])
    assert apply_directions(ws, [(a, 0.0)]) is ws
    assert apply_directions(ws, []) is ws


def test_another_generators_direction_is_refused() -> None:
    direction = Direction("a", drawn(12), (0, 7), "test")
    with pytest.raises(BadDirection, match="has 12 numbers, w has 10"):
        apply_directions(drawn(1, 8, 10), [(direction, 1.0)])
    with pytest.raises(BadDirection, match="layer 7; there are 6"):
        apply_directions(drawn(1, 6, 12), [(direction, 1.0)])
    with pytest.raises(ValueOutOfRange, match="strength of a"):
        apply_directions(drawn(1, 8, 12), [(direction, math.nan)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 81},
        {"layers": ()},
        {"layers": (1, 1)},
        {"layers": (-1,)},
        {"vector": torch.full((12,), math.nan)},
        {"vector": torch.zeros(3, 12)},
        {"scale": 0.0},
        {"scale": math.inf},
        {"minimum": 3.0},
    ],
)
def test_a_direction_that_makes_no_sense_cannot_be_made(wrong: dict[str, object]) -> None:
    good = Direction("a", torch.ones(12), (0, 1), "test")
    with pytest.raises(BadDirection):
        replace(good, **wrong)  # type: ignore[arg-type]


def test_a_file_of_directions_comes_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "directions.safetensors"
    saved = DirectionFile(
        "abc",
        (
            Direction("smile", drawn(12), (0, 3), "sefa", 1.5, -2.0, 4.0, 0.25),
            Direction("per layer", drawn(2, 12), (1, 2), "boundary"),
        ),
    )
    save_directions(path, saved)
    loaded = load_directions(path)
    assert loaded.generator == "abc"
    for a, b in zip(loaded.directions, saved.directions, strict=True):
        assert torch.equal(a.vector, b.vector)
        assert replace(a, vector=b.vector) == b
    assert list(named_directions(loaded)) == ["smile", "per layer"]


def entry(**changes: object) -> dict[str, object]:
    good = {
        "name": "a",
        "layers": [0],
        "method": "m",
        "scale": 1,
        "minimum": -1,
        "maximum": 1,
        "explained": None,
    }
    return good | changes


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"directions": []},
        {"directions": [entry()] * 5000},
        {"directions": [entry(layers=["0"])]},
        {"directions": [entry(layers=[10**9])]},
        {"directions": [entry(name=3)]},
        {"directions": [entry(scale="nan")]},
        {"directions": [entry(scale=None)]},
        {"directions": [entry(), entry()]},
        {"directions": ["a"]},
        {"directions": [entry()], "generator": 4},
        {"directions": [{"name": "a"}]},
    ],
)
def test_a_damaged_file_of_directions_is_refused(config: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "directions.safetensors"
    write_weights(path, "latentloom-directions", config, {"vector.0": torch.ones(12)})
    with pytest.raises(CheckpointError):
        load_directions(path)


def test_a_file_of_something_else_and_two_of_a_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "flow.safetensors"
    write_weights(path, "latentloom-flow", {}, {"a": torch.ones(1)})
    with pytest.raises(CheckpointError, match="latentloom-flow"):
        load_directions(path)
    direction = Direction("a", drawn(12), (0,), "test")
    with pytest.raises(CheckpointError, match=json.dumps("a")):
        named_directions(DirectionFile(None, (direction, direction)))


def test_sefas_directions_change_the_styles_of_their_layers_most(generator: Generator) -> None:
    layers = (2, 3, 4)
    found = sefa_directions(generator, layers, count=12)

    def change(vector: Tensor) -> float:
        total = torch.tensor(0.0)
        for row in layers:
            for affine in row_affines(generator)[row]:
                total += (affine(vector[None]) - affine(torch.zeros(1, 12))).square().sum()
        return float(total)

    changes = [change(d.vector) for d in found]
    assert changes == sorted(changes, reverse=True)
    for seed in range(20):
        assert change(unit(drawn(12, seed=seed))) <= changes[0] * (1 + 1e-5)
    basis = torch.stack([d.vector for d in found])
    torch.testing.assert_close(basis @ basis.T, torch.eye(12), rtol=0, atol=1e-5)
    assert sum(d.explained or 0 for d in found) == pytest.approx(1)
    assert all(d.layers == layers for d in found)


def test_every_row_of_ws_enters_the_layers_of_its_place(generator: Generator) -> None:
    assert [len(affines) for affines in row_affines(generator)] == [1, 2, 1, 2, 1, 1]
    count = sum(1 for name, _ in generator.synthesis.named_parameters() if name.endswith("affine.weight"))
    assert sum(len(affines) for affines in row_affines(generator)) == count


def test_the_components_of_w_are_its_principal_axes(generator: Generator) -> None:
    told: list[tuple[int, int]] = []
    found = w_components(generator, count=3, draws=2000, progress=lambda done, of: told.append((done, of)))
    w = draw_w(generator, 2000).double().numpy()
    variances, axes = np.linalg.eigh(np.cov(w.T))
    for k, direction in enumerate(found):
        assert direction.scale == pytest.approx(math.sqrt(variances[-1 - k]), rel=1e-3)
        assert abs(float(direction.vector.double().numpy() @ axes[:, -1 - k])) == pytest.approx(1, abs=1e-4)
        assert direction.layers == tuple(range(6))
    assert found[0].explained == pytest.approx(variances[-1] / variances.sum(), rel=1e-3)
    assert told[-1] == (2, 2)


def test_the_components_of_feature_maps_are_regressed_on_w(generator: Generator) -> None:
    found = activation_components(generator, 8, count=2, layers=[0, 1, 2], draws=100)
    w, kept = draw_w(generator, 100), list[Tensor]()
    handle = generator.synthesis.block(8).conv1.register_forward_hook(lambda _m, _i, out: kept.append(out))
    with torch.no_grad():
        generator.synthesis(w[:, None].expand(-1, 6, -1))
    handle.remove()
    maps = kept[0].flatten(1).double().numpy()
    scores, sizes, _ = np.linalg.svd(maps - maps.mean(axis=0), full_matrices=False)
    for k, direction in enumerate(found):
        slope, *_ = np.linalg.lstsq(scores[:, [k]], w.double().numpy() - w.double().numpy().mean(axis=0))
        cosine = float(unit(torch.from_numpy(slope[0])).float() @ direction.vector)
        assert abs(cosine) == pytest.approx(1, abs=1e-3)
        assert direction.explained == pytest.approx(sizes[k] ** 2 / (sizes**2).sum(), rel=1e-3)
        assert direction.layers == (0, 1, 2)


def test_directions_of_layers_that_are_not_there_are_refused(generator: Generator) -> None:
    with pytest.raises(BadDirection, match=r"0\.\.5"):
        sefa_directions(generator, [6])
    with pytest.raises(BadDirection, match="1 to 12 directions"):
        sefa_directions(generator, [0], count=13)
    with pytest.raises(BadDirection, match=r"0\.\.5"):
        w_components(generator, layers=[-1], count=2, draws=50)
    with pytest.raises(BadDirection, match="1 to 4 components of 5 draws"):
        w_components(generator, count=5, draws=5)
    with pytest.raises(BadDirection, match="resolution must be one of"):
        activation_components(generator, 5, count=2)
    with pytest.raises(BadDirection, match="too large"):
        activation_components(generator, 16, count=2, draws=10**6)


@pytest.mark.parametrize("shape", [(12,), (1, 12)])
def test_a_boundary_in_w_becomes_a_unit_direction(generator: Generator, shape: tuple[int, ...]) -> None:
    normal = drawn(12, seed=5)
    direction = boundary_direction(npy(3 * normal.numpy().reshape(shape)), "Age", generator)
    torch.testing.assert_close(direction.vector, unit(normal))
    assert direction.layers == tuple(range(6))
    assert direction.scale == pytest.approx(float((draw_w(generator, 1024) @ unit(normal)).std()), rel=1e-4)


def test_a_boundary_may_have_a_row_for_each_layer(generator: Generator) -> None:
    rows = drawn(6, 12, seed=5)
    direction = boundary_direction(npy(rows.double().numpy()), "Age", generator, layers=[1, 2])
    assert direction.vector.shape == (2, 12)
    torch.testing.assert_close(
        direction.vector[0] / direction.vector[1], rows[1] / rows[2], rtol=1e-3, atol=1e-4
    )


def test_column_major_arrays_are_read_as_what_they_mean(generator: Generator) -> None:
    rows = drawn(6, 12, seed=5).numpy()
    one, other = (boundary_direction(npy(a), "A", generator) for a in (rows, np.asfortranarray(rows)))
    assert torch.equal(one.vector, other.vector)


def test_a_boundary_in_z_is_the_average_step_it_makes_in_w(generator: Generator) -> None:
    normal = unit(drawn(16, seed=5))
    direction = z_boundary_direction(npy(normal.numpy()), "Age", generator)
    z = drawn(400, 16, seed=9)
    with torch.no_grad():
        step = (generator.mapping(z + normal) - generator.mapping(z - normal))[:, 0].mean(dim=0)
    assert float(unit(step) @ direction.vector) > 0.9
    assert direction.method == "boundary in Z"


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a .npy file"),
        (pickle.dumps([1.0] * 12), "not a .npy file"),
        (b"\x93NUMPY\x01\x00", "header"),
        (b"\x93NUMPY\x09\x00" + b"0" * 100, "header"),
        (npy(np.zeros(12))[:-8], "incomplete"),
        (npy(np.zeros(12)) + b"more", "incomplete"),
        (npy(np.array(["a"] * 12)), "holds numbers"),
        (npy(np.zeros(12)), "all its numbers are 0"),
        (npy(np.full(12, np.nan)), "not finite"),
        (npy(np.full(12, 1e300)), "not finite"),
        (npy(np.ones(13)), "is 13; this generator needs 12, 1x12 or 6x12"),
        (npy(np.ones((2, 12))), "is 2x12"),
        (npy(np.ones((1, 1, 12))), "is 1x1x12"),
        (npy(np.array(1.0)), "a single number"),
        (npy(np.ones(2**18)), "larger"),
    ],
)
def test_what_is_no_boundary_is_refused(generator: Generator, data: bytes, message: str) -> None:
    with pytest.raises(BadDirection, match=message):
        boundary_direction(data, "A", generator)


def test_objects_in_a_boundary_are_not_made(generator: Generator, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadDirection, match="holds numbers"):
        boundary_direction(npy(np.array([Payload()] * 12)), "A", generator)
    assert capsys.readouterr().out == ""


def test_a_header_that_lies_about_its_size_reserves_no_memory(generator: Generator) -> None:
    data = npy(np.ones(12)).replace(b"(12,)", b"(10**9,)".replace(b"10**9", b"99999999999"))
    with pytest.raises(BadDirection):
        boundary_direction(data, "A", generator)


def test_regression_finds_the_directions_that_attributes_were_made_from() -> None:
    """w = sum of attribute times its axis plus noise: both regressions point along the axes."""
    axes = torch.linalg.qr(drawn(24, 24, seed=8))[0][:, :17]
    attributes = drawn(3000, 17, seed=9) * torch.linspace(0.5, 3, 17) + 1
    w = attributes @ axes.T + 0.01 * drawn(3000, 24, seed=10)
    for found in (regression_normals(w, attributes, 4), joint_regression(w, attributes, 4)):
        assert len(found) == 17
        for i, direction in enumerate(found):
            assert float(direction.vector @ axes[:, i]) > 0.99
            assert direction.scale == pytest.approx(float(attributes[:, i].std()), rel=0.1)
            assert direction.layers == (0, 1, 2, 3)


def test_the_joint_regression_holds_what_is_correlated_and_the_normal_does_not_move_w_along_it() -> None:
    """Attribute 1 follows attribute 0 in the population; each has its own axis in w."""
    attributes = drawn(4000, 17, seed=9)
    attributes[:, 1] = 0.8 * attributes[:, 0] + 0.6 * attributes[:, 1]
    w = attributes @ torch.eye(17, 20)
    joint = joint_regression(w, attributes, 2)[0].vector
    assert abs(float(joint[1])) < 0.05
    assert float(joint[0]) > 0.99


def test_a_regression_needs_faces_that_differ() -> None:
    with pytest.raises(EditError, match="at least two faces"):
        regression_normals(drawn(1, 8), drawn(1, 17), 2)
    same = drawn(50, 17)
    same[:, 10] = 0
    with pytest.raises(EditError, match="Glasses is the same"):
        joint_regression(drawn(50, 8), same, 2)

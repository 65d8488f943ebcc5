"""Distances between sets of features, precision and recall, and path length against golden numbers,
numbers worked out by hand and plain loops.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.metrics.frechet import frechet_distance, moments
from models.metrics.kernel_distance import kernel_distance, squared_mmd
from models.metrics.path_length import path_distances, path_length, sampled_path_length, slerp
from models.metrics.precision_recall import neighbour_radii, precision_recall
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig

Golden = dict[str, NDArray[np.generic]]


@pytest.fixture(scope="module")
def golden(fixtures: Path) -> Golden:
    with np.load(fixtures / "metrics" / "metrics.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def generator(fixtures: Path) -> Generator:
    return load_generator(fixtures / "nvidia" / "ada_uncond_r32_map8.pkl")


def stand_in(pictures: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(pictures, 4).flatten(1) / 128


def tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(array)


@pytest.mark.parametrize(
    ("case", "relative", "absolute"), [("full_rank", 1e-6, 0.0), ("rank_deficient", 0.0, 1e-4)]
)
def test_the_frechet_distance_is_that_of_the_reference(
    golden: Golden, case: str, relative: float, absolute: float
) -> None:
    real, fake = (moments(golden[f"fid.{case}.{side}_features"]) for side in ("real", "gen"))  # type: ignore[arg-type]
    np.testing.assert_allclose(real[0], golden[f"fid.{case}.mu_real"], atol=1e-6)  # type: ignore[arg-type]
    np.testing.assert_allclose(fake[1], golden[f"fid.{case}.sigma_gen"], atol=1e-6)  # type: ignore[arg-type]
    expected = float(golden[f"fid.{case}.value"])
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=relative, abs=absolute)
    assert frechet_distance(fake, real) == pytest.approx(expected, rel=relative, abs=absolute)


def test_a_set_has_no_frechet_distance_to_itself(golden: Golden) -> None:
    real = moments(golden["fid.full_rank.real_features"])  # type: ignore[arg-type]
    assert 0 <= frechet_distance(real, real) < 1e-5


def test_features_that_cannot_be_averaged_are_refused() -> None:
    for bad in (np.zeros((1, 4)), np.zeros(4), np.full((5, 4), np.nan)):
        with pytest.raises(ValueError, match="finite rows"):
            moments(bad)


def test_the_kernel_distance_is_the_unbiased_one_of_the_paper() -> None:
    random = np.random.RandomState(0)
    a, b = random.randn(7, 3), random.randn(5, 3) + 0.5

    def kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        return float((x @ y / 3 + 1) ** 3)

    same_a = [kernel(a[i], a[j]) for i in range(7) for j in range(7) if i != j]
    same_b = [kernel(b[i], b[j]) for i in range(5) for j in range(5) if i != j]
    across = [kernel(x, y) for x in a for y in b]
    assert squared_mmd(a, b) == pytest.approx(np.mean(same_a) + np.mean(same_b) - 2 * np.mean(across))
    with pytest.raises(ValueError, match="cannot be compared"):
        squared_mmd(a[:1], b)


def test_the_kernel_distance_is_about_zero_for_one_distribution_and_grows_with_a_shift() -> None:
    random = np.random.RandomState(0)
    same, spread = kernel_distance(random.randn(300, 4), random.randn(300, 4))
    assert abs(same) < 3 * spread + 0.02
    assert kernel_distance(random.randn(300, 4), random.randn(300, 4) + 1)[0] > 10 * abs(same)


def test_precision_and_recall_count_the_points_inside_the_others_balls() -> None:
    real = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    fake = torch.tensor([[0.5], [1.5], [3.5], [20.0]])
    # Nearest neighbours: real 1, 1, 1, 8; fake 1, 1, 2, 16.5.
    torch.testing.assert_close(neighbour_radii(real, 1), torch.tensor([1.0, 1.0, 1.0, 8.0]))
    # 0.5 and 1.5 lie in balls of real, 3.5 in the ball of 10, 20 in none; every real lies in a fake ball.
    assert precision_recall(real, fake, 1) == (0.75, 1.0)
    assert precision_recall(real, real + 1000, 1) == (0.0, 0.0)
    with pytest.raises(ValueError, match="too few"):
        neighbour_radii(real, 4)


def test_points_on_the_sphere_are_interpolated_as_in_the_reference(golden: Golden) -> None:
    a, b, t = (tensor(golden[f"ppl.slerp.{name}"]) for name in "abt")
    torch.testing.assert_close(slerp(a, b, t), tensor(golden["ppl.slerp.out"]), atol=1e-5, rtol=0)
    start = slerp(a, b, torch.zeros_like(t))
    torch.testing.assert_close(start, tensor(golden["ppl.slerp.out_t0"]), atol=1e-5, rtol=0)


def test_extreme_distances_are_left_out_of_the_path_length(golden: Golden) -> None:
    distances: NDArray[np.float32] = golden["ppl.filter.dist"]  # type: ignore[assignment]
    assert path_length(distances) == pytest.approx(float(golden["ppl.filter.value"]), rel=1e-6)


@pytest.mark.parametrize("case", ["w_end", "w_full", "z_full", "w_end_crop"])
@pytest.mark.parametrize("wide", [False, True])
def test_path_distances_are_those_of_the_reference(
    golden: Golden, generator: Generator, case: str, wide: bool
) -> None:
    space, sampling, *crop = case.split("_")
    noise = [tensor(v)[None, None] for k, v in golden.items() if k.startswith("ppl.sampler.noise.")]
    t = tensor(golden["ppl.sampler.t_raw"]) * (sampling == "full")
    distances = path_distances(
        generator,
        stand_in,
        tensor(golden["ppl.sampler.z0"]),
        tensor(golden["ppl.sampler.z1"]),
        t,
        space="w" if space == "w" else "z",
        epsilon=0.05 if wide else {"w": 1e-4, "z": 1e-2}[space],
        crop=bool(crop),
        noise=noise,
    )
    expected = golden[f"ppl.sampler.{case}.dist" + ("_eps0.05" if wide else "")]
    # At a small epsilon single precision cancels: the reference differs from itself by 3e-3.
    tolerance = 1e-3 if wide or space == "z" else 2e-2
    torch.testing.assert_close(distances, tensor(expected), rtol=tolerance, atol=0)


def test_the_sampled_path_length_is_the_same_for_the_same_seed() -> None:
    torch.manual_seed(0)
    small = Generator(GeneratorConfig(8, 8, 16, mapping_layers=2, channel_base=128, channel_max=8)).eval()
    seen: list[int] = []
    first = sampled_path_length(small, stand_in, 10, batch=4, report=seen.append)
    assert seen == [4, 8, 10]
    assert first > 0 and first == sampled_path_length(small, stand_in, 10, batch=4)
    assert first != sampled_path_length(small, stand_in, 10, batch=4, seed=1)

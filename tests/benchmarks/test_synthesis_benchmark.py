"""The baseline of the synthesis benchmark computes the same pictures, and its figures are what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.published_synthesis import published_synthesis
from benchmarks.synthesis import reuse_times, tables
from benchmarks.synthesis_measures import interleaved, operations
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig

ROOT = Path(__file__).resolve().parents[2]


def small(**changes: float | tuple[float, ...]) -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        config = GeneratorConfig(16, 16, 32, channel_base=512, channel_max=32, **changes)  # type: ignore[arg-type]
        made = Generator(config).eval().requires_grad_(False)
        for name, parameter in made.synthesis.named_parameters():
            if name.endswith(("noise_strength", ".bias")):
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("changes", [{}, {"conv_clamp": 0.7}, {"resample_filter": (1, 2, 4, 3)}], ids=str)
def test_the_baseline_gives_our_pictures(changes: dict[str, float | tuple[float, ...]], samples: int) -> None:
    made = small(**changes)
    ws = torch.randn(samples, made.num_ws, made.w_dim, generator=torch.Generator().manual_seed(2))
    difference = published_synthesis(made, ws) - made.synthesis(ws)
    assert difference.abs().max() <= 1e-4


def test_the_baseline_stops_early_too() -> None:
    made = small()
    ws = torch.randn(1, made.num_ws, made.w_dim, generator=torch.Generator().manual_seed(2))
    difference = published_synthesis(made, ws, resolution=8) - made.synthesis(ws, resolution=8)
    assert difference.shape[-1] == 8
    assert difference.abs().max() <= 1e-4


def test_a_picture_of_config_f_at_1024_takes_148_gflop() -> None:
    with torch.device("meta"):
        network = Generator(GeneratorConfig(512, 512, 1024)).synthesis
    assert int(operations(network, 1024) / 1e9) == 148
    assert operations(network, 64) < operations(network, 1024) / 4


def test_actions_take_turns() -> None:
    order: list[str] = []
    seconds = interleaved([lambda: order.append("a"), lambda: order.append("b")], repeats=2)
    assert "".join(order) == "ab" + "abab"
    assert len(seconds) == 2


def test_reuse_is_measured_for_every_row() -> None:
    made = small()
    rows = reuse_times(made, repeats=1)
    assert [row.first_row for row in rows] == list(range(made.num_ws))
    assert rows[0].saved == 0


def test_figures_become_tables() -> None:
    results = {
        "threads": 2,
        "method": {"name": "kernels", "detail": "512-bit vectors"},
        "ceiling_gflops": 200.0,
        "pictures": [{"model": "a", "ratio": 6.25, "cuda_ours_ms": None}],
        "memory_mib": {"ours": 700},
    }
    text = tables(results)
    assert "| a | 6.25 |" in text
    assert "cuda" not in text
    assert "700" in text


def test_the_benchmark_starts_as_a_file() -> None:
    command: list[str | Path] = [sys.executable, ROOT / "benchmarks" / "synthesis.py", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert "--quick" in result.stdout

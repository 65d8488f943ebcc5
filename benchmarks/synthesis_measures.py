"""Measures of synthesis: times in turn with the baseline, a ceiling of convolutions, memory in a child."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F

from models.stylegan2.generator import Generator, SynthesisNetwork
from models.stylegan2.generator_config import GeneratorConfig

Action = Callable[[], object]
CEILING_SHAPES = (
    (512, 64),
    (256, 128),
    (128, 256),
    (64, 512),
    (32, 1024),
)  # channels, side: config-f at 1024


def untrained(resolution: int, channel_base: int) -> Generator:
    """A generator of that size with random weights: they do not matter for the time."""
    torch.manual_seed(0)
    config = GeneratorConfig(z_dim=512, w_dim=512, img_resolution=resolution, channel_base=channel_base)
    generator = Generator(config).eval().requires_grad_(False)
    for name, parameter in generator.synthesis.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.1)
    return generator


def interleaved(actions: Sequence[Action], repeats: int) -> list[float]:
    """Median seconds of each. They take turns, so that a drift of the machine meets all of them."""
    for action in actions:
        action()
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(repeats):
        for action, own in zip(actions, times, strict=True):
            start = time.perf_counter()
            action()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            own.append(time.perf_counter() - start)
    return [median(own) for own in times]


def operations(network: SynthesisNetwork, resolution: int) -> float:
    """Floating-point operations of a picture's convolutions done plainly; a multiply-add counts as two."""
    total = 0
    for r in network.resolutions:
        if r > resolution:
            break
        block = network.block(r)
        layers = [block.conv1.weight] if block.first else [block.conv0.weight, block.conv1.weight]
        for i, weight in enumerate(layers):
            side = r // 2 if len(layers) == 2 and i == 0 else r
            total += 2 * weight.numel() * side * side
        if block.torgb is not None:
            total += 2 * block.torgb.weight.numel() * r * r
    return float(total)


def ceiling(repeats: int) -> float:
    """Operations a second of the fastest of PyTorch's own convolutions in config-f, channels_last."""
    best = 0.0
    for channels, side in CEILING_SHAPES:
        x = torch.randn(1, channels, side, side).to(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3).to(memory_format=torch.channels_last)

        def convolve(x: torch.Tensor = x, weight: torch.Tensor = weight) -> object:
            return F.conv2d(x, weight, padding=1)

        (seconds,) = interleaved([convolve], repeats)
        best = max(best, 18 * channels * channels * side * side / seconds)
    return best


def peak_memory(which: str, resolution: int, channel_base: int) -> int | None:
    """Bytes at the peak of a process that makes a picture, beyond those when its weights were there.

    Of resident memory; None where the system does not tell (it does on Linux).
    """
    if not Path("/proc/self/clear_refs").exists():
        return None
    command = [sys.executable, "-m", "benchmarks.synthesis_memory", which, str(resolution), str(channel_base)]
    root = Path(__file__).resolve().parents[1]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603
    return int(result.stdout)

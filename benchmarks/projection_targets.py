"""What is projected: pictures of the generator itself, and renders that it has not learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.projection.perceptual import efficientnet_distance
from models.projection.target import compared, prepare_target
from models.stylegan2.generator import Generator, to_uint8
from models.stylegan2.generator_config import GeneratorConfig
from models.training.pairs import load_pairs

TARGET_SEED = 101
PAIR_SEED = 5000


@torch.no_grad()
def random_pair_distance(generator: Generator, count: int = 16) -> float:
    """Median distance between two random samples: what a distance is compared with."""
    perceptual = efficientnet_distance(torch.device("cpu"), "")
    pictures = [sample_target(generator, PAIR_SEED + i)[None] for i in range(2 * count)]
    pairs = zip(pictures[::2], pictures[1::2], strict=True)
    return float(np.median([float(perceptual.between(compared(a), compared(b))) for a, b in pairs]))


def generated_targets(generator: Generator, count: int) -> dict[str, Tensor]:
    """Pictures of the generator itself."""
    return {f"seed {s}": sample_target(generator, s) for s in range(TARGET_SEED, TARGET_SEED + count)}


def rendered_targets(faces: Path, shard: int, count: int, resolution: int) -> dict[str, Tensor]:
    """The first faces of a shard that training has not seen."""
    pictures = load_pairs(faces, range(shard, shard + 1)).pictures[:count]
    return {f"face {i}": prepare_target(picture, resolution) for i, picture in enumerate(pictures)}


@torch.no_grad()
def sample_target(generator: Generator, seed: int) -> Tensor:
    """A picture of the generator itself, in whole levels: [3, R, R] of 0..255."""
    z = torch.from_numpy(np.random.RandomState(seed).randn(1, generator.z_dim)).float()
    return to_uint8(generator(z))[0].permute(2, 0, 1).float()


def untrained_config_f(resolution: int) -> Generator:
    """A generator of configuration F with random weights: its cost, without its pictures."""
    torch.manual_seed(0)
    config = GeneratorConfig(z_dim=512, w_dim=512, img_resolution=resolution)
    return Generator(config).eval().requires_grad_(False)

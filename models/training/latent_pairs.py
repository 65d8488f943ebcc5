"""The data of the conditional flow: w of many z with the attributes that z means."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.faces.factors import Z_DIM, face_factors
from models.faces.light import attribute_vectors
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator


@torch.no_grad()
def latent_pairs(
    generator: Generator, count: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """w [count, w_dim] without truncation and attributes [count, 17] in raw units."""
    z = np.random.RandomState(seed).randn(count, Z_DIM).astype(np.float32)
    w = torch.cat([generator.mapping(part)[:, 0] for part in torch.from_numpy(z).split(1024)])
    return w.numpy(), attribute_vectors(face_factors(z)).astype(np.float32)


def main() -> None:
    """Command line: python -m models.training.latent_pairs --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help=".npz with w and attributes")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1_000_003, help="no seed of a rendered shard")
    args = parser.parse_args()
    w, attributes = latent_pairs(load_generator(args.generator), args.count, args.seed)
    np.savez(args.out, w=w, attributes=attributes)


if __name__ == "__main__":
    main()

"""Training the attribute estimator on rendered faces, and on the generator's pictures of the same z.

Both kinds are roughened (exposure, tint, blur, noise, small shifts), since what it must read in the
end are projections of real photos.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from models.attributes.estimator import AttributeEstimator, EstimatorConfig, save_estimator
from models.styleflow.attributes import ATTRIBUTES
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.training.pairs import Pairs, batches, load_pairs, picture_tensor


@dataclass(frozen=True)
class EstimatorTraining:
    """steps of Adam with a one-cycle learning rate; generated is the share of generated pictures."""

    steps: int = 3000
    batch: int = 64
    learning_rate: float = 2e-3
    generated: float = 0.4
    resolution: int = 64
    widths: tuple[int, ...] = (24, 48, 96, 160, 192)
    seed: int = 0


def estimator_for(pairs: Pairs, training: EstimatorTraining) -> AttributeEstimator:
    """Untrained estimator with the scale of these faces."""
    truth = pairs.attributes
    bounded = {"gender", "glasses", "baldness", "beard", "expression"}
    names = [attribute.name for attribute in ATTRIBUTES]
    lowest = [0.0 if n in bounded else float(truth[:, i].min()) for i, n in enumerate(names)]
    highest = [1.0 if n in bounded else float(truth[:, i].max()) for i, n in enumerate(names)]
    config = EstimatorConfig(
        training.resolution,
        training.widths,
        tuple(truth.mean(axis=0).tolist()),
        tuple(truth.std(axis=0).tolist()),
        tuple(lowest),
        tuple(highest),
    )
    torch.manual_seed(training.seed)
    estimator = AttributeEstimator(config)
    return estimator.to(memory_format=torch.channels_last)


def roughen(x: Tensor, random: torch.Generator) -> Tensor:
    """Pictures [N, 3, R, R] in -1..1 with random contrast, tint, shift, blur and noise."""
    n, side = x.shape[0], x.shape[-1]

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    theta = torch.eye(2, 3).repeat(n, 1, 1)
    theta[:, :, 2] = 0.02 * normal(n, 2)
    theta[:, [0, 1], [0, 1]] *= 1 + 0.02 * normal(n, 1)
    grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    soft = F.interpolate(F.avg_pool2d(x, 2), size=(side, side), mode="bilinear")
    share = torch.rand((n, 1, 1, 1), generator=random) * 0.9
    x = x.lerp(soft, share)
    x = x * (1 + 0.06 * normal(n, 1, 1, 1)) + 0.03 * normal(n, 3, 1, 1)
    return x + 0.03 * normal(*x.shape) * torch.rand((n, 1, 1, 1), generator=random)


def train_estimator(
    pairs: Pairs,
    generator: Generator | None,
    training: EstimatorTraining,
    log: Callable[[dict[str, float]], None],
) -> AttributeEstimator:
    """Estimator trained on the renders, and where a generator is given on its pictures too."""
    estimator = estimator_for(pairs, training)
    optimizer = torch.optim.AdamW(estimator.parameters(), lr=training.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.learning_rate, training.steps)
    random = torch.Generator().manual_seed(training.seed)
    truth = (torch.from_numpy(pairs.attributes) - estimator.mean) / estimator.deviation
    started = time.monotonic()
    estimator.train()
    for step, index in enumerate(batches(len(pairs), training.batch, training.seed, 0)):
        if step == training.steps:
            break
        x = picture_tensor(pairs.pictures[index], training.resolution)
        if generator is not None:
            share = int(training.batch * training.generated)
            z = torch.from_numpy(pairs.z[index[:share]])
            with torch.no_grad():
                fake = generator(z, truncation_psi=1.0)
            x[:share] = F.interpolate(fake, size=x.shape[-2:], mode="area").clamp(-1, 1)
        loss = F.smooth_l1_loss(estimator.standardized(roughen(x, random)), truth[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            speed = (step + 1) * training.batch / (time.monotonic() - started)
            log({"step": step + 1, "loss": float(loss.detach()), "speed": speed})
    return estimator.eval()


@torch.no_grad()
def correlations(estimator: AttributeEstimator, pictures: Tensor, truth: Tensor) -> dict[str, float]:
    """Pearson correlation of estimate and truth [N, 17] per attribute."""
    estimate = torch.cat([estimator(chunk) for chunk in torch.split(pictures, 64)])
    a, b = estimate - estimate.mean(dim=0), truth - truth.mean(dim=0)
    r = (a * b).sum(dim=0) / (a.norm(dim=0) * b.norm(dim=0) + 1e-9)
    return {attribute.name: float(value) for attribute, value in zip(ATTRIBUTES, r, strict=True)}


def main() -> None:
    """Command line: python -m models.training.attributes --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="folder of rendered shards")
    parser.add_argument("--generator", type=Path, help="generator whose pictures are read too")
    parser.add_argument("--out", type=Path, required=True, help="estimator file to write")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--shards", type=int, default=10_000, help="train on the first so many shards")
    args = parser.parse_args()
    held_out, pairs = load_pairs(args.faces, range(1)), load_pairs(args.faces, range(1, args.shards))
    generator = load_generator(args.generator) if args.generator else None

    def log(entry: dict[str, float]) -> None:
        line = json.dumps({key: round(value, 4) for key, value in entry.items()})
        with args.out.with_suffix(".log.jsonl").open("a") as file:
            file.write(line + "\n")

    estimator = train_estimator(pairs, generator, EstimatorTraining(steps=args.steps), log)
    save_estimator(estimator, args.out)
    truth = torch.from_numpy(held_out.attributes)
    log(correlations(estimator, picture_tensor(held_out.pictures, 64), truth))
    if generator is not None:
        with torch.no_grad():
            fake = torch.cat([generator(z) for z in torch.split(torch.from_numpy(held_out.z), 32)])
        log(correlations(estimator, fake, truth))


if __name__ == "__main__":
    main()

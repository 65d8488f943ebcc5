"""Training the generator from pairs: G(f(z)) learns to be the rendered picture of z.

Lessons: synthesis learns from the w that the mapping network is to learn (faces.features), at a
lower level first, whose RGB the skip architecture gives for free, then at full size; the mapping
network learns that w by regression (mapping.py); then both learn together. A last phase with two
noise draws a face (losses.energy_loss) gives the noise inputs something to do.
Everything is resumable: the state file holds weights, EMA, optimiser, step and generator state.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.faces.features import LatentTarget, coordinate_kinds
from models.projection.perceptual import load_perceptual
from models.stylegan2.checkpoint import save_generator
from models.stylegan2.generator import Generator, to_uint8
from models.training.generator_state import (
    DEMO_CONFIG,
    GeneratorTraining,
    TrainingState,
    load_state,
    new_state,
    save_state,
    update_average,
)
from models.training.losses import Features, downsample_like, energy_loss, pair_loss
from models.training.mapping import W_OFFSET, shift_w, spread_thresholds, teach_mapping
from models.training.pairs import Pairs, batches, load_pairs, picture_tensor


def training_step(
    state: TrainingState, ws: Tensor, real: Tensor, features: Features, phase: GeneratorTraining
) -> float:
    """One step of Adam and of the average on ws [N, L, 512] and renders [N, 3, R, R]; returns the loss."""
    generator = state.generator
    real = downsample_like(real, phase.resolution)
    if phase.noise_draws:
        doubled = generator.synthesis(ws.repeat(2, 1, 1), "random", resolution=phase.resolution)
        first, second = doubled.chunk(2)
        loss = energy_loss(first, second, real, features, phase.perceptual_weight).mean()
    else:
        fake = generator.synthesis(ws, "const", resolution=phase.resolution)
        loss = pair_loss(fake, real, features, phase.perceptual_weight).mean()
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    state.optimizer.step()
    state.step += 1
    state.pictures += len(ws)
    update_average(state, phase, len(ws))
    return float(loss.detach())


@torch.no_grad()
def sample_sheet(generator: Generator, pairs: Pairs, phase: GeneratorTraining, path: Path) -> None:
    """Rows of renders, and below each the generator's picture of the same z."""
    ws = latents(generator, pairs.z[:24], phase)
    fake = generator.synthesis(ws, resolution=phase.resolution)
    real = picture_tensor(pairs.pictures[:24], phase.resolution)
    tiles = to_uint8(torch.stack([real, fake], dim=1).flatten(0, 1)).numpy()
    side = tiles.shape[1]
    rows = tiles.reshape(3, 8, 2, side, side, 3).transpose(0, 2, 3, 1, 4, 5)
    Image.fromarray(np.ascontiguousarray(rows.reshape(6 * side, 8 * side, 3))).save(path)


@torch.no_grad()
def held_out_error(generator: Generator, pairs: Pairs, phase: GeneratorTraining) -> float:
    """Mean absolute error (-1..1 pixels) on renders that training never sees."""
    errors = []
    for k in range(0, min(len(pairs), 256), 32):
        ws = latents(generator, pairs.z[k : k + 32], phase)
        fake = generator.synthesis(ws, resolution=phase.resolution)
        real = picture_tensor(pairs.pictures[k : k + 32], phase.resolution)
        errors.append(float((fake - real).abs().mean()))
    return sum(errors) / len(errors)


def latents(generator: Generator, z: NDArray[np.float32], phase: GeneratorTraining) -> Tensor:
    """The ws [N, L, w_dim] from which this phase draws the faces z [N, z_dim]."""
    if phase.taught_w:
        return torch.from_numpy(_latent_target()(z))[:, None].repeat(1, generator.num_ws, 1)
    ws: Tensor = generator.mapping(torch.from_numpy(z))
    return ws


@cache
def _latent_target() -> LatentTarget:
    return LatentTarget()


def train(
    state: TrainingState,
    pairs: Pairs,
    held_out: Pairs,
    phase: GeneratorTraining,
    features: Features,
    out: Path,
    log: Callable[[dict[str, float]], None],
) -> None:
    """Run the phase to its last step; saves state, average and sample sheet every save_every seconds."""
    last_save = last_log = time.monotonic()
    losses: list[float] = []
    for index in batches(len(pairs), phase.batch, phase.seed, state.step):
        if state.step >= phase.steps:
            break
        real = picture_tensor(pairs.pictures[index], phase.resolution)
        ws = latents(state.generator, pairs.z[index], phase)
        losses.append(training_step(state, ws, real, features, phase))
        now = time.monotonic()
        if now - last_log > 30:
            speed = len(losses) * phase.batch / (now - last_log)
            log(
                {
                    "step": state.step,
                    "pictures": state.pictures,
                    "loss": sum(losses) / len(losses),
                    "speed": speed,
                }
            )
            losses, last_log = [], now
        if now - last_save > phase.save_every or state.step == phase.steps:
            checkpoint(state, held_out, phase, out, log)
            last_save = time.monotonic()


def checkpoint(
    state: TrainingState,
    held_out: Pairs,
    phase: GeneratorTraining,
    out: Path,
    log: Callable[[dict[str, float]], None],
) -> None:
    """Save state and average, draw the sample sheet, log the held-out error."""
    save_state(state, out / "state.pt")
    save_generator(state.average, out / "generator.safetensors", torch.float16)
    sample_sheet(state.average, held_out, phase, out / f"sheet-{state.step:07d}.png")
    log({"step": state.step, "held_out_l1": held_out_error(state.average, held_out, phase)})


def _mapping_lesson(state: TrainingState, steps: int, log: Callable[[dict[str, float]], None]) -> None:
    plain, bent = coordinate_kinds()
    spread_thresholds(state.generator.mapping, plain, bent)
    score = teach_mapping(
        state.generator.mapping,
        lambda z: _latent_target()(z) + np.float32(W_OFFSET),
        steps,
        report=lambda step, loss: log({"mapping_step": step, "loss": loss}),
    )
    log({"mapping_r2": float(score.mean())})
    state.average.mapping.load_state_dict(state.generator.mapping.state_dict())
    for generator in (state.generator, state.average):
        shift_w(generator.synthesis, W_OFFSET)


@torch.no_grad()
def leave_noise_to_fine_layers(
    generator: Generator, from_resolution: int = 64, strength: float = 0.02
) -> None:
    """Before noise is drawn anew: below from_resolution none, for good; above at least a little.

    A generator taught with fixed maps uses the coarse ones as landmarks, and drawn anew they would move
    the eyes. The fine ones have learned to be silent, and a strength of zero has no gradient.
    """
    for resolution in generator.synthesis.resolutions:
        block = generator.synthesis.block(resolution)
        for layer in (block.conv1,) if resolution == 4 else (block.conv0, block.conv1):
            if resolution < from_resolution:
                layer.noise_strength.zero_().requires_grad_(False)
            elif layer.noise_strength.abs() < 0.01:
                layer.noise_strength.fill_(strength)


def main() -> None:
    """Command line: python -m models.training.generator --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="folder of rendered shards")
    parser.add_argument("--out", type=Path, required=True, help="folder of state, sheets and log; resumed")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--steps", type=int, required=True, help="step number at which to stop")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--noise-draws", action="store_true", help="energy score over two noise draws")
    parser.add_argument("--shards", type=int, default=10_000, help="train on the first so many shards")
    parser.add_argument("--taught-w", action="store_true", help="synthesis alone, before the mapping lesson")
    parser.add_argument("--mapping-steps", type=int, default=0, help="first teach the mapping that long")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    phase = GeneratorTraining(
        args.resolution,
        args.steps,
        batch=args.batch,
        learning_rate=args.learning_rate,
        taught_w=args.taught_w,
        noise_draws=args.noise_draws,
    )

    def log(entry: dict[str, float]) -> None:
        line = json.dumps({key: round(value, 5) for key, value in entry.items()})
        with (args.out / "log.jsonl").open("a") as file:
            file.write(line + "\n")

    log_config = {"phase": asdict(phase), "config": asdict(DEMO_CONFIG)}
    (args.out / f"phase-{args.resolution}-{args.steps}.json").write_text(json.dumps(log_config, indent=1))
    held_out = load_pairs(args.faces, range(1))
    pairs = load_pairs(args.faces, range(1, args.shards))
    saved = args.out / "state.pt"
    state = load_state(saved, DEMO_CONFIG, phase) if saved.exists() else new_state(DEMO_CONFIG, phase)
    if args.mapping_steps:
        _mapping_lesson(state, args.mapping_steps, log)
        checkpoint(state, held_out, phase, args.out, log)
    if phase.noise_draws:
        for generator in (state.generator, state.average):
            leave_noise_to_fine_layers(generator)
    features = load_perceptual("efficientnet-lite0", "cpu").features
    train(state, pairs, held_out, phase, features, args.out, log)


if __name__ == "__main__":
    main()

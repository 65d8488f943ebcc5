"""Training the encoder that guesses w: on a generator's own pictures, whose w is known, and on renders.

A generator that was trained in pairs (models.training.pairs) draws the face that a z was rendered to, so
the w of a render is nearly that of its z. Both kinds are roughened as for the attribute estimator, since
what is read in the end are photos. Resumable at any step to the same weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.projection.encoder import Encoder, EncoderConfig, save_encoder
from models.stylegan2.generator import Generator, to_uint8
from models.training.attributes import roughen
from models.training.course import Course, run_course
from models.training.pairs import Pairs, picture_tensor
from models.training.randomness import step_randomness
from models.training.shard_pictures import Pictures
from models.training.watch import Watch

ENCODER_FILE = "encoder.safetensors"
_OWN_SEED = 1_000_003  # no seed of a rendered shard
_STATISTICS = 4096


@dataclass(frozen=True)
class EncoderTraining:
    """steps of AdamW with a one-cycle learning rate; rendered is the share of renders, where there are any.

    picture_weight: of the mean square difference between the pictures that guess and truth give, at the
    generator's level of picture_side or the next one it has a picture at.
    """

    steps: int = 6000
    batch: int = 32
    learning_rate: float = 2e-3
    rendered: float = 0.5
    picture_weight: float = 1.0
    picture_side: int = 32
    resolution: int = 64
    widths: tuple[int, ...] = (24, 48, 96, 160, 192)
    seed: int = 0


@dataclass(frozen=True)
class PicturesOfW:
    """Pictures [N, R, R, 3] with their w [N, w_dim]."""

    pictures: Pictures
    w: Tensor


@torch.no_grad()
def own_pictures(
    generator: Generator, count: int, side: int, seed: int, report: Callable[[int], None] = lambda _: None
) -> PicturesOfW:
    """Pictures of random z with random noise, averaged down to side. Drawn once and not at every step."""
    z = np.random.RandomState(_OWN_SEED + seed).randn(count, generator.z_dim)
    device = generator.w_avg.device
    pictures, rows = [], []
    with step_randomness(seed, 1, 0, device):
        for part in torch.from_numpy(z).float().split(32):
            ws = generator.mapping(part.to(device))
            drawn = F.interpolate(generator.synthesis(ws, "random"), size=(side, side), mode="area")
            pictures.append(to_uint8(drawn).cpu().numpy())
            rows.append(ws[:, 0].cpu())
            report(32 * (len(rows) - 1) + len(part))
    return PicturesOfW(np.concatenate(pictures), torch.cat(rows))


@torch.no_grad()
def rendered_pictures_of_w(generator: Generator, pairs: Pairs) -> PicturesOfW:
    """Renders with the w of their z."""
    device = generator.w_avg.device
    rows = [generator.mapping(z.to(device))[:, 0].cpu() for z in torch.from_numpy(pairs.z).split(1024)]
    return PicturesOfW(pairs.pictures, torch.cat(rows))


def untrained_encoder(generator: Generator, training: EncoderTraining) -> Encoder:
    """An encoder with the mean and the deviation of this generator's w."""
    config = EncoderConfig(training.resolution, training.widths, generator.w_dim, generator.num_ws)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        encoder = Encoder(config)
    z = torch.from_numpy(np.random.RandomState(training.seed).randn(_STATISTICS, generator.z_dim)).float()
    with torch.no_grad():
        w = generator.mapping(z.to(generator.w_avg.device))[:, 0].cpu()
    encoder.mean.copy_(w.mean(dim=0))
    encoder.deviation.copy_(w.std(dim=0).clamp(min=1e-6))
    return encoder.to(memory_format=torch.channels_last)


def train_encoder(
    generator: Generator,
    own: PicturesOfW,
    renders: PicturesOfW | None,
    training: EncoderTraining,
    folder: Path,
    watch: Watch,
) -> Encoder | None:
    """Start the run of the folder or go on with it, on the generator's device; None where watch stopped it.

    Writes encoder.pt, log.jsonl and at the end encoder.safetensors. Raises ValueError where the folder's run
    had other settings.
    """
    encoder = untrained_encoder(generator, training).to(generator.w_avg.device)
    counts = {"own": len(own.w), "renders": 0 if renders is None else len(renders.w)}
    settings = json.dumps({**asdict(training), **counts})
    course = Course(
        "encoder", len(own.w), training.steps, training.batch, training.learning_rate, training.seed, settings
    )

    def loss_of(index: NDArray[np.int64], step: int) -> tuple[Tensor, Mapping[str, float]]:
        x, w = _examples(own, renders, index, training, step)
        return _loss(encoder, generator, x, w, training)

    if not run_course(encoder, course, loss_of, folder, watch):
        return None
    save_encoder(encoder, folder / ENCODER_FILE)
    return encoder.eval().requires_grad_(False)


def _examples(
    own: PicturesOfW,
    renders: PicturesOfW | None,
    index: NDArray[np.int64],
    training: EncoderTraining,
    step: int,
) -> tuple[Tensor, Tensor]:
    """Roughened pictures [N, 3, resolution, resolution] of -1..1 with their w [N, w_dim]."""
    with step_randomness(training.seed, 0, step, torch.device("cpu")) as random:
        x, w = picture_tensor(own.pictures[index], training.resolution), own.w[index].clone()
        if renders is not None:
            share = round(training.batch * training.rendered)
            chosen = random.randint(len(renders.w), size=share)
            x[:share] = picture_tensor(renders.pictures[chosen], training.resolution)
            w[:share] = renders.w[chosen]
        return roughen(x, torch.Generator().manual_seed(int(random.randint(2**31)))), w


def _loss(
    encoder: Encoder, generator: Generator, x: Tensor, w: Tensor, training: EncoderTraining
) -> tuple[Tensor, Mapping[str, float]]:
    x, w = x.to(encoder.mean.device), w.to(encoder.mean.device)
    guess = encoder.standardized(x)
    in_w = F.smooth_l1_loss(guess, (w - encoder.mean) / encoder.deviation)
    if not training.picture_weight:
        return in_w, {"w": in_w.item()}
    in_picture = _picture_error(generator, encoder.mean + encoder.deviation * guess, w, training)
    loss = in_w + training.picture_weight * in_picture
    return loss, {"w": in_w.item(), "picture": in_picture.item()}


def _picture_error(generator: Generator, guess: Tensor, truth: Tensor, training: EncoderTraining) -> Tensor:
    levels = generator.config.rgb_resolutions
    level = next((side for side in levels if side >= training.picture_side), levels[-1])

    def drawn(w: Tensor) -> Tensor:
        picture: Tensor = generator.synthesis(
            w[:, None].repeat(1, generator.num_ws, 1), "none", resolution=level
        )
        return picture

    with torch.no_grad():
        wanted = drawn(truth)
    return F.mse_loss(drawn(guess), wanted)


@torch.no_grad()
def guess_errors(encoder: Encoder, generator: Generator, unseen: PicturesOfW) -> dict[str, float]:
    """How far guesses lie from the truth on pictures that training has not seen: mean |difference| of w in
    units of w's own spread, for the encoder and, for comparison, for the mean face as the guess.
    """
    x = picture_tensor(unseen.pictures[:], encoder.config.resolution).to(encoder.mean.device)
    guesses = torch.cat([encoder(part)[:, 0] for part in x.split(64)])
    w = unseen.w.to(guesses.device)
    spread = encoder.deviation.square().sum().sqrt()
    return {
        "encoder": float((guesses - w).norm(dim=1).mean() / spread),
        "mean_face": float((generator.w_avg - w).norm(dim=1).mean() / spread),
    }

"""Training the attribute estimator on rendered faces, and on the generator's pictures of the same z.

All are roughened (exposure, tint, blur, noise, small shifts) and half of them mirrored, since what it must
read in the end are projections of real photos. Resumable at any step to the same weights.
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

from models.attributes.estimator import AttributeEstimator, EstimatorConfig, save_estimator
from models.styleflow.attributes import ATTRIBUTE_INDEX, ATTRIBUTES
from models.stylegan2.generator import Generator, to_uint8
from models.training.course import Course, run_course
from models.training.pairs import Pairs, picture_tensor
from models.training.randomness import step_randomness
from models.training.shard_pictures import Pictures
from models.training.watch import Watch

ESTIMATOR_FILE = "attributes.safetensors"
_BOUNDED = ("gender", "glasses", "baldness", "beard", "expression")
# What changes its sign in a mirror: yaw, and the harmonics with an odd power of x (x, xy, xz).
_MIRRORED = tuple(ATTRIBUTE_INDEX[name] for name in ("yaw", "light_3", "light_4", "light_7"))


@dataclass(frozen=True)
class EstimatorTraining:
    """steps of AdamW with a one-cycle learning rate; generated is the share of generated pictures."""

    steps: int = 6000
    batch: int = 64
    learning_rate: float = 2e-3
    generated: float = 0.4
    resolution: int = 64
    widths: tuple[int, ...] = (24, 48, 96, 160, 192)
    seed: int = 0


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures [N, R, R, 3] with attributes [N, 17] in raw units."""

    pictures: Pictures
    attributes: NDArray[np.float32]


def estimator_for(truth: NDArray[np.float32], training: EstimatorTraining) -> AttributeEstimator:
    """Untrained estimator with the scale of the attributes truth [N, 17]."""
    names = [attribute.name for attribute in ATTRIBUTES]
    lowest = [0.0 if n in _BOUNDED else float(truth[:, i].min()) for i, n in enumerate(names)]
    highest = [1.0 if n in _BOUNDED else float(truth[:, i].max()) for i, n in enumerate(names)]
    config = EstimatorConfig(
        training.resolution,
        training.widths,
        tuple(truth.mean(axis=0).tolist()),
        tuple(truth.std(axis=0).tolist()),
        tuple(lowest),
        tuple(highest),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        estimator = AttributeEstimator(config)
    return estimator.to(memory_format=torch.channels_last)


def roughen(x: Tensor, random: torch.Generator) -> Tensor:
    """Pictures [N, 3, R, R] in -1..1 with random contrast, tint, shift, blur and noise."""
    n, side = x.shape[0], x.shape[-1]

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random).to(x.device)

    theta = torch.eye(2, 3, device=x.device).repeat(n, 1, 1)
    theta[:, :, 2] = 0.02 * normal(n, 2)
    theta[:, [0, 1], [0, 1]] *= 1 + 0.02 * normal(n, 1)
    grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    soft = F.interpolate(F.avg_pool2d(x, 2), size=(side, side), mode="bilinear")
    share = torch.rand((n, 1, 1, 1), generator=random).to(x.device) * 0.9
    x = x.lerp(soft, share)
    x = x * (1 + 0.06 * normal(n, 1, 1, 1)) + 0.03 * normal(n, 3, 1, 1)
    return x + 0.03 * normal(*x.shape) * torch.rand((n, 1, 1, 1), generator=random).to(x.device)


def mirrored(x: Tensor, truth: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures [N, 3, R, R] and attributes [N, 17] of the faces in a mirror, where chosen [N] says so."""
    signs = torch.ones(truth.shape[1], device=truth.device)
    signs[list(_MIRRORED)] = -1
    return (
        torch.where(chosen[:, None, None, None], x.flip(3), x),
        torch.where(chosen[:, None], truth * signs, truth),
    )


@torch.no_grad()
def generated_faces(
    generator: Generator, pairs: Pairs, count: int, report: Callable[[int], None] = lambda _: None
) -> LabelledPictures:
    """The generator's pictures of the first `count` z of pairs, which mean what the renders mean.

    Drawn once and not at every step: drawing a picture costs several times what reading it does.
    """
    parts = []
    for z in torch.from_numpy(pairs.z[:count]).split(32):
        parts.append(to_uint8(generator(z.to(generator.w_avg.device))).cpu().numpy())
        report(32 * (len(parts) - 1) + len(z))
    return LabelledPictures(np.concatenate(parts), pairs.attributes[:count])


def train_estimator(
    renders: LabelledPictures | Pairs,
    generated: LabelledPictures | None,
    training: EstimatorTraining,
    folder: Path,
    watch: Watch,
    device: str | torch.device = "cpu",
) -> AttributeEstimator | None:
    """Start the run of the folder or go on with it; None where watch stopped it.

    Writes attributes.pt, log.jsonl and at the end attributes.safetensors. Raises ValueError where the
    folder's run had other settings.
    """
    estimator = estimator_for(renders.attributes, training).to(device)
    count = len(renders.attributes)
    settings = json.dumps({**asdict(training), "renders": count, "own": generated is not None})
    course = Course(
        "attributes", count, training.steps, training.batch, training.learning_rate, training.seed, settings
    )

    def loss_of(index: NDArray[np.int64], step: int) -> tuple[Tensor, Mapping[str, float]]:
        x, truth = _examples(renders, generated, index, training, step, estimator.mean.device)
        wanted = (truth - estimator.mean) / estimator.deviation
        loss = F.smooth_l1_loss(estimator.standardized(x), wanted)
        return loss, {"loss": loss.item()}

    if not run_course(estimator, course, loss_of, folder, watch):
        return None
    save_estimator(estimator, folder / ESTIMATOR_FILE)
    return estimator.eval().requires_grad_(False)


def _examples(
    renders: LabelledPictures | Pairs,
    generated: LabelledPictures | None,
    index: NDArray[np.int64],
    training: EstimatorTraining,
    step: int,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Roughened pictures [N, 3, resolution, resolution] of -1..1, half of them mirrored, and their truth."""
    with step_randomness(training.seed, 0, step, device) as random:
        x = picture_tensor(renders.pictures[index], training.resolution)
        truth = torch.from_numpy(renders.attributes[index])
        if generated is not None:
            share = round(training.batch * training.generated)
            own = random.randint(len(generated.attributes), size=share)
            x[:share] = picture_tensor(generated.pictures[own], training.resolution)
            truth[:share] = torch.from_numpy(generated.attributes[own])
        x, truth = mirrored(x, truth, torch.rand(len(x)) < 0.5)
        draws = torch.Generator().manual_seed(int(random.randint(2**31)))
        return roughen(x.to(device), draws), truth.to(device)

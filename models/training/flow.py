"""Training the conditional flow on pairs (w, attributes); resumable to the same result."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.faces.factors import Z_DIM, face_factors
from models.faces.light import attribute_vectors
from models.styleflow.flow import ConditionalFlow, load_flow, save_flow
from models.stylegan2.generator import Generator
from models.training.flow_trainer import FlowData, FlowTrainer, FlowTraining
from models.training.journal import Journal
from models.training.watch import Watch

STATE_FILE = "flow.pt"
FLOW_FILE = "flow.safetensors"
MEASURED_EVERY = 100  # steps: the likelihood of held-out rows


@torch.no_grad()
def latent_pairs(generator: Generator, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """w [count, w_dim] without truncation and attributes [count, 17] in raw units, of z of rendered faces."""
    z = np.random.RandomState(seed).randn(count, Z_DIM).astype(np.float32)
    device = generator.w_avg.device
    w = torch.cat(
        [generator.mapping(part.to(device))[:, 0].cpu() for part in torch.from_numpy(z).split(1024)]
    )
    return w, torch.from_numpy(attribute_vectors(face_factors(z)).astype(np.float32))


def train_flow(
    w: Tensor, attributes: Tensor, settings: FlowTraining, folder: Path, watch: Watch, device: str = "cpu"
) -> ConditionalFlow | None:
    """Train on rows w [N, D] and attributes [N, 17] in raw units, or go on with the run in the folder; None
    where watch stopped it.

    Writes flow.pt (to resume), log.jsonl and at the end flow.safetensors in float16; returns the flow as
    that file holds it. Raises ValueError and FloatingPointError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainer = FlowTrainer(FlowData.split(w, attributes, settings.held_out), settings, device)
    state_file = folder / STATE_FILE
    if state_file.exists():
        trainer.restore(state_file)
    last_save = last_log = time.monotonic()
    losses: list[float] = []
    with Journal(folder) as journal:
        while trainer.step < settings.steps:
            if watch.should_stop():
                trainer.save(state_file)
                return None
            losses.append(trainer.train_step())
            now, done = time.monotonic(), trainer.step == settings.steps
            if now - last_log >= watch.log_every or done:
                figures = {
                    "train_nll": float(np.mean(losses)),
                    "steps_per_s": len(losses) / max(now - last_log, 1e-9),
                }
                journal.write(trainer.step, figures)
                watch.report("flow", trainer.step, settings.steps, figures)
                losses, last_log = [], now
            if trainer.step % MEASURED_EVERY == 0 or done:
                journal.write(trainer.step, {"held_out_nll": trainer.held_out_nll()})
            if now - last_save >= watch.save_every or done:
                trainer.save(state_file)
                last_save = now
    result = folder / FLOW_FILE
    save_flow(trainer.averaged_flow(), result, torch.float16)
    return load_flow(result, device)

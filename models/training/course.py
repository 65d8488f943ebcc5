"""The course of a network that learns to read pictures: AdamW over one cycle of the learning rate.

Stopped and started again, it ends at the same weights, since a step's batch depends on seed and step alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW

from models.training.journal import Journal
from models.training.optimizers import one_cycle
from models.training.pairs import batches
from models.training.run_state import read_run_state, write_run_state
from models.training.watch import Watch

Loss = Callable[[NDArray[np.int64], int], tuple[Tensor, Mapping[str, float]]]
"""Numbers of the examples of a batch, and of the step -> the loss, and figures to log."""

_WEIGHT_DECAY = 1e-3
_WARM = 0.3  # part of the steps in which the learning rate rises


@dataclass(frozen=True)
class Course:
    """examples: how many there are. settings: what a run must share that is gone on with."""

    name: str
    examples: int
    steps: int
    batch: int
    learning_rate: float
    seed: int
    settings: str


def run_course(network: nn.Module, course: Course, loss_of: Loss, folder: Path, watch: Watch) -> bool:
    """Start the course in the folder or go on with it; False where watch stopped it.

    Writes <name>.pt and log.jsonl. Raises ValueError where the folder's run had other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state_file, kind = folder / f"{course.name}.pt", f"latentloom-{course.name}-training-2"
    optimizer = AdamW(network.parameters(), lr=course.learning_rate, weight_decay=_WEIGHT_DECAY)
    step = 0
    if state_file.exists():
        saved = read_run_state(state_file, kind, course.settings)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]

    def save() -> None:
        state = {"step": step, "network": network.state_dict(), "optimizer": optimizer.state_dict()}
        write_run_state(state_file, kind, course.settings, state)

    network.train()
    last_save = last_log = time.monotonic()
    recent: list[Mapping[str, float]] = []
    with Journal(folder) as journal:
        for index in batches(course.examples, course.batch, course.seed, step):
            if step == course.steps:
                break
            if watch.should_stop():
                save()
                return False
            for group in optimizer.param_groups:
                group["lr"] = course.learning_rate * one_cycle(step, course.steps, warm=_WARM)
            loss, figures = loss_of(index, step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            recent.append(figures)
            step += 1
            now = time.monotonic()
            if now - last_log >= watch.log_every or step == course.steps:
                means = {name: float(np.mean([figures[name] for figures in recent])) for name in recent[0]}
                means["pictures_per_s"] = len(recent) * course.batch / max(now - last_log, 1e-9)
                journal.write(step, means)
                watch.report(course.name, step, course.steps, means)
                recent, last_log = [], now
            if now - last_save >= watch.save_every:
                save()
                last_save = now
    save()
    return True

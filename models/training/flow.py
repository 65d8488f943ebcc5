"""Training the conditional flow on pairs (w, attributes), from Python or the command line; resumable."""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.styleflow.flow import ConditionalFlow, load_flow, save_flow
from models.training.flow_evaluation import evaluate_flow
from models.training.flow_trainer import FlowData, FlowTrainer, FlowTraining

logger = logging.getLogger(__name__)


def train_flow(
    w: Tensor,
    attributes: Tensor,
    settings: FlowTraining,
    folder: Path,
    *,
    device: str = "cpu",
    log_every: int = 20,
    save_every: int = 100,
) -> ConditionalFlow:
    """Train on rows w [N, D] and attributes [N, 17] in raw units, or go on with the run in the folder.

    Writes training.pt (to resume), log.jsonl and at the end flow.safetensors in float16;
    returns the flow as that file holds it. Raises ValueError and FloatingPointError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainer = FlowTrainer(FlowData.split(w, attributes, settings.held_out), settings, device)
    state_file = folder / "training.pt"
    if state_file.exists():
        trainer.restore(state_file)
        logger.info("resumed at step %d", trainer.step)
    began, first, losses = time.perf_counter(), trainer.step, list[float]()
    while trainer.step < settings.steps:
        losses.append(trainer.train_step())
        done = trainer.step == settings.steps
        if trainer.step % log_every == 0 or done:
            speed = (trainer.step - first) / (time.perf_counter() - began)
            line = {"step": trainer.step, "train_nll": sum(losses) / len(losses), "steps_per_s": speed}
            if trainer.step % save_every == 0 or done:
                line["held_out_nll"] = trainer.held_out_nll()
            _log(folder, line)
            losses.clear()
        if trainer.step % save_every == 0 or done:
            trainer.save(state_file)
    result = folder / "flow.safetensors"
    save_flow(trainer.averaged_flow(), result, torch.float16)
    return load_flow(result, device)


def _log(folder: Path, line: Mapping[str, float]) -> None:
    logger.info("  ".join(f"{name} {value:.6g}" for name, value in line.items()))
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _parser() -> argparse.ArgumentParser:
    defaults = FlowTraining()
    parser = argparse.ArgumentParser(
        prog="python -m models.training.flow",
        description="Train the conditional flow that edits attributes; the same folder resumes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, help=".npz with w [N,512] and attributes [N,17] in raw units"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for flow.safetensors and the run's state"
    )
    parser.add_argument("--steps", type=int, default=defaults.steps, help="optimiser steps in all")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="rows a step")
    parser.add_argument(
        "--hidden", type=int, nargs="+", default=defaults.hidden, help="widths of the hidden layers"
    )
    parser.add_argument(
        "--learning-rate", type=float, default=defaults.learning_rate, help="Adam's, after warm-up"
    )
    parser.add_argument(
        "--solver-steps", type=int, default=defaults.solver_steps, help="rk4 steps in training"
    )
    parser.add_argument(
        "--latent-noise", type=float, default=defaults.latent_noise, help="share of the deviation of w"
    )
    parser.add_argument(
        "--attribute-noise",
        type=float,
        default=defaults.attribute_noise,
        help="share of each one's deviation",
    )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="of weights, batches and noise")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--log-every", type=int, default=20, help="steps")
    parser.add_argument(
        "--save-every", type=int, default=100, help="steps; the held-out rows are measured then too"
    )
    return parser


def main() -> None:
    """Train from the command line, then measure the result into evaluation.json."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with np.load(options.data, allow_pickle=False) as arrays:
        w, attributes = torch.from_numpy(arrays["w"]), torch.from_numpy(arrays["attributes"])
    settings = FlowTraining(
        steps=options.steps,
        batch=options.batch,
        hidden=tuple(options.hidden),
        learning_rate=options.learning_rate,
        solver_steps=options.solver_steps,
        latent_noise=options.latent_noise,
        attribute_noise=options.attribute_noise,
        seed=options.seed,
    )
    flow = train_flow(
        w,
        attributes,
        settings,
        options.out,
        device=options.device,
        log_every=options.log_every,
        save_every=options.save_every,
    )
    data = FlowData.split(w, attributes, settings.held_out)
    report = evaluate_flow(flow, data.w, data.attributes, data.held_out_w, data.held_out_attributes)
    (options.out / "evaluation.json").write_text(json.dumps(asdict(report), indent=1))
    logger.info("%s", report)


if __name__ == "__main__":
    main()

"""Projection measured: how fast it is beside the published procedure, and how good each rung is.

    python -m benchmarks.projection speed --count 1
    python -m benchmarks.projection speed --count 1 --model config-f-256
    python -m benchmarks.projection found-again
    python -m benchmarks.projection rungs --faces FOLDER --edits --plot rungs.svg

speed: the published procedure written plainly (benchmarks.published_projector), the same procedure as
models.projection does it, and its fast schedule, on the same targets in the same run; time until the distance
that the plain run ends at, and that of the plain run until the distance that the other one ends at. Take a
quiet machine. found-again: W on the model's own pictures. rungs: renders that training has not seen, on every
rung. Distances are those of the offline perceptual distance.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.distribution_plot import distribution_plot
from benchmarks.projection_quality import RungResult, quality, table
from benchmarks.projection_speed import WAYS, speed
from benchmarks.projection_targets import (
    generated_targets,
    random_pair_distance,
    rendered_targets,
    untrained_config_f,
)
from benchmarks.terminal import print_json, say
from models.bundle import load_bundle
from models.projection.encoder import Encoder
from models.projection.ladder import SPACES, STEPS, ladder
from models.stylegan2.generator import Generator

DEMO = Path(__file__).resolve().parents[1] / "checkpoints" / "demo"


def main() -> None:
    """Command line: python -m benchmarks.projection --help."""
    args = _arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.what == "speed":
        generator, encoder = _networks(args.model)
        targets = _targets(args, generator)
        runs = speed(generator, targets, encoder, args.ways, args.steps, args.fast_steps, args.low_level)
        print_json([asdict(run) for run in runs])
        return
    bundle = load_bundle(args.model)
    steps = args.fast_steps if args.schedule == "fast" else args.steps
    spaces = SPACES[1:2] if args.what == "found-again" else SPACES[1:]
    plans = [ladder(s, schedule=args.schedule, steps=steps, faithfulness=args.faithful) for s in spaces]
    results = quality(bundle, _targets(args, bundle.generator), plans, args.edits)
    say(table(results))
    if args.what == "found-again":
        say(f"two random samples: {random_pair_distance(bundle.generator):.3f}")
    if args.plot:
        args.plot.write_text(_plot(results), encoding="utf-8")
    print_json([asdict(result) for result in results])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speed", "found-again", "rungs"])
    parser.add_argument(
        "--model", default=str(DEMO), help="a bundle folder; for speed config-f-256 and so on"
    )
    parser.add_argument("--count", type=int, default=64, help="targets")
    parser.add_argument("--steps", type=int, default=1000, help="of the published procedure")
    parser.add_argument("--fast-steps", type=int, default=STEPS["fast"])
    parser.add_argument(
        "--ways", nargs="*", choices=WAYS, default=WAYS[:2], help="of speed, beside the plain one"
    )
    parser.add_argument("--low-level", type=int, help="the generator's level that the way lower begins on")
    parser.add_argument("--schedule", choices=["published", "fast"], default="published", help="of the rungs")
    parser.add_argument("--faithful", type=float, default=0.5)
    parser.add_argument("--faces", type=Path, help="rendered shards: renders are the targets, not samples")
    parser.add_argument("--shard", type=int, default=0, help="number of a shard held out of training")
    parser.add_argument("--edits", action="store_true", help="measure edits after every rung")
    parser.add_argument("--plot", type=Path, help="SVG of the distributions to write")
    parser.add_argument("--threads", type=int, default=0, help="0: as PyTorch chooses")
    args = parser.parse_args()
    if args.what == "rungs" and args.faces is None:
        parser.error("rungs needs --faces")
    if "lower" in args.ways and args.low_level is None:
        parser.error("the way lower needs --low-level")
    return args


def _targets(args: argparse.Namespace, generator: Generator) -> dict[str, torch.Tensor]:
    if args.faces is None:
        return generated_targets(generator, args.count)
    return rendered_targets(args.faces, args.shard, args.count, generator.img_resolution)


def _networks(model: str) -> tuple[Generator, Encoder | None]:
    if model.startswith("config-f-"):
        return untrained_config_f(int(model.removeprefix("config-f-"))), None
    bundle = load_bundle(model)
    return bundle.generator, bundle.encoder


def _plot(results: list[RungResult]) -> str:
    groups: dict[str, list[float]] = {}
    for result in results:
        groups.setdefault(result.rung, []).append(result.distance)
    return distribution_plot(groups, "perceptual distance to the photo (efficientnet-lite0)")


if __name__ == "__main__":
    main()

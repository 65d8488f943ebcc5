"""Projection measured: how fast it is beside the published procedure, and how good each rung is.

    python -m benchmarks.projection speed --count 1
    python -m benchmarks.projection speed --count 1 --model config-f-256
    python -m benchmarks.projection found-again
    python -m benchmarks.projection rungs --faces FOLDER --edits --plot rungs.svg

speed: the published procedure written plainly (benchmarks.published_projector), the same procedure as
models.projection does it, and its fast schedule, on the same targets in the same run; time until the distance
that the plain run ends at. Take a quiet machine. found-again: W on the model's own pictures. rungs: renders
that training has not seen, on every rung. Distances are those of the offline perceptual distance.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.distribution_plot import distribution_plot
from benchmarks.projection_quality import (
    generated_targets,
    quality,
    random_pair_distance,
    rendered_targets,
    table,
)
from benchmarks.projection_speed import speed, untrained_config_f
from benchmarks.terminal import print_json, say
from models.bundle import load_bundle
from models.projection.ladder import STEPS, Space, ladder
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator

DEMO = Path(__file__).resolve().parents[1] / "checkpoints" / "demo"


def main() -> None:
    """Command line: python -m benchmarks.projection --help."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speed", "found-again", "rungs"])
    parser.add_argument("--model", default=str(DEMO), help="a bundle folder, or config-f-256 and so on")
    parser.add_argument("--count", type=int, default=64, help="targets")
    parser.add_argument("--steps", type=int, default=1000, help="of the published procedure")
    parser.add_argument("--fast-steps", type=int, default=STEPS["fast"])
    parser.add_argument("--schedule", choices=["published", "fast"], default="published")
    parser.add_argument("--faithful", type=float, default=0.5)
    parser.add_argument("--faces", type=Path, help="folder of rendered shards")
    parser.add_argument("--shard", type=int, default=0, help="number of a shard held out of training")
    parser.add_argument("--edits", action="store_true", help="measure edits after every rung")
    parser.add_argument("--plot", type=Path, help="SVG of the distributions to write")
    parser.add_argument("--threads", type=int, default=0, help="0: as PyTorch chooses")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.what == "speed":
        print_json(speed(_generator(args.model), args.count, args.steps, args.fast_steps))
        return
    bundle = load_bundle(args.model)
    space: Space = "w" if args.what == "found-again" else "pti"
    steps = args.fast_steps if args.schedule == "fast" else args.steps
    plan = ladder(space, schedule=args.schedule, steps=steps, faithfulness=args.faithful)
    if args.what == "found-again":
        targets = generated_targets(bundle.generator, args.count)
    else:
        if args.faces is None:
            parser.error("rungs needs --faces")
        targets = rendered_targets(args.faces, args.shard, args.count, bundle.generator.img_resolution)
    results = quality(bundle, targets, plan, args.edits)
    say(table(results))
    if args.what == "found-again":
        say(f"two random samples: {random_pair_distance(bundle.generator):.3f}")
    if args.plot:
        args.plot.write_text(
            distribution_plot(
                {
                    rung: [r.distance for r in results if r.rung == rung]
                    for rung in ("start", "w", "w+", "pti")
                },
                "perceptual distance to the photo (efficientnet-lite0)",
            ),
            encoding="utf-8",
        )
    print_json([asdict(result) for result in results])


def _generator(model: str) -> Generator:
    if model.startswith("config-f-"):
        return untrained_config_f(int(model.removeprefix("config-f-")))
    return load_generator(model)


if __name__ == "__main__":
    main()

"""A move of an attribute slider, measured: our way beside the published one, and up to the picture.

    python -m benchmarks.flow
    python -m benchmarks.flow --threads 1 --repeats 10

The published way (StyleFlow's program) decodes all 18 rows of ws to the new attributes and encodes them
again, adaptively (dopri5 at 1e-5) and with the trace that only densities need. It is run here with this
repository's layers, which write the vector-Jacobian product out and so are faster than StyleFlow's own. Our
way decodes the rows that differ, in a fixed number of steps, without the trace. Both are timed in turn, and
medians given: for a drawn face, whose 18 rows are one, and for a latent of 18 different rows, on the demo
model's flow and on one of the official size. The second part is a whole move on the demo model, flow and
picture. Take a quiet machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from benchmarks.terminal import print_json, say
from models.bundle import Bundle, load_bundle
from models.editing.attribute_edit import EditStart, apply_edit, start_edit
from models.editing.layer_rules import layer_rules
from models.editing.population import draw_w
from models.styleflow.attributes import ATTRIBUTES
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.fixed_steps import fixed_step_flow
from models.styleflow.flow import ConditionalFlow, gaussian_probes
from models.stylegan2.generator import to_uint8

DEMO = Path(__file__).resolve().parents[1] / "checkpoints" / "demo"
PUBLISHED_ROWS = 18
OFFICIAL = FlowConfig(512, (512,) * 5)  # StyleFlow's; the values do not matter for the time


def main() -> None:
    """Command line: python -m benchmarks.flow --help."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=DEMO, help="a bundle with a flow")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=20, help="of everything; medians are given")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    bundle = load_bundle(args.model)
    if bundle.flow is None:
        parser.error("the bundle has no flow")
    with torch.no_grad():
        flows = {"demo": bundle.flow, "official size": official_flow()}
        results = {name: against_published(flow, args.repeats) for name, flow in flows.items()}
        print_json({"threads": args.threads, "flow": results, "move": whole_move(bundle, args.repeats)})


def official_flow() -> ConditionalFlow:
    """Untrained, of the official size."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ConditionalFlow(OFFICIAL).eval().requires_grad_(False)


def against_published(flow: ConditionalFlow, repeats: int) -> dict[str, float]:
    """Milliseconds a move in the published way and in ours, and how many times faster ours is."""
    random = torch.Generator().manual_seed(1)
    drawn = torch.randn(1, 1, flow.config.dim, generator=random).expand(-1, PUBLISHED_ROWS, -1)
    different = torch.randn(1, PUBLISHED_ROWS, flow.config.dim, generator=random)
    base = torch.tensor([[(a.minimum + a.maximum) / 2 for a in ATTRIBUTES]])
    targets = [base + 0.1 * (i + 1) * torch.eye(len(ATTRIBUTES))[16] for i in range(4)]
    one, many = (start_edit(flow, ws.contiguous(), base) for ws in (drawn, different))
    move = cycle(targets)
    times = _interleaved(
        {
            "published": lambda: published_move(flow, different, next(move)),
            "ours_drawn_face": lambda: apply_edit(flow, one, next(move)),
            "ours_different_rows": lambda: apply_edit(flow, many, next(move)),
        },
        repeats,
    )
    return {
        "steps": fixed_step_flow(flow).steps,
        **{f"{name}_ms": milliseconds for name, milliseconds in times.items()},
        "ratio_drawn_face": times["published"] / times["ours_drawn_face"],
        "ratio_different_rows": times["published"] / times["ours_different_rows"],
    }


def published_move(flow: ConditionalFlow, z: Tensor, target: Tensor) -> Tensor:
    """One event of StyleFlow's slider from z [1, 18, D]: decode to the target, encode the result at it."""
    ws, _ = flow.reverse_with_log_density(z, target, gaussian_probes(z))
    again, _ = flow.forward_with_log_density(ws, target, gaussian_probes(ws))
    return again


def whole_move(bundle: Bundle, repeats: int) -> dict[str, object]:
    """A slider of the demo model: flow alone, picture alone, and moves a second at each preview size."""
    flow, generator = bundle.flow, bundle.generator
    assert flow is not None
    rules = layer_rules(generator.num_ws, bundle.manifest.layers)
    base = torch.tensor([[(a.minimum + a.maximum) / 2 for a in ATTRIBUTES]])
    start: EditStart = start_edit(flow, draw_w(generator, 1)[:, None].repeat(1, generator.num_ws, 1), base)
    move = cycle([base + (i + 1) * torch.eye(len(ATTRIBUTES))[15] for i in range(4)])
    sizes = generator.config.rgb_resolutions[-2:]

    def edited() -> Tensor:
        return apply_edit(flow, start, next(move), rules)

    def picture(size: int) -> Tensor:
        return to_uint8(generator.synthesis(edited(), resolution=size))

    jobs: dict[str, Callable[[], object]] = {"flow": edited}
    for size in sizes:
        jobs[f"picture_{size}"] = partial(generator.synthesis, start.ws, resolution=size)
        jobs[f"move_{size}"] = partial(picture, size)
    times = _interleaved(jobs, repeats)
    return {
        "milliseconds": times,
        "moves_a_second": {str(size): 1000 / times[f"move_{size}"] for size in sizes},
    }


def _interleaved(jobs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median milliseconds of each, taken in turn after one run that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for round_ in range(repeats + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            if round_:
                times[name].append(1000 * (time.perf_counter() - began))
        if round_ == repeats:
            say(", ".join(f"{name} {median(values):.2f} ms" for name, values in times.items()))
    return {name: median(values) for name, values in times.items()}


if __name__ == "__main__":
    main()

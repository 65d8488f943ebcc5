"""Synthesis measured beside the way the published PyTorch code computes it, in the same run.

    python benchmarks/synthesis.py
    python benchmarks/synthesis.py --quick
    python benchmarks/synthesis.py --json

Pictures of config-f at 1024, 512 and 256 (the latter with all channels, and with half of them as in NVIDIA's
models) and of the demo model, one and four at a time; previews that stop early; what remembered activations
save when only higher layers change; peak memory in a child process. Weights are random: they do not matter
for the time. Baseline and ours take turns. Take a quiet machine: beside another job both become slower, but
not equally.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
if __package__ in (None, ""):  # started as a file: the packages beside this folder
    sys.path.insert(0, str(ROOT))

from benchmarks.published_synthesis import published_synthesis  # noqa: E402
from benchmarks.synthesis_measures import (  # noqa: E402
    ceiling,
    interleaved,
    operations,
    peak_memory,
    untrained,
)
from benchmarks.terminal import print_json, say  # noqa: E402
from models.stylegan2.checkpoint import load_generator  # noqa: E402
from models.stylegan2.generator import Generator  # noqa: E402
from models.stylegan2.native import entry  # noqa: E402
from models.stylegan2.native.memory import SynthesisMemory  # noqa: E402

# Resolution and channel base of each model.
SIZES = {
    "config-f-1024": (1024, 32768),
    "config-f-512": (512, 32768),
    "config-f-256": (256, 32768),
    "half-256": (256, 16384),
}
DEMO = "demo-128"
QUICK = ("config-f-1024", "half-256")
PARTS = ("pictures", "previews", "reuse", "memory")
PREVIEWS = (64, 128, 256)


@dataclass(frozen=True)
class PictureTimes:
    """Milliseconds for a batch. GFLOP/s: of the convolutions done one by one, whatever was really done."""

    model: str
    batch: int
    published_ms: float
    ours_ms: float
    ratio: float
    gflops: float
    of_ceiling: float
    cuda_published_ms: float | None
    cuda_ours_ms: float | None


@dataclass(frozen=True)
class PreviewTimes:
    """A picture that stops early, beside the published full one."""

    resolution: int
    ours_ms: float
    ratio_to_published_full: float


@dataclass(frozen=True)
class ReuseTimes:
    """A picture after one that differs in the rows of ws from `first_row` on."""

    first_row: int
    ours_ms: float
    saved: float


def main() -> None:
    """Command line: python benchmarks/synthesis.py --help."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two models, one picture at a time, no reuse")
    parser.add_argument("--part", action="append", choices=PARTS, help="may be repeated; all if left out")
    parser.add_argument("--model", action="append", choices=[*SIZES, DEMO], help="of the part pictures")
    parser.add_argument("--batch", action="append", type=int, help="likewise; 1 and 4 if left out")
    parser.add_argument("--json", action="store_true", help="figures as JSON instead of tables")
    parser.add_argument("--threads", type=int, default=0, help="0: as PyTorch chooses")
    parser.add_argument("--repeats", type=int, default=0, help="0: 7, or 3 with --quick; medians are given")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    parts = args.part or (("pictures", "previews", "memory") if args.quick else PARTS)
    models = args.model or (QUICK if args.quick else [*SIZES, DEMO])
    batches = args.batch or ((1,) if args.quick else (1, 4))
    with torch.no_grad():
        results = measure(parts, models, batches, args.repeats or (3 if args.quick else 7))
    if args.json:
        print_json(results)
    else:
        sys.stdout.write(tables(results))


def measure(
    parts: Sequence[str], models: Sequence[str], batches: Sequence[int], repeats: int
) -> dict[str, object]:
    """Those parts, as JSON values."""
    say("The ceiling of PyTorch's own convolutions ...")
    limit = ceiling(repeats)
    large = untrained(*SIZES["config-f-1024"])
    results: dict[str, object] = {
        "threads": torch.get_num_threads(),
        "method": asdict(entry.method(large.synthesis)),
        "ceiling_gflops": round(limit / 1e9, 1),
    }
    if "pictures" in parts:
        rows = [(name, batch) for name in models for batch in batches]
        results["pictures"] = [asdict(picture_times(*row, repeats, limit)) for row in rows]
    if "previews" in parts:
        results["previews"] = [asdict(times) for times in preview_times(large, repeats)]
    if "reuse" in parts:
        results["reuse"] = [asdict(times) for times in reuse_times(large, repeats)]
    if "memory" in parts:
        results["memory_mib"] = {which: memory_mib(which) for which in ("ours", "published")}
    return results


def picture_times(name: str, batch: int, repeats: int, limit: float) -> PictureTimes:
    """Baseline and ours in turn; on a GPU too where there is one."""
    say(f"{name}, {batch} at a time ...")
    is_demo = name == DEMO
    generator = load_generator(ROOT / "checkpoints" / "demo") if is_demo else untrained(*SIZES[name])
    ws = torch.randn(batch, generator.num_ws, generator.w_dim)
    published, ours = compared(generator, ws, repeats * 3 if is_demo else repeats)
    rate = operations(generator.synthesis, generator.img_resolution) * batch / ours
    on_gpu: list[float | None] = [None, None]
    if torch.cuda.is_available():
        on_gpu = [seconds * 1e3 for seconds in compared(generator.to("cuda"), ws.to("cuda"), repeats)]
    return PictureTimes(
        name, batch, published * 1e3, ours * 1e3, published / ours, rate / 1e9, rate / limit, *on_gpu
    )


def compared(generator: Generator, ws: Tensor, repeats: int) -> list[float]:
    """Seconds of the published way and of ours."""
    return interleaved([lambda: published_synthesis(generator, ws), lambda: generator.synthesis(ws)], repeats)


def preview_times(generator: Generator, repeats: int) -> list[PreviewTimes]:
    """Of the large model, stopped at each of PREVIEWS, in turn with the published full picture."""
    say("Previews ...")
    ws = torch.randn(1, generator.num_ws, generator.w_dim)

    def preview(resolution: int) -> Tensor:
        picture: Tensor = generator.synthesis(ws, resolution=resolution)
        return picture

    previews = [partial(preview, resolution) for resolution in PREVIEWS]
    full, *times = interleaved([lambda: published_synthesis(generator, ws), *previews], repeats)
    return [
        PreviewTimes(resolution, seconds * 1e3, full / seconds)
        for resolution, seconds in zip(PREVIEWS, times, strict=True)
    ]


def reuse_times(generator: Generator, repeats: int) -> list[ReuseTimes]:
    """For every row of ws: it and those above change, those below stay. All rows take turns, and before each
    picture an untimed one of the same base fills the memory."""
    say("Remembered activations ...")
    base = torch.randn(1, generator.num_ws, generator.w_dim)
    memory = SynthesisMemory()
    rows = range(generator.num_ws)
    times: list[list[float]] = [[] for _ in rows]
    for _ in range(repeats):
        for first in rows:
            changed = torch.cat([base[:, :first], torch.randn_like(base[:, first:])], dim=1)
            generator.synthesis(base, memory=memory)
            start = time.perf_counter()
            generator.synthesis(changed, memory=memory)
            times[first].append(time.perf_counter() - start)
    whole = median(times[0])
    return [ReuseTimes(first, median(times[first]) * 1e3, 1 - median(times[first]) / whole) for first in rows]


def memory_mib(which: str) -> float | None:
    """Peak beyond the weights at 1024, one picture at a time."""
    peak = peak_memory(which, *SIZES["config-f-1024"])
    return None if peak is None else round(peak / 2**20)


def tables(results: dict[str, object]) -> str:
    """The same for people, as Markdown."""
    method = results["method"]
    assert isinstance(method, dict)
    lines = [
        f"{results['threads']} threads; {method['name']} ({method['detail']}); "
        f"PyTorch's fastest 3x3 convolution: {results['ceiling_gflops']} GFLOP/s",
        "",
    ]
    for title in ("pictures", "previews", "reuse"):
        rows = results.get(title)
        if isinstance(rows, list):
            lines += [_table(rows), ""]
    if "memory_mib" in results:
        lines.append(f"Peak memory beyond the weights, config-f 1024, in MiB: {results['memory_mib']}")
    return "\n".join(lines) + "\n"


def _table(rows: list[dict[str, object]]) -> str:
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    head = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join(head + ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    main()

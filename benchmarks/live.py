"""From the slider to the decoded picture, over real sockets, beside a naive server in the same run.

    python benchmarks/live.py
    python benchmarks/live.py --quick
    python benchmarks/live.py --json

Clients drag a slider of the demo model at 60 edits a second for 20 seconds, each in a session of its own,
whether pictures come or not. The time of an edit runs from the moment at which it was meant to be sent
until a picture of it, or of a later one, is decoded; so an edit that is skipped counts too. Clients
compute on the same cores. Beside a projection the table also says how long its steps took meanwhile, as a
picture may have to wait for one. A last part drags the truncation of an untrained 1024x1024 model: how long
does its first preview take?
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[1]
if __package__ in (None, ""):  # started as a file: the packages beside this folder
    sys.path.insert(0, str(ROOT))

from benchmarks.live_clients import Drag, drag_together  # noqa: E402
from benchmarks.synthesis_measures import untrained  # noqa: E402
from benchmarks.terminal import print_json, say  # noqa: E402
from models.stylegan2.checkpoint import save_generator  # noqa: E402

START_S = 120
LARGE = (1024, 32768)  # resolution, channel base: config-f
FIRST_PREVIEWS = 10


@dataclass(frozen=True)
class LiveTimes:
    """unseen: part of the edits that neither a picture of them nor of a later one came in time for. step_ms:
    the mean of a projection's steps meanwhile, where the server says.
    """

    server: str
    sessions: int
    projection: bool
    p50_ms: float
    p95_ms: float
    pictures_per_s: float
    stale: int
    unseen: float
    step_ms: float | None


def main() -> None:
    """Command line: python benchmarks/live.py --help."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, action="append", help="may be repeated; 1, 4 and 16")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each drag")
    parser.add_argument("--quick", action="store_true", help="5 seconds, 1 and 4 sessions, no large model")
    parser.add_argument("--json", action="store_true", help="figures as JSON instead of tables")
    args = parser.parse_args()
    counts = args.sessions or ([1, 4] if args.quick else [1, 4, 16])
    rows = measure(counts, 5.0 if args.quick else args.seconds)
    first = None if args.quick else first_previews()
    if args.json:
        print_json({"live": [asdict(row) for row in rows], "first_preview_1024_ms": first})
    else:
        sys.stdout.write(table(rows, first))


def measure(counts: Sequence[int], seconds: float) -> list[LiveTimes]:
    """Both servers, alone and beside a projection."""
    rows = []
    for projection in (False, True):
        for sessions in counts:
            for name in ("naive", "latentloom"):
                beside = " beside a projection" if projection else ""
                say(f"{name}, {sessions} at a time{beside} ...")
                with running(name, ROOT / "checkpoints") as origin:
                    if projection:
                        _start_projection(name, origin)
                    before = _steps_so_far(origin)
                    drags = asyncio.run(drag_together(origin, sessions, seconds, "age"))
                    count, spent_s = (
                        now - then for now, then in zip(_steps_so_far(origin), before, strict=True)
                    )
                step_ms = spent_s / count * 1e3 if projection and count else None
                rows.append(summary(name, drags, seconds, step_ms, projection=projection))
                say(f"  p50 {rows[-1].p50_ms:.0f} ms, p95 {rows[-1].p95_ms:.0f} ms")
    return rows


def summary(
    name: str, drags: Sequence[Drag], seconds: float, step_ms: float | None, *, projection: bool
) -> LiveTimes:
    """Over all edits of all clients."""
    latencies = [value for drag in drags for value in drag.latencies()]
    unseen = sum(len(drag.intended) - max((seq for _, seq in drag.drawn), default=0) for drag in drags) / sum(
        len(drag.intended) for drag in drags
    )
    p50, p95 = np.percentile(latencies, [50, 95]) * 1e3
    in_time = sum(moment <= drag.intended[-1] for drag in drags for moment, _ in drag.drawn)
    stale = sum(drag.stale for drag in drags)
    rate = in_time / seconds
    return LiveTimes(name, len(drags), projection, float(p50), float(p95), rate, stale, unseen, step_ms)


def first_previews() -> list[float]:
    """Milliseconds to the first preview of each of some drags of a large untrained model."""
    say("The first preview of a 1024x1024 model ...")
    with tempfile.TemporaryDirectory() as folder:
        save_generator(untrained(*LARGE), Path(folder) / "large.safetensors")
        with running("latentloom", Path(folder)) as origin:
            return [
                asyncio.run(drag_together(origin, 1, 2 / 60, None))[0].latencies()[0] * 1e3
                for _ in range(FIRST_PREVIEWS)
            ]


@contextlib.contextmanager
def running(name: str, checkpoints: Path) -> Iterator[str]:
    """The origin of a server that is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    origin = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as data:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("LATENTLOOM_")}
        environment |= {
            "LATENTLOOM_PORT": str(port),
            "LATENTLOOM_DATA_DIR": data,
            "LATENTLOOM_CHECKPOINTS_DIR": str(checkpoints),
            "LATENTLOOM_PERCEPTUAL": "efficientnet-lite0",
        }
        commands = {
            "latentloom": ["server", "serve"],
            "naive": ["benchmarks.naive_server", str(port), str(checkpoints)],
        }
        log = Path(data) / "server.log"
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 (this interpreter and our own module)
                [sys.executable, "-m", *commands[name]],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_ready(origin, process, log)
            yield origin
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(origin: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{origin}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _start_projection(name: str, origin: str) -> None:
    """A projection that outlasts the drag, in a session of its own."""
    with httpx.Client(base_url=origin, timeout=120) as client:
        if name == "naive":
            client.post("/projection").raise_for_status()
            time.sleep(5)  # until it is in its steps
            return
        session = client.post("/api/v1/sessions").raise_for_status().json()
        own = f"/api/v1/sessions/{session['id']}"
        picture = Path(tempfile.gettempdir()) / "latentloom-live-face.png"
        body = {"document": session["document"], "resolution": None, "format": "png"}
        picture.write_bytes(client.post("/api/v1/render", json=body).raise_for_status().content)
        Image.open(picture).resize((512, 512)).save(picture)
        files = {"file": ("face.png", picture.read_bytes(), "image/png")}
        photo = client.post(f"{own}/photos", files=files).raise_for_status().json()
        whole = {"x": 256, "y": 256, "side": 512}
        wanted = {"photo": photo["id"], "model": session["document"]["model"], "steps": 5000, "square": whole}
        job = client.post(f"{own}/projections", json=wanted).raise_for_status().json()
        while client.get(f"/api/v1/jobs/{job['id']}").json()["step"] == 0:
            time.sleep(0.2)


def _steps_so_far(origin: str) -> tuple[float, float]:
    """How many steps of projections there have been, and their seconds; the naive server keeps no figures."""
    answer = httpx.get(f"{origin}/metrics", timeout=60)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return 0.0, 0.0
    wanted = {"stage": "run", "kind": "projection"}
    found = {
        sample.name.removeprefix("latentloom_stage_seconds"): sample.value
        for family in text_string_to_metric_families(answer.raise_for_status().text)
        for sample in family.samples
        if sample.labels == wanted
    }
    return found.get("_count", 0.0), found.get("_sum", 0.0)


def table(rows: Sequence[LiveTimes], first: Sequence[float] | None) -> str:
    """The same for people, as Markdown."""
    lines = [
        "| server | sessions | projection | p50 ms | p95 ms | pictures/s | stale | unseen | step ms |",
        "|" + " --- |" * 9,
    ]
    lines += [
        f"| {row.server} | {row.sessions} | {'yes' if row.projection else ''} | {row.p50_ms:.0f} "
        f"| {row.p95_ms:.0f} | {row.pictures_per_s:.1f} | {row.stale} | {row.unseen:.0%} "
        f"| {'' if row.step_ms is None else f'{row.step_ms:.0f}'} |"
        for row in rows
    ]
    if first is not None:
        median, worst = statistics.median(first), max(first)
        lines += [
            "",
            f"First preview of a 1024x1024 model: median {median:.0f} ms,"
            f" slowest of {len(first)} {worst:.0f} ms.",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

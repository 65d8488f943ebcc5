"""A child of benchmarks.synthesis: makes two pictures, prints the peak of its memory beyond the weights."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import torch

from benchmarks.published_synthesis import published_synthesis
from benchmarks.synthesis_measures import untrained

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # as proc(5) has it


def main() -> None:
    """Arguments: ours or published, resolution, channel base."""
    which, resolution, channel_base = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with torch.inference_mode(False), torch.no_grad():
        generator = untrained(resolution, channel_base)
        ws = torch.randn(1, generator.num_ws, 512)
        CLEAR.write_text(RESET_PEAK)
        before = _bytes("VmRSS")
        for _ in range(2):
            generator.synthesis(ws) if which == "ours" else published_synthesis(generator, ws)
    sys.stdout.write(str(_bytes("VmHWM") - before))


def _bytes(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()

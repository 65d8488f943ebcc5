"""The log of a run: one JSON object a line, and the same figures for TensorBoard where it is installed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType


class Journal:
    """Writes log.jsonl in a folder and, where the package tensorboard is there, event files beside it.

    Lines are written through at once. `with` closes it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lines = (folder / "log.jsonl").open("a", encoding="utf-8")
        self._events = None
        if find_spec("tensorboard") is not None:
            # Late: importing it takes a second, and the package is optional.
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(folder / "tensorboard"))

    def write(self, step: int, figures: Mapping[str, float], phase: str | None = None) -> None:
        """One line: the step (of the whole run), the phase's name, seconds since 1970, and the figures."""
        entry: dict[str, object] = {"step": step, "time": round(time.time(), 3)}
        if phase is not None:
            entry["phase"] = phase
        entry |= {name: float(f"{value:.6g}") for name, value in figures.items()}
        self._lines.write(json.dumps(entry) + "\n")
        self._lines.flush()
        if self._events is not None:
            for name, value in figures.items():
                self._events.add_scalar(name, value, step)

    def close(self) -> None:
        """Write out what TensorBoard still holds."""
        self._lines.close()
        if self._events is not None:
            self._events.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

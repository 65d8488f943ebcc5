"""Long work on the terminal: counting bars, and the first Ctrl-C as a request to stop in good order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.commands.terminal import shown

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and of how much."""
FiguresReport = Callable[[str, int, int, Mapping[str, float]], None]
"""The same, with the latest figures."""


@contextmanager
def counting_bars() -> Iterator[Report]:
    """A bar for every label, on stderr, so that the output stays clean."""
    with _progress() as progress:
        tasks = {}

        def report(label: str, done: int, of: int) -> None:
            if label not in tasks:
                tasks[label] = progress.add_task(shown(label), total=of)
            progress.update(tasks[label], completed=done, total=of)

        yield report


@contextmanager
def training_bars() -> Iterator[FiguresReport]:
    """A bar for every phase of a run, with its latest figures beside the name."""
    with _progress() as progress:
        tasks = {}

        def report(phase: str, done: int, of: int, figures: Mapping[str, float]) -> None:
            text = "  ".join([phase, *(f"{name} {value:.4g}" for name, value in figures.items())])
            if phase not in tasks:
                tasks[phase] = progress.add_task("", total=of)
            progress.update(tasks[phase], completed=done, total=of, description=shown(text))

        yield report


@contextmanager
def stop_in_order() -> Iterator[Callable[[], bool]]:
    """Yields whether somebody asked to stop: Ctrl-C or SIGTERM, once; the second Ctrl-C acts at once."""
    asked = False

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in numbers]
    try:
        yield lambda: asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))

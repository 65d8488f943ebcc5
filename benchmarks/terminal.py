"""What benchmarks print: figures as JSON on stdout, words about them on stderr."""

from __future__ import annotations

import json
import sys


def print_json(values: object) -> None:
    """To stdout."""
    sys.stdout.write(json.dumps(values, indent=1) + "\n")


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()

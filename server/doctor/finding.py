"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """check: what was looked at. advice: what to do; empty where all is well."""

    check: str
    level: Level
    detail: str
    advice: str = ""

"""Fixtures of the deployment's tests: a folder with a tiny model."""

from __future__ import annotations

from tests.server.conftest import checkpoints

__all__ = ["checkpoints"]

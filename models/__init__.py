"""Latent Loom's networks: what a program that uses them without the server needs.

Each name is imported when it is first used: reading a checkpoint should not wait for what projects photos.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.attributes.estimator import load_estimator
    from models.bundle import load_bundle
    from models.projection.projector import project
    from models.styleflow.flow import load_flow
    from models.stylegan2.checkpoint import load_discriminator, load_generator

__all__ = ["load_bundle", "load_discriminator", "load_estimator", "load_flow", "load_generator", "project"]

_HOMES = {
    "load_bundle": "models.bundle",
    "load_discriminator": "models.stylegan2.checkpoint",
    "load_estimator": "models.attributes.estimator",
    "load_flow": "models.styleflow.flow",
    "load_generator": "models.stylegan2.checkpoint",
    "project": "models.projection.projector",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

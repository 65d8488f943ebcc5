"""Latent Loom's networks: what a program that uses them without the server needs."""

from __future__ import annotations

from models.attributes.estimator import load_estimator
from models.bundle import load_bundle
from models.projection.projector import project
from models.styleflow.flow import load_flow
from models.stylegan2.checkpoint import load_generator

__all__ = ["load_bundle", "load_estimator", "load_flow", "load_generator", "project"]

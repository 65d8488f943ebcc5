"""Checkpoints of generators and discriminators: our own format, those of other programs, bundle folders."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from models.convert import network_bytes
from models.manifest import read_manifest, read_verified
from models.stylegan2.discriminator import Discriminator
from models.stylegan2.generator import Generator
from models.stylegan2.validation import (
    build_discriminator,
    build_generator,
    parse_discriminator_config,
    parse_generator_config,
)
from models.weights import CheckpointError, read_weights, write_weights

__all__ = [
    "DISCRIMINATOR_FORMAT",
    "GENERATOR_FORMAT",
    "CheckpointError",
    "load_discriminator",
    "load_generator",
    "save_discriminator",
    "save_generator",
]

GENERATOR_FORMAT, DISCRIMINATOR_FORMAT = "latentloom-generator", "latentloom-discriminator"


def load_generator(source: str | Path | bytes, device: str | torch.device = "cpu") -> Generator:
    """Generator in float32, eval mode, without gradients.

    source: our `.safetensors` (a path, or its bytes), NVIDIA's `.pkl`, the TensorFlow code's `.pkl`,
    rosinality's `.pt`, or a bundle folder; what a file is shows in its first bytes, not in its name, and
    code in it never runs. Raises CheckpointError.
    """
    if isinstance(source, bytes):
        return _generator(source, device)
    path = Path(source)
    if path.is_dir():
        data = read_verified(path, read_manifest(path).generator)
    else:
        data = network_bytes(path, "generator")
    try:
        return _generator(data, device)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}") from error


def load_discriminator(source: str | Path | bytes, device: str | torch.device = "cpu") -> Discriminator:
    """As load_generator, of files that hold a discriminator; to train it: requires_grad_(True)."""
    if isinstance(source, bytes):
        return _discriminator(source, device)
    path = Path(source)
    data = network_bytes(path, "discriminator")
    try:
        return _discriminator(data, device)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}") from error


def save_generator(generator: Generator, path: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write our `.safetensors`. float32 keeps every bit; float16 halves the file and is loaded as float32."""
    config = dataclasses.asdict(generator.config)
    write_weights(path, GENERATOR_FORMAT, config, generator.state_dict(), dtype)


def save_discriminator(
    discriminator: Discriminator, path: str | Path, dtype: torch.dtype = torch.float32
) -> None:
    """As save_generator."""
    config = dataclasses.asdict(discriminator.config)
    write_weights(path, DISCRIMINATOR_FORMAT, config, discriminator.state_dict(), dtype)


def _generator(data: bytes, device: str | torch.device) -> Generator:
    values, tensors = read_weights(data, GENERATOR_FORMAT)
    return build_generator(parse_generator_config(values), tensors, device)


def _discriminator(data: bytes, device: str | torch.device) -> Discriminator:
    values, tensors = read_weights(data, DISCRIMINATOR_FORMAT)
    return build_discriminator(parse_discriminator_config(values), tensors, device)

"""Generator checkpoints: our own format, NVIDIA's pickles and bundle folders. Code in a file never runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from models.manifest import read_manifest, read_verified
from models.stylegan2.generator import Generator
from models.stylegan2.nvidia_pickle import GENERATOR_FORMAT, read_nvidia_pickle
from models.stylegan2.validation import build_generator, parse_config
from models.weights import CheckpointError, read_weights, write_weights

__all__ = ["CheckpointError", "load_generator", "save_generator"]


def load_generator(source: str | Path | bytes, device: str | torch.device = "cpu") -> Generator:
    """Generator in float32, eval mode, without gradients.

    source: our `.safetensors` (a path, or its bytes), an NVIDIA `.pkl` or a bundle folder; what a file is
    shows in its first bytes, not in its name. Raises CheckpointError.
    """
    if isinstance(source, bytes):
        return _load_weights(source, device)
    path = Path(source)
    try:
        if path.is_dir():
            return _load_weights(read_verified(path, read_manifest(path).generator), device)
        with path.open("rb") as file:
            start = file.read(9)
        if start[8:] == b"{":
            return _load_weights(path.read_bytes(), device)
        if start[:1] == b"\x80" or path.suffix == ".pkl":
            config, tensors = read_nvidia_pickle(path)
            return build_generator(config, tensors, device)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}") from error
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.") from error
    raise CheckpointError(f"{path.name} is neither a safetensors file, an NVIDIA .pkl nor a bundle folder.")


def save_generator(generator: Generator, path: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write our `.safetensors`. float32 keeps every bit; float16 halves the file and is loaded as float32."""
    config = dataclasses.asdict(generator.config)
    write_weights(path, GENERATOR_FORMAT, config, generator.state_dict(), dtype)


def _load_weights(data: bytes, device: str | torch.device) -> Generator:
    values, tensors = read_weights(data, GENERATOR_FORMAT)
    return build_generator(parse_config(values), tensors, device)

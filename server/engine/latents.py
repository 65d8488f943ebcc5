"""A latent as a safetensors file: ws [L, C] in float32, and the noise maps and tuning it was found with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from server.problems import Problem

FORMAT, VERSION = "latentloom-latent", "1"
TUNING = "tuning."
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Latent:
    """ws [L, C]; noise: one map [r, r] a layer, or none. generator: sha256 of the weights it belongs to.

    tuning: low-rank changes of that generator, by the names that models.projection.tuning gives them.
    """

    ws: Array
    noise: tuple[Array, ...]
    generator: str
    tuning: Mapping[str, Array] = field(default_factory=dict)


def latent_file(latent: Latent) -> bytes:
    """The bytes of a safetensors file."""
    tensors = {"ws": np.ascontiguousarray(latent.ws, np.float32)}
    tensors |= {f"noise.{i}": np.ascontiguousarray(m, np.float32) for i, m in enumerate(latent.noise)}
    tensors |= {f"{TUNING}{n}": np.ascontiguousarray(m, np.float32) for n, m in latent.tuning.items()}
    return save(tensors, {"format": FORMAT, "version": VERSION, "generator": latent.generator})


def read_latent(data: bytes) -> Latent:
    """Latent from the bytes of latent_file. Raises Problem unknown_latent where they are damaged."""
    try:
        tensors = load(data)
        generator = metadata_of(data)["generator"]
        tuning = {n.removeprefix(TUNING): values for n, values in tensors.items() if n.startswith(TUNING)}
        noise = tuple(tensors[f"noise.{i}"] for i in range(len(tensors) - len(tuning) - 1))
        return Latent(tensors["ws"], noise, generator, tuning)
    except (SafetensorError, KeyError, ValueError) as error:
        raise Problem("unknown_latent", "The stored latent is damaged.") from error


def metadata_of(data: bytes) -> dict[str, str]:
    """What the header of a safetensors file says besides its tensors. Raises ValueError where it is none."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata: dict[str, str] = header.get("__metadata__", {})
    return metadata

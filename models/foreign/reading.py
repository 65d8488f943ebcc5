"""Reading a foreign checkpoint from its bytes, and the child process that does it within limits."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import torch

from models.foreign import nvidia, rosinality, styleflow, tensorflow_pickle
from models.foreign.inert_pickle import ByteReader, no_storages, unpickle
from models.foreign.isolation import REFUSED, UNWRITABLE, limit_this_process
from models.foreign.network import ForeignNetwork, Kind, Networks
from models.foreign.recognition import HEAD_BYTES, WHAT_WORKS, describe_tensors, recognise
from models.foreign.records import PickledTensor
from models.foreign.torch_file import read_torch_stream, read_torch_zip
from models.styleflow.flow import load_flow
from models.stylegan2.checkpoint import load_discriminator, load_generator
from models.weights import CheckpointError, read_file, read_header, replace_file, write_weights

_FAMILIES: tuple[tuple[str, Callable[[object], Networks | None]], ...] = (
    ("NVIDIA's PyTorch code", nvidia.find_networks),
    ("NVIDIA's TensorFlow code", tensorflow_pickle.find_networks),
    ("rosinality's stylegan2-pytorch", rosinality.find_networks),
    ("StyleFlow", styleflow.find_networks),
)
_OURS = "Latent Loom"
_ORDER: tuple[Kind, ...] = ("generator", "discriminator", "flow")
_LOADERS: dict[Kind, Callable[[bytes], object]] = {
    "generator": load_generator,
    "discriminator": load_discriminator,
    "flow": load_flow,
}


def read_network(data: bytes, wanted: Kind | None = None) -> ForeignNetwork:
    """The wanted network of a file, or without a wish its generator, discriminator or flow.

    Runs nothing of the file, but may take what memory and time a hostile file wants: convert_checkpoint
    reads in a child process with limits. Raises CheckpointError.
    """
    try:
        program, found = _networks(data)
        for kind in _ORDER if wanted is None else (wanted,):
            if kind in found:
                return dataclasses.replace(found[kind](), program=program)
    except CheckpointError:
        raise
    except MemoryError as error:
        raise CheckpointError("Reading it takes more memory than such a file needs.") from error
    except Exception as error:  # whatever damaged contents provoke
        raise CheckpointError("It is damaged, or no network file.") from error
    raise CheckpointError(f"It holds no {wanted}, but a {' and a '.join(found)}.")


def _networks(data: bytes) -> tuple[str, Networks]:
    """Whose file it is, and what it holds."""
    container = recognise(data[:HEAD_BYTES], len(data))
    if container == "zip":
        content = read_torch_zip(data)
    elif container == "stream":
        content = read_torch_stream(memoryview(data))
    elif container == "pickle":
        content = unpickle(ByteReader(memoryview(data)), no_storages)
    else:
        raise CheckpointError("It is a safetensors file, which needs no conversion.")
    for program, find_networks in _FAMILIES:
        found = find_networks(content)
        if found is not None:
            return program, found
    raise CheckpointError(_described(content))


def _described(content: object) -> str:
    """What a file holds whose networks nobody here knows."""
    tensors = content
    for key in ("state_dict", "params_ema", "params", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            tensors = content[key]
            break
    names = [
        name
        for name, value in (tensors.items() if isinstance(tensors, dict) else ())
        if isinstance(name, str) and isinstance(value, PickledTensor)
    ]
    return describe_tensors(names) if names else f"It holds no network that is known here; {WHAT_WORKS}."


def main(arguments: list[str]) -> int:
    """What the child process does: read SOURCE, write OUT.safetensors, say what was found as JSON.

    Returns 0; or, after a line on standard output that says why, REFUSED for a file that cannot be used and
    UNWRITABLE for a result that cannot be kept.
    """
    source, out, wanted = Path(arguments[0]), Path(arguments[1]), arguments[2]
    torch.set_num_threads(1)
    try:
        data = _read_within_limits(source)
        answer = _convert(data, out, next((kind for kind in get_args(Kind) if kind == wanted), None))
    except CheckpointError as error:
        sys.stdout.write(f"{error}\n")
        return REFUSED
    except MemoryError:
        sys.stdout.write("Reading it takes more memory than such a file needs.\n")
        return REFUSED
    except OSError as error:
        sys.stdout.write(f"What is read from it cannot be written: {error.strerror}.\n")
        return UNWRITABLE
    json.dump(answer, sys.stdout)
    return 0


def _read_within_limits(source: Path) -> bytes:
    """The file's bytes. From now on this process has the memory that such a file needs, and no more."""
    try:
        size = source.stat().st_size
        # The file, what is made of it, and what is written of that, from float16 at worst; torch's own needs.
        limit_this_process(memory_bytes=6 * size + 2**30, cpu_s=120, file_bytes=2 * size + 2**26)
        return read_file(source)
    except OSError as error:
        raise CheckpointError(f"It cannot be read: {error.strerror}.") from error


def _convert(data: bytes, out: Path, wanted: Kind | None) -> dict[str, object]:
    sha256 = hashlib.sha256(data).hexdigest()
    if recognise(data[:HEAD_BYTES], len(data)) == "safetensors":
        program = _OURS
        kind, config = _check_ours(data, wanted)
        replace_file(out, data)
    else:
        network = read_network(data, wanted)
        program, kind, config = network.program, network.kind, network.values
        write_weights(out, f"latentloom-{kind}", config, network.tensors, source_sha256=sha256)
    return {"kind": kind, "config": config, "sha256": sha256, "program": program}


def _check_ours(data: bytes, wanted: Kind | None) -> tuple[Kind, Mapping[str, object]]:
    """Kind and config of one of our files, which can be loaded. Raises CheckpointError."""
    held, config = read_header(data)
    for kind, load in _LOADERS.items():
        if held == f"latentloom-{kind}" and wanted in (None, kind):
            load(data)
            return kind, config
    raise CheckpointError(f"It holds {ascii(held)[:80]}, which is not what is wanted.")

"""Latents in files that people bring and take away: .npz as NVIDIA's projector.py writes it, and safetensors.

Nothing in a file is believed: sizes are limited before anything is unpacked, shapes must be this generator's,
numbers must be finite. Objects, which could run code, are refused.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from models.plain_array import UnreadableArray, read_npy
from models.projection.tuning import check_tuning, tuning_of
from models.stylegan2.generator import Generator
from models.weights import CheckpointError
from server.engine.latents import FORMAT, Latent, metadata_of, read_latent
from server.problems import Problem

MAX_BYTES = 20 * 2**20
MAX_ARRAY_BYTES = 4 * 2**20
MAX_MEMBERS = 16
NAMES = ("w", "ws")  # projector.py's name, and ours
_LARGEST = 1e6  # no w of any model is near it
_ZIP = b"PK\x03\x04"
_BRING = "Bring a .npz of projector.py, or a latent that was exported here."


def npz_of(latent: Latent) -> bytes:
    """An .npz with w [1, L, C] in float32, as projector.py's projected_w.npz."""
    file = io.BytesIO()
    np.savez(file, w=np.ascontiguousarray(latent.ws, np.float32)[None])
    return file.getvalue()


def found_latent(data: bytes, generator: Generator, sha256: str) -> tuple[Latent, bool]:
    """The latent in a file for a generator with that sha256, and whether the file names its generator.

    Raises Problem bad_latent, made_with_another_model.
    """
    if len(data) > MAX_BYTES:
        raise _bad(f"It is larger than {MAX_BYTES >> 20} MiB, which no latent is.")
    if data.startswith(_ZIP):
        return _plain(_array_in_npz(data), generator, sha256), False
    try:
        metadata = metadata_of(data)
        if metadata.get("format") == FORMAT:
            return checked_latent(data, generator, sha256), True
        tensors = load(data)
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _bad("It is neither an .npz file nor a safetensors file that can be read.") from error
    name = next((name for name in NAMES if name in tensors), None)
    if name is None:
        raise _bad("No array in it is called w or ws.")
    return _plain(tensors[name], generator, sha256), False


def checked_latent(data: bytes, generator: Generator, sha256: str) -> Latent:
    """The latent in a file of our own format, which came from anywhere. Raises Problem bad_latent,
    made_with_another_model.
    """
    try:
        latent = read_latent(data)
    except (Problem, TypeError, AttributeError) as error:
        raise _bad("The file is damaged.") from error
    if latent.generator != sha256:
        detail = "The latent was found in another model, or in another version of this one."
        raise Problem(
            "made_with_another_model", detail, "Choose the model that it was made with, then try again."
        )
    ws = _checked_ws(latent.ws, generator)
    maps = [tuple(noise.shape) for noise in generator.synthesis.noise_maps()]
    if latent.noise and [noise.shape for noise in latent.noise] != maps:
        raise _bad("Its noise maps are not this model's.")
    others = (*latent.noise, *latent.tuning.values())
    if not all(array.dtype == np.float32 for array in (latent.ws, *others)):
        raise _bad("Its numbers are not those that this program writes.")
    if not all(_is_sound(array) for array in others):
        raise _bad("It holds numbers that are not finite.")
    _check_tuning(latent, generator)
    return Latent(ws, latent.noise, sha256, latent.tuning)


def _check_tuning(latent: Latent, generator: Generator) -> None:
    try:
        factors = {name: torch.from_numpy(values.copy()) for name, values in latent.tuning.items()}
        check_tuning(generator, tuning_of(factors))
    except (CheckpointError, TypeError) as error:
        raise _bad("Its tuning is not this model's.") from error


def _plain(array: NDArray[np.generic], generator: Generator, sha256: str) -> Latent:
    return Latent(_checked_ws(array, generator), (), sha256)


def _checked_ws(array: NDArray[np.generic], generator: Generator) -> NDArray[np.float32]:
    """ws [L, C] from [1, L, C], [L, C], or one w for all layers: [1, 1, C], [1, C], [C]."""
    rows, width = generator.num_ws, generator.w_dim
    if array.dtype.kind != "f" or array.shape not in (
        (1, rows, width), (rows, width), (1, 1, width), (1, width), (width,)
    ):  # fmt: skip
        shown = "x".join(map(str, array.shape)) or "a single number"
        raise _bad(
            f"It is {shown} ({array.dtype.name}); this model needs 1x{rows}x{width} floating-point numbers."
        )
    if not _is_sound(array):
        raise _bad("It holds numbers that are not finite.")
    flat = np.asarray(array, np.float32).reshape(-1, width)
    return np.ascontiguousarray(np.broadcast_to(flat, (rows, width)))


def _is_sound(array: NDArray[np.generic]) -> bool:
    return array.dtype.kind == "f" and bool((np.abs(array.astype(np.float64)) < _LARGEST).all())


def _array_in_npz(data: bytes) -> NDArray[np.generic]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise _bad(f"It holds more than {MAX_MEMBERS} arrays.")
            found = {info.filename.removesuffix(".npy"): info for info in members}
            name = next((name for name in NAMES if name in found), None)
            if name is None:
                raise _bad("No array in it is called w or ws.")
            if found[name].file_size > MAX_ARRAY_BYTES:
                raise _bad(f"Its array is larger than {MAX_ARRAY_BYTES >> 20} MiB.")
            with archive.open(found[name]) as member:
                return _array_of(member.read(MAX_ARRAY_BYTES + 1))
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
    ) as error:
        raise _bad("It is damaged, or packed in a way that .npz files are not.") from error
    except Exception as error:  # zlib and lzma raise what damaged bytes lead them to
        if isinstance(error, Problem):
            raise
        raise _bad("It is damaged.") from error


def _array_of(data: bytes) -> NDArray[np.generic]:
    try:
        return read_npy(data, "f")
    except UnreadableArray as error:
        raise _bad(f"About its array: {error}.") from error


def _bad(text: str) -> Problem:
    return Problem("bad_latent", f"This file holds no latent that can be used here. {text}", _BRING)

"""The two containers of torch.save: a zip archive (since PyTorch 1.6), a stream of pickles (before).

Read without torch.load: its weights-only mode runs nothing either, but gives tensors that claim more than
their storage holds whatever memory comes behind it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from torch import Tensor

from models.foreign.globals import StorageClass
from models.foreign.inert_pickle import ByteReader, unpickle
from models.foreign.recognition import ZIP_MAGIC
from models.foreign.records import NestedFile, PickledStorage, PickledTensor, strided_values
from models.weights import CheckpointError

_LEGACY_PROTOCOL = 1001
_MAX_ENTRIES = 50_000
_LOCAL_HEADER_BYTES = 30


def read_torch_zip(data: bytes) -> object:
    """What torch.save wrote, as records whose storages are views of data. Raises CheckpointError."""
    whole = memoryview(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except Exception as error:  # whatever a broken archive provokes
        raise CheckpointError("This .pt file is damaged or incomplete.") from error
    by_name = {entry.filename: entry for entry in entries}
    if len(by_name) != len(entries) or len(entries) > _MAX_ENTRIES:
        raise CheckpointError("This .pt file has entries of the same name, which PyTorch never writes.")
    pickles = [name for name in by_name if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise CheckpointError("It is a zip archive, but not a PyTorch checkpoint; unpack it first.")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in by_name:
        raise CheckpointError("It is a TorchScript program; a checkpoint with the weights alone is needed.")

    def stored(name: str) -> memoryview | None:
        entry = by_name.get(f"{folder}{name}")
        return None if entry is None else _stored_bytes(whole, entry)

    byte_order = stored("byteorder")
    if byte_order is not None and bytes(byte_order[:8]) != b"little":
        raise CheckpointError("Its numbers are big-endian, which cannot be read.")
    return unpickle(
        ByteReader(_stored_bytes(whole, by_name[pickles[0]])), _lookup(lambda key: stored(f"data/{key}"))
    )


def read_torch_stream(data: memoryview) -> object:
    """As read_torch_zip, of the older container."""
    source = ByteReader(data)
    storages: dict[str, PickledStorage] = {}
    refer = _lookup(lambda _key: None, storages)
    unpickle(source, refer)  # the magic number
    protocol, system = unpickle(source, refer), unpickle(source, refer)
    if (
        protocol != _LEGACY_PROTOCOL
        or not isinstance(system, dict)
        or system.get("little_endian") is not True
    ):
        raise CheckpointError("This .pt file is of a kind that PyTorch no longer writes.")
    content, keys = unpickle(source, refer), unpickle(source, refer)
    if not isinstance(keys, list) or not all(isinstance(key, str) and key in storages for key in keys):
        raise CheckpointError("This .pt file is damaged.")
    for key in keys:
        storage = storages[key]
        try:
            count = int.from_bytes(source.view(8), "little")
            storage.data = source.view(count * (storage.dtype.itemsize if storage.dtype else 1))
        except EOFError:
            raise CheckpointError("This .pt file is incomplete.") from None
    return content


def materialise(tensor: PickledTensor) -> Tensor:
    """The tensor itself, contiguous. Raises CheckpointError where it claims more than its storage holds."""
    storage = tensor.storage
    if isinstance(storage, NestedFile):
        nested = read_torch_stream(storage.data)
        if not isinstance(nested, PickledStorage):
            raise CheckpointError("The data of a tensor in this file is damaged.")
        storage = nested
    return strided_values(storage, tensor)


def _lookup(
    find: Callable[[str], memoryview | None], storages: dict[str, PickledStorage] | None = None
) -> Callable[[object], PickledStorage]:
    """Persistent ids -> storages, one for each key, with the bytes that find knows of at once."""
    known = {} if storages is None else storages

    def refer(reference: object) -> PickledStorage:
        if not isinstance(reference, tuple) or len(reference) not in (5, 6) or reference[0] != "storage":
            raise CheckpointError("A tensor in this file is damaged.")
        _, kind, key, _location, count, *view = reference
        if not isinstance(kind, StorageClass) or not isinstance(key, str) or type(count) is not int:
            raise CheckpointError("A tensor in this file is damaged.")
        if view not in ([], [None]):
            raise CheckpointError("Its storages are views of others, which PyTorch no longer writes.")
        storage = known.setdefault(key, PickledStorage(kind.dtype, count, find(key)))
        if (storage.dtype, storage.count) != (kind.dtype, count):
            raise CheckpointError("A tensor in this file is damaged.")
        return storage

    return refer


def _stored_bytes(data: memoryview, entry: zipfile.ZipInfo) -> memoryview:
    """An entry's bytes where they lie. PyTorch stores; anything else could unpack to any size."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise CheckpointError("This .pt file is a compressed archive, which PyTorch never writes.")
    header = data[entry.header_offset : entry.header_offset + _LOCAL_HEADER_BYTES]
    if len(header) < _LOCAL_HEADER_BYTES or bytes(header[:4]) != ZIP_MAGIC:
        raise CheckpointError("This .pt file is damaged or incomplete.")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = entry.header_offset + _LOCAL_HEADER_BYTES + names
    if start + entry.file_size > len(data):
        raise CheckpointError("This .pt file is damaged or incomplete.")
    return data[start : start + entry.file_size]

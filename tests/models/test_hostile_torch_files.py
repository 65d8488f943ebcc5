"""Archives and streams of torch.save that are hostile or damaged: refused, nothing runs, nothing leaks."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import resource
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from models.convert import convert_checkpoint
from models.foreign.reading import read_network
from models.foreign.records import PickledTensor
from models.foreign.torch_file import materialise, read_torch_stream, read_torch_zip
from models.weights import CheckpointError
from tests.models.pickles import Reduced, command, reduce_pickle, saved

FIXTURES = Path(__file__).parents[1] / "fixtures"
ROSINALITY = FIXTURES / "rosinality"
STATE = {"a": torch.arange(8, dtype=torch.float32), "b": torch.ones(3)}
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that appears where a pickle is executed."""
    return tmp_path / "executed"


def refusal(data: bytes) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_network(data)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(contents: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def changed(**contents: bytes) -> bytes:
    """A small state dict's archive with other entries: data__pkl= stands for archive/data.pkl."""
    named = {f"archive/{name.replace('__', '.')}": content for name, content in contents.items()}
    return packed(entries(saved(STATE)) | named)


def first_tensor(content: object) -> PickledTensor:
    assert isinstance(content, dict)
    assert isinstance(content["a"], PickledTensor)
    return content["a"]


def test_both_containers_are_read_as_torch_reads_them() -> None:
    state = {
        "plain": torch.randn(3, 4),
        "transposed": torch.randn(3, 4).t(),
        "part": torch.randn(6, 6)[2:4, 1::2],
        "half": torch.randn(5).half(),
        "bfloat": torch.randn(5).bfloat16(),
        "whole": torch.arange(5),
        "nothing": torch.zeros(0, 4),
        "number": torch.tensor(2.5),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    }
    for content in (read_torch_zip(saved(state)), read_torch_stream(memoryview(saved(state, legacy=True)))):
        assert isinstance(content, dict)
        for name, value in state.items():
            assert torch.equal(materialise(content[name]), value)


def test_torch_load_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even in its weights-only mode: it believes a file's sizes."""

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("torch.load was called")

    monkeypatch.setattr(torch, "load", asked)
    files = [path for kind in ("pkl", "pt") for path in sorted(FIXTURES.rglob(f"*.{kind}"))]
    assert {path.parent.name for path in files} == {"nvidia", "rosinality", "styleflow", "tf_legacy"}
    for path in files:
        assert read_network(path.read_bytes()).tensors


def test_types_that_newer_versions_name_apart_from_the_storage_are_read() -> None:
    storage = torch.arange(4, dtype=torch.float32).untyped_storage()
    tensor = Reduced(torch._utils._rebuild_tensor_v3, storage, 1, (2,), (2,), False, {}, torch.float32, {})
    content = read_torch_zip(saved({"a": tensor}))
    assert materialise(first_tensor(content)).tolist() == [1.0, 3.0]


def test_python_attributes_of_a_tensor_are_dropped() -> None:
    value = torch.randn(3)
    value.note = "from somebody's program"  # type: ignore[attr-defined]
    content = read_torch_zip(saved({"a": value}))
    assert torch.equal(materialise(first_tensor(content)), value)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("attack", ["system", "module", "namespace"])
def test_a_pickle_that_calls_something_is_refused_and_nothing_runs(
    attack: str, legacy: bool, marker: Path
) -> None:
    content: object = {
        "system": {"g_ema": Reduced(os.system, command(marker))},
        "module": torch.nn.Linear(2, 2),
        "namespace": {"args": Reduced(exec, f"open({str(marker)!r}, 'w')")},
    }[attack]
    message = refusal(saved(content, legacy=legacy))
    assert "It asks for" in message or "whole PyTorch module" in message
    assert not marker.exists()


@pytest.mark.parametrize("place", range(5))
def test_no_pickle_of_a_stream_is_executed(place: int, marker: Path) -> None:
    """Magic number, protocol, system, content, keys."""
    stream = io.BytesIO(saved(STATE, legacy=True))
    parts = []
    for _ in range(5):
        start = stream.tell()
        for _operation in pickletools.genops(stream):
            pass
        parts.append(stream.getvalue()[start : stream.tell()])
    parts[place] = reduce_pickle("os", "system", command(marker))
    with pytest.raises(CheckpointError, match=r"asks for os\.system"):
        read_torch_stream(memoryview(b"".join(parts) + stream.read()))
    assert not marker.exists()


@pytest.mark.parametrize(
    ("size", "stride", "offset"), [((10**6,), (1,), 0), ((9,), (1,), 0), ((8,), (1,), 1), ((10**9,), (0,), 0)]
)
@pytest.mark.parametrize("legacy", [True, False])
def test_a_tensor_larger_than_its_storage_is_refused(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int, legacy: bool
) -> None:
    storage = STATE["a"]._typed_storage()
    tensor = Reduced(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, {})
    data = saved({"a": tensor}, legacy=legacy)
    content = read_torch_stream(memoryview(data)) if legacy else read_torch_zip(data)
    with pytest.raises(CheckpointError, match="larger than its data"):
        materialise(first_tensor(content))


def test_a_storage_that_is_not_in_the_archive_is_refused() -> None:
    contents = entries(saved(STATE))
    del contents["archive/data/0"]
    with pytest.raises(CheckpointError, match="larger than its data"):
        materialise(first_tensor(read_torch_zip(packed(contents))))


def test_a_storage_shorter_than_it_claims_is_refused() -> None:
    contents = entries(saved(STATE)) | {"archive/data/0": bytes(8)}
    with pytest.raises(CheckpointError, match="larger than its data"):
        materialise(first_tensor(read_torch_zip(packed(contents))))


@linux_only
def test_a_compressed_archive_is_refused_before_it_unpacks() -> None:
    bomb = packed({"archive/data.pkl": bytes(300 * 2**20)}, zipfile.ZIP_DEFLATED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(bomb) == "This .pt file is a compressed archive, which PyTorch never writes."
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    storage = packed(entries(saved(STATE)) | {"archive/data/0": bytes(2**20)}, zipfile.ZIP_DEFLATED)
    assert "compressed" in refusal(storage)


def with_directory_field(data: bytes, name: str, position: int, value: int) -> bytes:
    """The archive with four bytes of an entry of its central directory replaced."""
    begin = data.rindex(name.encode()) - 46
    assert data[begin : begin + 4] == b"PK\x01\x02"
    return data[: begin + position] + struct.pack("<I", value) + data[begin + position + 4 :]


COMPRESSED_SIZE, SIZE, HEADER_OFFSET = 20, 24, 42


@pytest.mark.parametrize(
    "fields",
    [
        {SIZE: 2**31},
        {COMPRESSED_SIZE: 2**31, SIZE: 2**31},
        {HEADER_OFFSET: 2**31},
        {HEADER_OFFSET: 7},
        {COMPRESSED_SIZE: 1},
    ],
)
@pytest.mark.parametrize("name", ["archive/data/0", "archive/data.pkl"])
def test_a_directory_that_lies_about_an_entry_is_refused(name: str, fields: dict[int, int]) -> None:
    data = packed(entries(saved(STATE)))
    for position, value in fields.items():
        data = with_directory_field(data, name, position, value)
    assert ".pt file" in refusal(data)


def test_names_that_point_elsewhere_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    contents = entries((ROSINALITY / "rosi_converted_r32.pt").read_bytes())
    named = {name.split("/", 1)[1]: content for name, content in contents.items()}
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    for folder in ("..", f"../{outside.name}", str(outside), "archive\\..\\.."):
        evil = {f"{folder}/{name}": content for name, content in named.items()}
        extra = {"../../../evil": b"x", "/etc/evil": b"x", "archive/data/../../evil": b"x"}
        source = tmp_path / "network.pt"
        source.write_bytes(packed(evil | extra))
        try:
            read_network(source.read_bytes())
        except CheckpointError:
            continue
        finally:
            assert list(tmp_path.iterdir()) == [source]
            assert not outside.exists()


def test_two_entries_of_the_same_name_are_refused() -> None:
    buffer = io.BytesIO(packed(entries(saved(STATE))))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    assert "the same name" in refusal(buffer.getvalue())


def test_archives_that_are_something_else_are_named() -> None:
    assert "not a PyTorch checkpoint; unpack it" in refusal(packed({"readme.txt": b"hello"}))
    assert "not a PyTorch checkpoint" in refusal(packed({"a/data.pkl": b"", "b/data.pkl": b""}))
    assert "TorchScript" in refusal(changed(constants__pkl=b""))
    assert "big-endian" in refusal(changed(byteorder=b"big"))
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    assert "not a PyTorch checkpoint" in refusal(buffer.getvalue())


@pytest.mark.parametrize("name", ["rosi_converted_r32", "rosi_training_r32"])
@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(name: str, fraction: float) -> None:
    data = (ROSINALITY / f"{name}.pt").read_bytes()
    message = refusal(data[: int(len(data) * fraction)])
    assert "damaged" in message or "incomplete" in message


def test_a_stream_whose_storage_claims_to_be_endless_is_refused() -> None:
    data = saved({"a": torch.zeros(4)}, legacy=True)
    endless = data[:-24] + (2**62).to_bytes(8, "little") + data[-16:]
    with pytest.raises(CheckpointError, match="incomplete"):
        read_torch_stream(memoryview(endless))


@pytest.mark.parametrize(
    ("keys", "reason"), [(["no such"], "damaged"), ([[]], "damaged"), ("0", "damaged"), (None, "damaged")]
)
def test_a_stream_with_wrong_keys_is_refused(keys: object, reason: str) -> None:
    data = saved({"a": torch.zeros(4)}, legacy=True)
    begin = data.rindex(b"\x80\x02]q\x00")
    with pytest.raises(CheckpointError, match=reason):
        read_torch_stream(memoryview(data[:begin] + pickle.dumps(keys, protocol=2) + bytes(24)))


@pytest.mark.parametrize(
    "reference",
    [
        ("storage",),
        ("module", None, "x.py", "import os"),
        ("storage", None, "0", "cpu", 4),
        ("storage", torch.FloatStorage, 0, "cpu", 4),
        ("storage", torch.FloatStorage, "0", "cpu", "4"),
        ("storage", torch.FloatStorage, "0", "cpu", 4, ("1", 0, 4)),
        "storage",
    ],
)
def test_a_reference_to_something_else_than_a_storage_is_refused(reference: object) -> None:
    class Refer(pickle.Pickler):
        def persistent_id(self, _value: object) -> object:
            return self.reference

        reference: object = None

    buffer = io.BytesIO()
    pickle.Pickler(buffer, protocol=2).dump(reference)
    with_reference = buffer.getvalue()[:-1] + b"Q."
    assert "damaged" in refusal(changed(data__pkl=with_reference)) or "views of others" in refusal(
        changed(data__pkl=with_reference)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: changed(data__pkl=b"\x80\x02Nr" + struct.pack("<I", 2**30 - 1) + b"."),
        lambda: packed({"archive/data.pkl": bytes(2**20)}, zipfile.ZIP_DEFLATED),
        lambda: saved({"g_ema": Reduced(os.system, "true")}, legacy=True),
    ],
)
def test_the_whole_way_refuses_by_name_and_leaves_nothing(make: Callable[[], bytes], tmp_path: Path) -> None:
    source, folder = tmp_path / "network.pt", tmp_path / "converted"
    source.write_bytes(make())
    with pytest.raises(CheckpointError, match=r"^network\.pt: "):
        convert_checkpoint(source, folder / "out.safetensors")
    assert list(folder.iterdir()) == []

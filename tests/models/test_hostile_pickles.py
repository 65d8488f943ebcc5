"""Pickles that are hostile, damaged or not supported: refused with a reason, and nothing runs.

Most are parsed in this process (which must survive), some through the whole way with the child process.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.convert import convert_checkpoint
from models.foreign.inert_pickle import ByteReader, no_storages, unpickle
from models.foreign.reading import read_network
from models.foreign.records import NestedFile, PickledModule, PickledTensor
from models.foreign.torch_file import materialise
from models.stylegan2.checkpoint import load_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import CheckpointError
from tests.models.nvidia_writer import (
    Reconstruct,
    State,
    module_states,
    network_file,
    persistence_function,
    pickled_tensor,
    storage_of,
)
from tests.models.pickles import Reduced, command, reduce_pickle, saved, stack_global

FIXTURES = Path(__file__).parents[1] / "fixtures" / "nvidia"
CONFIG = GeneratorConfig(z_dim=4, w_dim=4, img_resolution=8, mapping_layers=2, channel_base=32, channel_max=4)
SPARE_MEMO_SLOT = 2**30 - 1


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that appears where a pickle is executed."""
    return tmp_path / "executed"


@pytest.fixture
def reconstruct(monkeypatch: pytest.MonkeyPatch) -> Reconstruct:
    return persistence_function(monkeypatch)


def floats(count: int) -> bytes:
    return storage_of(torch.arange(count, dtype=torch.float32))


def network_states() -> dict[str, State]:
    return module_states(Generator(CONFIG))


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_network(path.read_bytes())
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def unpickled(data: bytes) -> object:
    return unpickle(ByteReader(memoryview(data)), no_storages)


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "os.system": lambda marker: reduce_pickle("os", "system", command(marker)),
    "posix.system": lambda marker: reduce_pickle("posix", "system", command(marker)),
    "subprocess": lambda marker: reduce_pickle("subprocess", "getoutput", command(marker)),
    "eval": lambda marker: reduce_pickle("builtins", "eval", f"open({str(marker)!r}, 'w')"),
    "exec": lambda marker: reduce_pickle("builtins", "exec", f"open({str(marker)!r}, 'w')"),
    "getattr": lambda _: stack_global("builtins", "getattr"),
    "import": lambda _: reduce_pickle("builtins", "__import__", "antigravity"),
    "resolve_name": lambda _: reduce_pickle("pkgutil", "resolve_name", "os:system"),
    "numpy load": lambda _: stack_global("numpy", "load"),
    "numpy reconstruct": lambda _: stack_global("numpy.core.multiarray", "_reconstruct"),
    "torch load": lambda _: stack_global("torch", "load"),
    "TensorFlow network": lambda _: stack_global("dnnlib.tflib.network", "Network"),
    "dotted name": lambda _: stack_global("torch._utils", "_rebuild_tensor_v2.__globals__"),
    "name with spaces": lambda _: stack_global("torch._utils ", "_rebuild_tensor_v2"),
    "INST": lambda marker: b"(S'" + command(marker).encode() + b"'\nios\nsystem\n.",
    "OBJ": lambda marker: b"(cos\nsystem\nS'" + command(marker).encode() + b"'\no.",
    "EXT1": lambda _: b"\x80\x02\x82\x01.",
    "EXT4": lambda _: b"\x80\x02\x84\x01\x00\x00\x00.",
    "PERSID": lambda _: b"Pos.system\n.",
    "BINPERSID": lambda _: b"\x80\x03K\x01Q.",
    "NEWOBJ_EX": lambda _: b"\x80\x04ccollections\nOrderedDict\n)}\x92.",
    "next buffer": lambda _: b"\x80\x05\x97.",
    "calling what was called": lambda _: b"\x80\x03ccollections\nOrderedDict\n)R)R.",
    "state on a function": lambda _: (
        b"\x80\x03ctorch._utils\n_rebuild_parameter\n}X\x01\x00\x00\x00aK\x01sb."
    ),
    "state on a dict": lambda _: b"\x80\x03ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x01sb.",
    "object dtype": lambda _: reduce_pickle("numpy", "dtype", "O8"),
    "short scalar": lambda _: pickle.dumps(np.float64(1)).replace(b"C\x08", b"C\x04", 1),
    "huge string": lambda _: b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
    "huge unicode": lambda _: b"\x80\x03X\xff\xff\xff\xff.",
    "huge frame": lambda _: b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "memo of 2**30 entries": lambda _: b"\x80\x02Nr" + struct.pack("<I", SPARE_MEMO_SLOT) + b".",
    "missing memo entry": lambda _: b"\x80\x02h\x07.",
    "empty stack": lambda _: b"\x80\x02.",
    "no end": lambda _: b"\x80\x02}",
    "later protocol": lambda _: b"\x80\x09N.",
    "GIF": lambda _: b"GIF89a" + bytes(30),
    "empty file": lambda _: b"",
    "text": lambda _: b"not a pickle at all\n" * 10,
    "a number": lambda _: pickle.dumps(3.5),
    "no networks": lambda _: pickle.dumps({"G_ema": {"state": {}}}),
    "100,000 nested lists": lambda _: b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "a key that takes 2**60 steps to hash": lambda _: (
        b"\x80\x02}K\x00"
        + b"".join(b"q" + bytes([i]) + b"0h" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
        + b"K\x01s."
    ),
    "a key that takes 2**60 steps to hash, without POP": lambda _: (
        b"\x80\x02}K\x00"
        + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
        + b"K\x01s."
    ),
    "a set of what takes 2**60 steps to hash": lambda _: (
        b"\x80\x04\x8f(K\x00"
        + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
        + b"\x90."
    ),
    "keys that collide": lambda _: (
        b"\x80\x02}("
        + b"".join(b"\x8a\x09" + (k * (2**61 - 1)).to_bytes(9, "little") + b"N" for k in range(99))
        + b"u."
    ),
    "shared lists, 2**60 when followed": lambda _: (
        b"\x80\x02]"
        + b"".join(b"q" + bytes([i]) + b"](h" + bytes([i]) + b"h" + bytes([i]) + b"e" for i in range(60))
        + b"."
    ),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_pickle_is_refused_and_nothing_runs(attack: str, marker: Path, tmp_path: Path) -> None:
    path = tmp_path / "network.pkl"
    path.write_bytes(HOSTILE[attack](marker))
    message = refusal(path)
    assert not marker.exists()
    assert "antigravity" not in sys.modules
    assert len(message) < 200


def test_the_refusal_names_what_the_file_asks_for(tmp_path: Path, marker: Path) -> None:
    path = tmp_path / "network.pkl"
    path.write_bytes(HOSTILE["os.system"](marker))
    assert refusal(path) == "It asks for os.system, which no StyleGAN2 network needs."


def test_the_nine_byte_memo_bomb_is_nine_bytes() -> None:
    assert len(HOSTILE["memo of 2**30 entries"](Path())) == 9


def test_of_two_entries_of_the_same_name_the_later_counts() -> None:
    assert unpickled(b"\x80\x02}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00aK\x02u.") == {"a": 2}


@pytest.mark.parametrize("legacy", [True, False])
def test_a_pickle_nested_in_a_tensor_is_not_executed(legacy: bool, marker: Path) -> None:
    evil = saved(Reduced(os.system, command(marker)), legacy=legacy)
    tensor = unpickled(pickle.dumps(pickled_tensor(evil, (4,), (1,))))
    assert isinstance(tensor, PickledTensor)
    with pytest.raises(CheckpointError, match=r"asks for posix\.system" if legacy else "damaged"):
        materialise(tensor)
    assert not marker.exists()


def test_source_code_in_the_file_is_dropped_unread(
    reconstruct: Reconstruct, marker: Path, tmp_path: Path
) -> None:
    source = f"import os\nos.system({command(marker)!r})\n"
    path = network_file(tmp_path / "network.pkl", reconstruct, network_states(), source)
    network = read_network(path.read_bytes())
    assert isinstance(network.config, GeneratorConfig)
    assert [network.config.channels(r) for r in (4, 8)] == [CONFIG.channels(r) for r in (4, 8)]
    assert set(network.tensors) == set(Generator(CONFIG).state_dict())
    assert not marker.exists()
    networks = unpickled(path.read_bytes())
    assert isinstance(networks, dict)
    assert isinstance(networks["G_ema"], PickledModule)
    assert "os.system" not in repr(networks)


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((1_000_000,), (1,), 0),
        ((5,), (1,), 0),
        ((4,), (2,), 0),
        ((4,), (1,), 1),
        ((1,), (1,), 4),
        ((2, 2), (4, 1), 0),
        ((10**6, 10**6), (0, 0), 0),
        ((10**12,), (1,), 0),
    ],
)
def test_a_tensor_larger_than_its_storage_is_refused(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> None:
    tensor = unpickled(pickle.dumps(pickled_tensor(floats(4), size, stride, offset)))
    assert isinstance(tensor, PickledTensor)
    with pytest.raises(CheckpointError, match="larger than its data"):
        materialise(tensor)


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((4,), (-1,), 3),
        ((-4,), (1,), 0),
        ((4,), (1,), -1),
        ((4,), (1, 1), 0),
        ((1,) * 9, (1,) * 9, 0),
        ((4.0,), (1,), 0),
        ((True,), (1,), 0),
    ],
)
def test_a_tensor_with_an_impossible_shape_is_refused(
    size: tuple[Any, ...], stride: tuple[int, ...], offset: int
) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        unpickled(pickle.dumps(pickled_tensor(floats(4), size, stride, offset)))


def test_a_tensor_within_its_storage_is_read() -> None:
    tensor = unpickled(pickle.dumps(pickled_tensor(floats(8), (2, 3), (1, 2), 1)))
    assert isinstance(tensor, PickledTensor)
    assert materialise(tensor).tolist() == [[1, 3, 5], [2, 4, 6]]


def nested(data: bytes, count: int) -> PickledTensor:
    return PickledTensor(NestedFile(memoryview(data)), 0, (count,), (1,))


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.uint8])
def test_weights_of_whole_numbers_are_refused(
    reconstruct: Reconstruct, tmp_path: Path, dtype: torch.dtype
) -> None:
    states = network_states()
    average = pickled_tensor(storage_of(torch.zeros(4, dtype=dtype)), (4,), (1,))
    states["mapping"]["_buffers"] = {"w_avg": average}
    message = refusal(network_file(tmp_path / "network.pkl", reconstruct, states))
    assert message == f"mapping.w_avg is stored as {str(dtype)[6:]}, not as floating point numbers."


def test_complex_numbers_and_quantised_ones_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"asks for torch\.ComplexFloatStorage"):
        materialise(nested(storage_of(torch.zeros(4, dtype=torch.complex64)), 4))
    named = b"ctorch\nQUInt8Storage\n"
    data = floats(4).replace(b"ctorch\nFloatStorage\n", named)
    assert named in data
    with pytest.raises(CheckpointError, match=r"asks for torch\.QUInt8Storage"):
        materialise(nested(data, 4))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floating_point_numbers_of_any_width_are_read(dtype: torch.dtype) -> None:
    values = torch.tensor([0.5, -2.0, 3.0, 1.0], dtype=dtype)
    assert torch.equal(materialise(nested(storage_of(values), 4)), values)


def test_a_whole_tensor_in_place_of_a_storage_is_refused() -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        materialise(nested(saved(torch.zeros(4), legacy=True), 4))


def test_a_storage_without_its_values_never_gives_foreign_memory() -> None:
    """Legacy files list the storages that follow: with an empty list torch leaves them unfilled."""
    data = floats(1024)
    begin = data.index(b"\x80\x02]q\x00X")
    unfilled = b"".join([data[:begin], b"\x80\x02]q\x00.", np.random.RandomState(0).bytes(8192)])
    with pytest.raises(CheckpointError, match="larger than its data"):
        materialise(nested(unfilled, 1024))


def test_a_storage_that_claims_more_than_the_file_is_refused() -> None:
    claimed = floats(4).replace(b"K\x04Nt", b"J\xff\xff\xff\x0fNt")
    assert claimed != floats(4)
    with pytest.raises(CheckpointError, match="larger than its data"):
        materialise(nested(claimed, 1024))
    longer = bytearray(floats(4))
    longer[-24:-16] = (2**62).to_bytes(8, "little")
    with pytest.raises(CheckpointError, match="incomplete"):
        materialise(nested(bytes(longer), 4))


@pytest.mark.parametrize(
    ("module", "name", "value", "reason"),
    [
        ("synthesis.b8", "architecture", "resnet", "layers differ in architecture"),
        ("synthesis.b8.conv0", "activation", "swish", "layers differ in activation"),
        ("synthesis.b8.conv0", "conv_clamp", 256, "layers differ in conv_clamp"),
        ("synthesis.b4.conv1", "use_noise", False, "layers differ in use_noise"),
        ("synthesis.b4.torgb.affine", "bias_gain", 2, "layers differ in bias_gain"),
        ("mapping.fc0", "bias_gain", -1, "layers differ in bias_gain"),
        ("synthesis.b4.conv1", "conv_clamp", [[]], "conv_clamp of a layer is damaged"),
        ("synthesis.b8.torgb.affine", "class", "Tanh", "class 'Tanh', which is no part of"),
        ("synthesis", "class", 7, "damaged"),
        ("", "class", "Discriminator", "not a StyleGAN2 generator"),
        ("mapping.fc0", "_parameters", None, "damaged"),
        ("mapping.fc0", "_parameters", {7: pickled_tensor(floats(4), (4,), (1,))}, "no part"),
        (
            "mapping",
            "_parameters",
            {"w_avg": pickled_tensor(floats(4), (4,), (2**80,))},
            "larger than its data",
        ),
        ("mapping", "_parameters", {"w_avg": pickled_tensor(floats(2), (4,), (1,))}, "larger than its data"),
        ("mapping", "_parameters", {"w_avg": pickled_tensor(floats(2), (4,), (0,))}, "larger than its data"),
        (
            "mapping",
            "_buffers",
            {"extra": pickled_tensor(floats(2), (2,), (1,))},
            "'mapping.extra' is no part",
        ),
    ],
)
def test_a_network_that_cannot_be_built_is_refused_by_reason(
    reconstruct: Reconstruct, tmp_path: Path, module: str, name: str, value: object, reason: str
) -> None:
    states = network_states()
    states[module][name] = value
    assert reason in refusal(network_file(tmp_path / "network.pkl", reconstruct, states))


@pytest.mark.parametrize(
    ("kind", "name", "value", "reason"),
    [
        ("SynthesisLayer", "activation", "swish", "use 'swish'; only lrelu is supported"),
        ("FullyConnectedLayer", "activation", "tanh", "use 'tanh'; only"),
    ],
)
def test_options_that_are_not_supported_are_named(
    reconstruct: Reconstruct, tmp_path: Path, kind: str, name: str, value: str, reason: str
) -> None:
    states = network_states()
    for state in states.values():
        if state["class"] == kind:
            state[name] = value
    assert reason in refusal(network_file(tmp_path / "network.pkl", reconstruct, states))


def test_an_alias_free_generator_is_named(reconstruct: Reconstruct, tmp_path: Path) -> None:
    """Its class is called Generator as well, and its layers have NumPy arrays among their attributes."""
    states = network_states()
    states["synthesis.input"] = {"class": "SynthesisInput", "_parameters": {}, "_buffers": {}}
    states["synthesis.input"] |= {"size": np.array([36, 36]), "sampling_rate": np.float64(16), "bandwidth": 2}
    message = refusal(network_file(tmp_path / "network.pkl", reconstruct, states))
    assert message.startswith("It is an alias-free StyleGAN3 network; what can be loaded is a StyleGAN2")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(
    reconstruct: Reconstruct, tmp_path: Path, value: float
) -> None:
    states = network_states()
    data = storage_of(torch.tensor([0.0, value, 0.0, 0.0]))
    states["mapping"]["_parameters"] = {"w_avg": pickled_tensor(data, (4,), (1,))}
    message = refusal(network_file(tmp_path / "network.pkl", reconstruct, states))
    assert message == "mapping.w_avg holds numbers that are not finite."


def test_shared_modules_are_not_followed_for_ever(reconstruct: Reconstruct, tmp_path: Path) -> None:
    """A hundred levels, each twice in the level above: 2**100 modules when followed to the end."""
    modules: dict[str, Reduced] = {}
    for _ in range(100):
        state = {"_parameters": {}, "_buffers": {}, "_modules": modules}
        module = Reduced(reconstruct, {"type": "class", "class_name": "Generator", "state": state})
        modules = {"a": module, "b": module}
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps({"G_ema": module}))
    assert refusal(path) in (
        "It has more layers than any StyleGAN2 network.",
        "A network in this file is damaged.",
    )


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, fraction: float) -> None:
    data = (FIXTURES / "ada_clamp_r32_map4.pkl").read_bytes()
    path = tmp_path / "network.pkl"
    path.write_bytes(data[: int(len(data) * fraction)])
    assert refusal(path) == "This is not a network file, or it is damaged."


@pytest.mark.parametrize("attack", ["os.system", "memo of 2**30 entries"])
def test_the_whole_way_refuses_by_name_and_nothing_runs(attack: str, marker: Path, tmp_path: Path) -> None:
    path = tmp_path / "network.pkl"
    path.write_bytes(HOSTILE[attack](marker))
    with pytest.raises(CheckpointError, match=r"^network\.pkl: "):
        load_generator(path)
    assert not marker.exists()


def test_reading_ends_at_its_time_limit(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="took longer than"):
        convert_checkpoint(FIXTURES / "ada_clamp_r32_map4.pkl", tmp_path / "out.safetensors", timeout_s=0.01)
    assert list(tmp_path.iterdir()) == []


def test_a_pickle_is_recognised_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "renamed.safetensors"
    path.write_bytes((FIXTURES / "ada_clamp_r32_map4.pkl").read_bytes())
    assert load_generator(path).img_resolution == 32

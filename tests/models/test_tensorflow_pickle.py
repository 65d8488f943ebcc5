"""Pickles of the TensorFlow code: names and layouts of its variables, what is not supported, what is hostile.

Its numbers are compared with NVIDIA's in test_nvidia_golden.py.
"""

from __future__ import annotations

import copyreg
import dataclasses
import math
import os
import pickle
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.foreign.network import ForeignNetwork
from models.foreign.reading import read_network
from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import CheckpointError
from tests.models.pickles import Reduced, command

FIXTURES = Path(__file__).parents[1] / "fixtures"
CONFIG = GeneratorConfig(8, 8, 16, mapping_layers=2, block_channels=(6, 5, 4))
D_CONFIG = DiscriminatorConfig(16, block_channels=(6, 5, 4), mbstd_group_size=None)
Array = NDArray[np.generic]


class Network:
    """Stands for dnnlib.tflib.network.Network while a file is written."""

    def __init__(self, state: dict[str, object]) -> None:
        self.state = state

    def __reduce__(self) -> tuple[object, ...]:
        return copyreg.__newobj__, (Network,), self.state  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def tensorflow_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes Network picklable under the name that the files use."""
    module = types.ModuleType("dnnlib.tflib.network")
    module.Network = Network  # type: ignore[attr-defined]
    for name in ("dnnlib", "dnnlib.tflib"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(Network, "__module__", module.__name__)


def variables_of(network: Generator | Discriminator) -> dict[str, Array]:
    """The variables that the TensorFlow code would hold for our tensors: what the reader has to undo."""
    found: dict[str, Array] = {}
    for name, tensor in network.state_dict().items():
        if not name.endswith("resample_filter"):
            theirs, value = variable_of(name, tensor.numpy(), isinstance(network, Generator))
            found[theirs] = value
    return found


def variable_of(name: str, x: Array, generator: bool) -> tuple[str, Array]:
    if name == "mapping.w_avg":
        return "dlatent_avg", x
    if name == "synthesis.b4.const":
        return "synthesis/4x4/Const/const", x[None]
    if match := re.fullmatch(r"(mapping|b4)\.(fc\d*|embed|out)\.(weight|bias)", name):
        layer = {"embed": "LabelEmbed", "out": "Output", "fc": "4x4/Dense0"}.get(match[2])
        dense = "mapping/Dense" if generator else "Mapping"
        prefix = "mapping/" if generator and layer else ""
        return f"{prefix}{layer or dense + match[2][2:]}/{match[3]}", x.T
    match = re.fullmatch(r"(?:synthesis\.)?b(\d+)\.(\w+)\.(.+)", name)
    assert match is not None
    size, layer, part = match[1], match[2], match[3]
    if part == "noise_const":
        index = 2 * int(math.log2(int(size))) - (5 if layer == "conv0" else 4)
        return f"synthesis/noise{index}", x[None, None]
    if generator:
        names = {
            "conv0": "Conv0_up",
            "conv1": "Conv" if size == "4" else "Conv1",
            "torgb": "ToRGB",
            "skip": "Skip",
        }
    else:
        names = {
            "conv0": "Conv0",
            "conv1": "Conv1_down",
            "conv": "Conv",
            "fromrgb": "FromRGB",
            "skip": "Skip",
        }
    part = {"affine.weight": "mod_weight", "affine.bias": "mod_bias"}.get(part, part)
    if part == "weight":
        x = x.transpose(2, 3, 1, 0)
        x = x[::-1, ::-1] if generator and layer in ("conv0", "skip") else x
    x = x.T if part == "mod_weight" else x - 1 if part == "mod_bias" else x
    return f"{'synthesis/' if generator else ''}{size}x{size}/{names[layer]}/{part}", x


def network_state(variables: dict[str, Any], **options: object) -> dict[str, object]:
    """A network's state as the TensorFlow code pickles it: mapping and synthesis are components."""

    def own(prefix: str) -> list[tuple[str, object]]:
        named = {
            name.removeprefix(prefix): value for name, value in variables.items() if name.startswith(prefix)
        }
        return [
            (name, np.ascontiguousarray(value) if value.ndim else np.float32(value))
            for name, value in named.items()
            if prefix or not name.startswith(("mapping/", "synthesis/"))
        ]

    parts = {
        part: Network(
            {"version": 4, "name": part, "static_kwargs": {}, "components": {}, "variables": own(f"{part}/")}
        )
        for part in ("mapping", "synthesis")
        if own(f"{part}/")
    }
    return {
        "version": 4,
        "name": "Gs",
        "static_kwargs": {"resolution": 16, "num_channels": 3, **options},
        "components": parts,
        "build_module_src": "raise SystemExit",
        "build_func_name": "G_main",
        "variables": own(""),
    }


def read(*states: dict[str, object], wanted: str = "generator", protocol: int = 4) -> ForeignNetwork:
    data = pickle.dumps(tuple(Network(state) for state in states), protocol=protocol)
    return read_network(data, wanted)  # type: ignore[arg-type]


def untrained(config: GeneratorConfig | DiscriminatorConfig) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return Generator(config) if isinstance(config, GeneratorConfig) else Discriminator(config)


def assert_same(network: ForeignNetwork, expected: dict[str, Tensor]) -> None:
    assert set(network.tensors) == set(expected)
    for name, value in expected.items():
        assert torch.allclose(network.tensors[name], value, atol=1e-6), name


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_every_architecture_is_read_by_its_variables(architecture: Any, protocol: int) -> None:
    config = dataclasses.replace(CONFIG, architecture=architecture, c_dim=3, conv_clamp=16)
    d_config = dataclasses.replace(D_CONFIG, architecture=architecture, c_dim=3, mapping_layers=1)
    generator, discriminator = untrained(config), untrained(d_config)
    G = network_state(variables_of(generator), conv_clamp=16)
    D = network_state(variables_of(discriminator))
    read_g = read(G, D, G, protocol=protocol)
    assert isinstance(read_g.config, GeneratorConfig)
    assert (read_g.config.architecture, read_g.config.c_dim, read_g.config.conv_clamp) == (
        architecture,
        3,
        16,
    )
    assert_same(read_g, generator.state_dict())
    read_d = read(G, D, G, wanted="discriminator", protocol=protocol)
    assert isinstance(read_d.config, DiscriminatorConfig)
    assert (read_d.config.architecture, read_d.config.mapping_lr_multiplier) == (architecture, 0.1)
    assert_same(read_d, discriminator.state_dict())


def test_the_averaged_network_is_the_third() -> None:
    first, last = untrained(CONFIG), Generator(CONFIG)
    states = [network_state(variables_of(network)) for network in (first, untrained(D_CONFIG), last)]
    assert_same(read(*states), last.state_dict())
    assert_same(read(states[2]), last.state_dict())


def test_names_by_level_of_detail_are_understood() -> None:
    config = dataclasses.replace(CONFIG, architecture="orig")
    generator = untrained(config)
    renamed = {
        name.replace("16x16/ToRGB", "ToRGB_lod0"): value for name, value in variables_of(generator).items()
    }
    assert "synthesis/ToRGB_lod0/weight" in renamed
    assert_same(read(network_state(renamed)), generator.state_dict())


def test_other_taps_are_taken_from_the_options() -> None:
    config = dataclasses.replace(CONFIG, resample_filter=(1, 2, 1))
    generator = untrained(config)
    network = read(network_state(variables_of(generator), resample_kernel=[1, 2, 1]))
    assert_same(network, generator.state_dict())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"nonlinearity": "swish"}, "another nonlinearity than lrelu"),
        ({"mapping_nonlinearity": "relu"}, "another mapping_nonlinearity"),
        ({"normalize_latents": False}, "not normalised"),
        ({"resample_kernel": 7}, "not a row of taps"),
        ({"resample_kernel": [1, "x"]}, "bad resample_filter"),
        ({"conv_clamp": "x"}, "bad conv_clamp"),
        ({"mapping_lrmul": -1}, "bad mapping_lr_multiplier"),
    ],
)
def test_options_that_are_not_supported_are_named(options: dict[str, object], reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        read(network_state(variables_of(untrained(CONFIG)), **options))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"synthesis/4x4/Const/StyleMod/weight": np.zeros(3)}, "StyleGAN1 network"),
        ({"mapping/LabelConcat/weight": np.zeros(3)}, "in the way of the original TensorFlow code"),
        ({"synthesis/8x8/Surprise/weight": np.zeros(3)}, "Surprise/weight' is no part of"),
        ({"surprise": np.zeros(3)}, "'surprise' is no part of"),
        ({"synthesis/4x4/Const/const": np.zeros(3)}, "damaged|has the shape"),
        ({"synthesis/noise0": np.full((1, 1, 4, 4), np.nan)}, "not finite"),
        ({"synthesis/noise99": np.zeros((1, 1, 4, 4))}, "no part of such a StyleGAN2 network"),
        ({"dlatent_avg": np.zeros(8, dtype=np.int32)}, "stored as int32"),
        ({"mapping/Dense0/weight": np.zeros((8, 9))}, "has the shape"),
    ],
)
def test_variables_that_do_not_fit_are_refused_by_reason(change: dict[str, Array], reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        read(network_state(variables_of(untrained(CONFIG)) | change))


def test_a_missing_variable_is_named() -> None:
    variables = variables_of(untrained(CONFIG))
    del variables["synthesis/8x8/Conv1/mod_bias"]
    with pytest.raises(CheckpointError, match=r"synthesis\.b8\.conv1\.affine\.bias is missing"):
        read(network_state(variables))


@pytest.mark.parametrize("name", ["G_style", "G_paper"])
def test_older_networks_are_named(name: str) -> None:
    state = network_state(variables_of(untrained(CONFIG))) | {"build_func_name": name}
    with pytest.raises(CheckpointError, match="It is a StyleGAN1 or ProGAN network"):
        read(state)


def test_a_progan_file_is_named() -> None:
    with pytest.raises(CheckpointError, match="It is a ProGAN network"):
        read_network(b"\x80\x02ctfutil\nNetwork\n)\x81.")


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"static_kwargs": None},
        {"static_kwargs": {}, "variables": []},
        {"static_kwargs": {}, "variables": 3},
        {"static_kwargs": {}, "variables": [("a", None)]},
        {"static_kwargs": {}, "variables": [(1, 2)]},
        {"static_kwargs": {}, "variables": [("a", "b", "c")]},
        {"static_kwargs": {}, "variables": [], "components": {"synthesis": 3}},
        {"static_kwargs": {}, "variables": [("ToRGB_lod0/weight", np.zeros(2))]},
    ],
)
def test_a_network_that_is_damaged_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(CheckpointError):
        read(state)


def test_variables_that_run_something_are_refused_and_nothing_runs(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    for value in (Reduced(os.system, command(marker)), Reduced(exec, f"open({str(marker)!r}, 'w')")):
        state: dict[str, object] = {"static_kwargs": {}, "variables": [("lod", value)]}
        with pytest.raises(CheckpointError, match="It asks for"):
            read(state)
    assert not marker.exists()


def array_pickle(**parts: object) -> bytes:
    """A pickled array of three float32 with other parts of its state: shape, dtype, data."""
    state = {"shape": (3,), "dtype": np.dtype("<f4"), "fortran": False, "data": bytes(12)} | parts
    rebuild = np.zeros(3).__reduce__()[0]

    class Array:
        def __reduce__(self) -> tuple[object, ...]:
            return rebuild, (np.ndarray, (0,), b"b"), (1, *state.values())

    network = Network({"static_kwargs": {}, "variables": [("dlatent_avg", Array())]})
    return pickle.dumps(network, protocol=4)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"dtype": np.dtype("O"), "data": [None] * 3}, "type that no StyleGAN2 network needs"),
        ({"dtype": np.dtype([("a", "<f4")])}, "type that no StyleGAN2 network needs"),
        ({"dtype": np.dtype("<c8")}, "type that no StyleGAN2 network needs"),
        ({"dtype": np.dtype("S4")}, "type that no StyleGAN2 network needs"),
        ({"shape": (10**12,)}, "larger than its data"),
        ({"shape": (-3,)}, "damaged"),
        ({"shape": (3.0,)}, "damaged"),
        ({"shape": (2**70, 0)}, "larger than its data|damaged"),
        ({"data": bytes(11)}, "larger than its data"),
        ({"data": 7}, "damaged"),
        ({"dtype": "f4"}, "damaged"),
    ],
)
def test_an_array_that_lies_about_itself_is_refused(parts: dict[str, object], reason: str) -> None:
    with pytest.raises(CheckpointError, match=reason):
        read_network(array_pickle(**parts))


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused(fraction: float) -> None:
    data = (FIXTURES / "tf_legacy" / "tf_stylegan2_r32.pkl").read_bytes()
    with pytest.raises(CheckpointError, match="damaged"):
        read_network(data[: int(len(data) * fraction)])

"""StyleFlow's .pt: what is read of it, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.foreign.reading import read_network
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import load_flow
from models.weights import CheckpointError
from tests.models.pickles import Reduced, command, saved

SMALL_PT = Path(__file__).parents[1] / "fixtures" / "styleflow" / "cnf_small_d64.pt"


def small_state() -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(SMALL_PT, weights_only=True)
    return state


def test_a_state_dict_is_read_tensor_by_tensor() -> None:
    network = read_network(SMALL_PT.read_bytes())
    assert network.kind == "flow"
    assert network.config == FlowConfig(dim=64, hidden=(64, 64))
    assert set(network.tensors) == set(small_state())
    for name, value in small_state().items():
        assert torch.equal(network.tensors[name], value)


def test_the_way_through_the_child_process_gives_the_same_flow() -> None:
    loaded = load_flow(SMALL_PT).state_dict()
    for name, value in small_state().items():
        assert torch.equal(loaded[name], value)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_data_parallel_prefix_and_the_legacy_container_are_read(prefix: str, legacy: bool) -> None:
    state = {f"{prefix}{name}": value for name, value in small_state().items()}
    network = read_network(saved(state, legacy=legacy))
    assert all(torch.equal(network.tensors[name], value) for name, value in small_state().items())


def test_a_pickle_that_needs_code_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    for content in (Reduced(os.system, command(marker)), {"a": Reduced(os.system, command(marker))}):
        with pytest.raises(CheckpointError, match=r"asks for posix\.system|asks for nt\.system"):
            read_network(saved(content))
    assert not marker.exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": torch.zeros(2)}, {1: torch.zeros(2)}, {}, torch.zeros(3)])
def test_files_of_something_else_are_refused(content: object) -> None:
    with pytest.raises(CheckpointError, match="what can be loaded is a StyleGAN2 network"):
        read_network(saved(content))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("chain.0.bias", torch.full((64,), float("nan")), "finite"),
        ("chain.0.running_var", -torch.ones(64), "negative variance"),
        ("chain.1.sqrt_end_time", torch.tensor(0.0), "end time"),
        ("chain.1.sqrt_end_time", torch.tensor(1e6), "end time"),
        ("chain.0.bias", torch.zeros(3), "do not form"),
        ("chain.0.bias", torch.zeros(64, dtype=torch.int64), "stored as int64"),
        ("chain.0.bias", torch.zeros(1).expand(2**40), "do not form"),
        ("chain.9.bias", torch.zeros(64), "do not form"),
        ("chain.1.odefunc.diffeq.layers.0._hyper_bias.weight", torch.zeros(64, 4), "do not form"),
        ("chain.1.odefunc.diffeq.layers.0._layer.weight", torch.zeros(64, 10**6, 0), "do not form"),
    ],
)
def test_a_state_that_is_no_flow_is_refused(name: str, value: Tensor, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_network(saved(small_state() | {name: value}))


def test_a_flow_of_other_attributes_is_named() -> None:
    state = {
        name: value[:, :4] if "hyper" in name and value.ndim == 2 else value
        for name, value in small_state().items()
    }
    with pytest.raises(CheckpointError, match="takes 3 attributes; 17 are needed"):
        read_network(saved(state))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(CheckpointError, match="cannot be read"):
            load_flow(path)

"""Networks of NVIDIA's PyTorch code with options that no published file uses: read by their shapes.

Its numbers are compared with NVIDIA's in test_nvidia_golden.py.
"""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest
import torch

from models.foreign.network import ForeignNetwork
from models.foreign.reading import read_network
from models.stylegan2.discriminator import Discriminator, DiscriminatorConfig
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import CheckpointError
from tests.models.nvidia_writer import Reconstruct, module_states, persistence_function, persistent
from tests.models.pickles import Reduced, saved

CONFIG = GeneratorConfig(8, 6, 16, mapping_layers=2, mapping_features=7, block_channels=(5, 4, 3))
D_CONFIG = DiscriminatorConfig(16, block_channels=(6, 5, 4), mapping_layers=0)


@pytest.fixture
def reconstruct(monkeypatch: pytest.MonkeyPatch) -> Reconstruct:
    return persistence_function(monkeypatch)


def untrained(config: GeneratorConfig | DiscriminatorConfig) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Generator(config) if isinstance(config, GeneratorConfig) else Discriminator(config)


def assert_same(network: ForeignNetwork, expected: Generator | Discriminator) -> None:
    assert network.config == expected.config
    assert set(network.tensors) == set(expected.state_dict())
    for name, value in expected.state_dict().items():
        assert torch.equal(network.tensors[name], value), name


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_noise": False},
        {"conv_clamp": 256},
        {"architecture": "orig", "img_channels": 1},
        {"architecture": "resnet", "conv_clamp": 16.5},
        {"c_dim": 3, "embed_features": 5},
        {"mapping_layers": 1, "mapping_features": None},
        {"mapping_layers": 0, "mapping_features": None, "z_dim": 6},
        {"mapping_lr_multiplier": 0.1},
        {"resample_filter": (1,)},
        {"resample_filter": (1, 2, 1)},
        {"resample_filter": (1, 5, 10, 10, 5, 1)},
        {"resample_filter": (1, 2, 3, 4, 4, 3, 2, 1)},
        {"img_resolution": 4, "block_channels": (5,)},
        {"img_channels": 4},
    ],
)
def test_generators_are_read_whatever_their_options(
    options: dict[str, Any], reconstruct: Reconstruct
) -> None:
    embedded = {"embed_features": 6} if "c_dim" in options else {}
    generator = untrained(dataclasses.replace(CONFIG, **embedded | options))
    content = {"G_ema": persistent(module_states(generator), reconstruct)}
    assert_same(read_network(pickle.dumps(content)), generator)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"architecture": "orig", "mbstd_group_size": None},
        {"architecture": "skip", "conv_clamp": 256, "img_channels": 1},
        {"mbstd_num_channels": 0, "mbstd_group_size": None},
        {"mbstd_num_channels": 3, "mbstd_group_size": 8},
        {"c_dim": 3, "cmap_dim": 7, "embed_features": 5, "mapping_layers": 2, "mapping_features": 9},
        {"c_dim": 3, "cmap_dim": 7, "embed_features": 7},
        {"resample_filter": (1, 2, 1)},
    ],
)
def test_discriminators_are_read_whatever_their_options(
    options: dict[str, Any], reconstruct: Reconstruct
) -> None:
    discriminator = untrained(dataclasses.replace(D_CONFIG, **options))
    content = {"D": persistent(module_states(discriminator), reconstruct)}
    assert_same(read_network(pickle.dumps(content)), discriminator)


def test_frozen_layers_whose_parameters_are_buffers_are_read(reconstruct: Reconstruct) -> None:
    discriminator = untrained(D_CONFIG)
    states = module_states(discriminator)
    frozen = states["b16.conv0"]
    frozen["_buffers"], frozen["_parameters"] = frozen["_parameters"], {"bias": None}
    assert_same(read_network(pickle.dumps({"D": persistent(states, reconstruct)})), discriminator)


@pytest.mark.parametrize("legacy", [True, False])
def test_a_network_saved_by_torch_is_read_as_well(legacy: bool, reconstruct: Reconstruct) -> None:
    """As tools that tune a generator to one picture save it: tensors lie outside the pickle."""
    generator = untrained(CONFIG)
    states = module_states(generator)
    for name, module in generator.named_modules():
        states[name]["_parameters"], states[name]["_buffers"] = module._parameters, module._buffers
    for content in (persistent(states, reconstruct), {"G_ema": persistent(states, reconstruct)}):
        assert_same(read_network(saved(content, legacy=legacy)), generator)


def test_without_averaged_weights_the_generator_is_the_trained_one(reconstruct: Reconstruct) -> None:
    generator = untrained(CONFIG)
    content = {"G": persistent(module_states(generator), reconstruct), "augment_pipe": None}
    assert_same(read_network(pickle.dumps(content)), generator)


def test_networks_of_other_codes_in_the_same_form_are_named(reconstruct: Reconstruct) -> None:
    state: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    other = Reduced(reconstruct, {"type": "class", "class_name": "EDMPrecond", "state": state})
    with pytest.raises(CheckpointError, match=r"Its networks \('EDMPrecond'\) are not those of a StyleGAN2"):
        read_network(pickle.dumps({"ema": other}))
    with pytest.raises(CheckpointError, match="not a StyleGAN2 generator"):
        read_network(pickle.dumps({"G_ema": other}))


def test_a_filter_that_is_no_outer_product_is_refused(reconstruct: Reconstruct) -> None:
    generator = untrained(CONFIG)
    with torch.no_grad():
        for name, buffer in generator.named_buffers():
            if name.endswith("resample_filter"):
                buffer.copy_(torch.rand(4, 4, generator=torch.Generator().manual_seed(1)))
    content = {"G_ema": persistent(module_states(generator), reconstruct)}
    with pytest.raises(CheckpointError, match="not an outer product"):
        read_network(pickle.dumps(content))

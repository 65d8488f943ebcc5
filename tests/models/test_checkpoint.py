"""Generator checkpoints: what is saved comes back, and what cannot be used is refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from models.stylegan2.checkpoint import CheckpointError, load_generator, save_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from models.weights import read_header

CONFIG = GeneratorConfig(
    z_dim=6,
    w_dim=5,
    img_resolution=16,
    img_channels=1,
    c_dim=2,
    mapping_layers=3,
    mapping_features=7,
    channel_base=64,
    channel_max=8,
    conv_clamp=16.5,
    resample_filter=(1, 2, 1),
)
METADATA = {
    "format": "latentloom-generator",
    "version": "1",
    "config": json.dumps({"z_dim": 6, "w_dim": 5, "img_resolution": 4, "channel_max": 8}),
}


@pytest.fixture(scope="module")
def generator() -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return Generator(CONFIG)


def tiny_tensors() -> dict[str, Tensor]:
    """The tensors that METADATA's config asks for."""
    generator = Generator(GeneratorConfig(z_dim=6, w_dim=5, img_resolution=4, channel_max=8))
    return {name: value.detach() for name, value in generator.state_dict().items()}


def packed(tensors: dict[str, Tensor], **metadata: str) -> bytes:
    return safetensors.torch.save(tensors, {**METADATA, **metadata})


def config_text(**changes: Any) -> str:
    return json.dumps({**json.loads(METADATA["config"]), **changes})


def refusal(data: bytes) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_generator(data)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def test_a_round_trip_keeps_every_bit(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    save_generator(generator, path)
    loaded = load_generator(path)
    assert loaded.config == CONFIG
    expected, actual = generator.state_dict(), loaded.state_dict()
    assert list(actual) == list(expected)
    for name, value in expected.items():
        assert torch.equal(actual[name], value)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_a_file_and_its_bytes_are_the_same_checkpoint(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    save_generator(generator, path)
    from_bytes, from_text = load_generator(path.read_bytes()), load_generator(str(path))
    for name, value in from_bytes.state_dict().items():
        assert torch.equal(value, from_text.state_dict()[name])


def test_float16_storage_is_loaded_as_float32(generator: Generator, tmp_path: Path) -> None:
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    save_generator(generator, full)
    save_generator(generator, half, torch.float16)
    assert half.stat().st_size < 0.7 * full.stat().st_size
    for name, value in load_generator(half).state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, generator.state_dict()[name].half().float())


def test_weights_that_are_too_large_for_float16_are_not_saved(tmp_path: Path) -> None:
    generator = Generator(GeneratorConfig(z_dim=4, w_dim=4, img_resolution=4, channel_max=4))
    with torch.no_grad():
        generator.mapping.w_avg.fill_(1e6)
    with pytest.raises(ValueError, match=r"mapping\.w_avg is not finite"):
        save_generator(generator, tmp_path / "g.safetensors", torch.float16)
    assert list(tmp_path.iterdir()) == []


def test_saving_again_replaces_the_file_and_leaves_nothing_else(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "g.safetensors"
    for _ in range(2):
        save_generator(generator, path)
    assert list(path.parent.iterdir()) == [path]


def test_loading_leaves_the_global_random_state(generator: Generator, tmp_path: Path) -> None:
    save_generator(generator, tmp_path / "g.safetensors")
    before = torch.random.get_rng_state()
    load_generator(tmp_path / "g.safetensors")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_pattern_of_the_refusals_below_loads_when_nothing_is_wrong() -> None:
    assert load_generator(packed(tiny_tensors())).img_resolution == 4


def test_missing_tensors_are_named() -> None:
    tensors = tiny_tensors()
    del tensors["synthesis.b4.const"]
    assert refusal(packed(tensors)).startswith("synthesis.b4.const is missing (1 of ")


def test_tensors_that_do_not_belong_are_named() -> None:
    message = refusal(packed({**tiny_tensors(), "synthesis.b4.skip.weight": torch.zeros(2)}))
    assert "'synthesis.b4.skip.weight' is no part of" in message


def test_tensors_of_another_shape_are_named() -> None:
    message = refusal(packed({**tiny_tensors(), "mapping.w_avg": torch.zeros(6)}))
    assert message == "mapping.w_avg has the shape [6] instead of [5]."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    tensors = {**tiny_tensors(), "mapping.w_avg": torch.tensor([0.0, 0.0, value, 0.0, 0.0])}
    assert refusal(packed(tensors)) == "'mapping.w_avg' holds numbers that are not finite."


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int32, torch.bool])
def test_other_number_types_are_refused(dtype: torch.dtype) -> None:
    message = refusal(packed({**tiny_tensors(), "mapping.w_avg": torch.zeros(5, dtype=dtype)}))
    assert "not as float16 or float32" in message


@pytest.mark.parametrize("length", [0, 3, 8, 9, 200, -1])
def test_a_truncated_file_is_refused(length: int) -> None:
    assert "incomplete" in refusal(packed(tiny_tensors())[:length])


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 11 * 2**20])
def test_a_lying_header_length_is_refused(length: int) -> None:
    data = length.to_bytes(8, "little") + packed(tiny_tensors())[8:]
    assert refusal(data) == "This is not a safetensors file, or it is incomplete."


@pytest.mark.parametrize("offsets", [[0, 2**40], [-4, 0], [4, 0], [0, 19], "all"])
def test_tensors_outside_the_file_are_refused(offsets: object) -> None:
    entry = {"dtype": "F32", "shape": [5], "data_offsets": offsets}
    header = json.dumps({"__metadata__": METADATA, "mapping.w_avg": entry}).encode()
    assert "damaged" in refusal(len(header).to_bytes(8, "little") + header + bytes(20))


def test_a_header_nested_too_deeply_is_refused() -> None:
    header = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    assert "damaged" in refusal(len(header).to_bytes(8, "little") + header)


def test_weights_of_another_network_are_refused() -> None:
    message = refusal(packed(tiny_tensors(), format="latentloom-flow"))
    assert message == "This file holds 'latentloom-flow', not latentloom-generator."


def test_a_later_version_is_refused() -> None:
    assert "version '2'" in refusal(packed(tiny_tensors(), version="2"))


def test_safetensors_without_our_metadata_are_refused() -> None:
    message = refusal(safetensors.torch.save(tiny_tensors()))
    assert message == "This safetensors file does not say what network it holds."


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 200_000])
def test_a_config_that_is_no_object_is_refused(text: str) -> None:
    assert refusal(packed(tiny_tensors(), config=text)) == "The config in this file is damaged or missing."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("z_dim", 0),
        ("z_dim", True),
        ("w_dim", 5.0),
        ("w_dim", 10**9),
        ("img_resolution", 12),
        ("img_resolution", 2**40),
        ("img_channels", None),
        ("c_dim", -1),
        ("mapping_layers", 10**6),
        ("mapping_features", "7"),
        ("mapping_lr_multiplier", float("nan")),
        ("channel_base", 0),
        ("conv_clamp", float("inf")),
        ("conv_clamp", -1),
        ("resample_filter", []),
        ("resample_filter", [1, -1]),
        ("resample_filter", [1] * 65),
        ("architecture", "stylegan3"),
        ("embed_features", 0),
        ("block_channels", [0]),
        ("block_channels", "x"),
        ("use_noise", 1),
    ],
)
def test_a_config_out_of_range_is_refused_before_anything_is_built(name: str, value: object) -> None:
    message = refusal(packed(tiny_tensors(), config=config_text(**{name: value})))
    assert message == f"The config of this generator has a bad {name}."


def test_channels_for_other_blocks_are_refused() -> None:
    message = refusal(packed(tiny_tensors(), config=config_text(block_channels=[8, 8])))
    assert message == "The config of this generator is wrong: block_channels must be 1 numbers."


def test_a_header_that_says_something_twice_is_refused() -> None:
    data = packed({**tiny_tensors(), "mapping.w_avh": torch.zeros(5)}).replace(
        b"mapping.w_avh", b"mapping.w_avg"
    )
    assert refusal(data) == "The header of this safetensors file is damaged."


def test_a_config_lacking_or_inventing_an_entry_is_refused() -> None:
    assert "lacks w_dim" in refusal(packed(tiny_tensors(), config='{"z_dim": 6}'))
    assert "unknown entry 'colour'" in refusal(packed(tiny_tensors(), config=config_text(colour=1)))


def test_a_config_that_does_not_fit_the_tensors_is_refused() -> None:
    message = refusal(packed(tiny_tensors(), config=config_text(img_resolution=8)))
    assert "is missing" in message


def test_a_file_that_is_no_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.safetensors"
    path.write_bytes(b"GIF89a" + bytes(50))
    with pytest.raises(CheckpointError, match=r"^photo\.safetensors: It is a GIF picture"):
        load_generator(path)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^none\.safetensors: It cannot be read: "):
        load_generator(tmp_path / "none.safetensors")


def test_the_header_alone_says_what_a_file_holds(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    save_generator(generator, path)
    kind, config = read_header(path)
    assert (kind, config["c_dim"], config["resample_filter"]) == ("latentloom-generator", 2, [1, 2, 1])
    assert read_header(path.read_bytes()) == (kind, config)
    header_end = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    path.write_bytes(path.read_bytes()[:header_end])
    assert read_header(path) == (kind, config)
    path.write_bytes((2**40).to_bytes(8, "little") + b"{" + bytes(100))
    with pytest.raises(CheckpointError, match="not a safetensors file, or it is incomplete"):
        read_header(path)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no manifest\.json"):
        load_generator(tmp_path)


def test_refusals_of_a_file_begin_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "g.safetensors"
    path.write_bytes(packed(tiny_tensors(), version="2"))
    with pytest.raises(CheckpointError, match=r"^g\.safetensors: This file has version"):
        load_generator(path)

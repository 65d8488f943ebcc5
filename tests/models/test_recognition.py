"""Files that are no checkpoint that can be loaded: one sentence says what they are and what would work."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from models.convert import convert_checkpoint, network_bytes
from models.foreign.reading import read_network
from models.foreign.recognition import recognise
from models.weights import CheckpointError
from tests.models.pickles import saved

WORKS = "a StyleGAN2 network (NVIDIA's .pkl, rosinality's .pt or our .safetensors)"


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind)
    return buffer.getvalue()


def array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("network.pkl"), io.BytesIO())
    return buffer.getvalue()


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "It is empty"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 3\n", "git lfs pull"),
    "web page": (b"\n<!DOCTYPE html>\n<html><body>Virus scan warning</body></html>", "It is a web page"),
    "old web page": (b"<html><head>", "It is a web page"),
    "drawing": (b"<?xml version='1.0'?><svg/>", "It is an XML document"),
    "text": (b"My favourite faces:\n- seed 7\n", "It is a text file"),
    "text in UTF-8": ("Zürich, ça va".encode() * 500, "It is a text file"),
    "JSON": (json.dumps({"model": 1}).encode(), "It is a text file"),
    "PNG": (picture("PNG"), "It is a PNG picture"),
    "JPEG": (picture("JPEG"), "It is a JPEG picture"),
    "GIF": (picture("GIF"), "It is a GIF picture"),
    "WebP": (picture("WEBP"), "It is a WebP picture"),
    "BMP": (picture("BMP"), "It is a BMP picture"),
    "TIFF": (picture("TIFF"), "It is a TIFF picture"),
    "gzip": (b"\x1f\x8b\x08" + bytes(30), "It is a gzip archive, not a checkpoint; unpack it"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(30), "It is a 7z archive"),
    "tar": (tar(), "It is a tar archive; unpack it"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(30), "It is an HDF5 file"),
    "NumPy array": (array(), "It is a NumPy array"),
    "GGUF": (b"GGUF\x03" + bytes(30), "It is a GGUF language model"),
    "program": (b"\x7fELF\x02" + bytes(30), "It is a program"),
    "noise": (np.random.RandomState(1).bytes(5000), "It is no checkpoint of a kind that is known"),
    "zeros": (bytes(5000), "It is no checkpoint of a kind that is known"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_recognised_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    data, expected = FILES[name]
    path = tmp_path / "network.pkl"
    path.write_bytes(data)
    for attempt in (
        lambda: network_bytes(path, "generator"),
        lambda: convert_checkpoint(path, tmp_path / "out" / "network.safetensors"),
    ):
        with pytest.raises(CheckpointError, match=r"^network\.pkl: ") as caught:
            attempt()
        message = str(caught.value)
        assert expected in message
        assert message.count(". ") == 0
        assert message.endswith(".")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("length", [9, 50, 300])
def test_a_safetensors_file_that_is_cut_off_is_named(length: int, tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    path.write_bytes(safetensors.torch.save({"a" * 500: torch.zeros(9)})[:length])
    with pytest.raises(CheckpointError, match=r"^network\.safetensors: .* incomplete\.$"):
        network_bytes(path, "generator")


def test_what_can_be_read_is_told_apart_by_its_first_bytes() -> None:
    state = {"a": torch.zeros(3)}
    assert recognise(saved(state), 1000) == "zip"
    assert recognise(saved(state, legacy=True), 1000) == "stream"
    assert recognise(pickle.dumps(state, protocol=4), 1000) == "pickle"
    assert recognise(safetensors.torch.save(state), 1000) == "safetensors"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", "It is a LoRA"),
        ("base_model.model.layers.0.self_attn.q_proj.lora_A.weight", "It is a LoRA"),
        ("model.diffusion_model.input_blocks.0.0.weight", "It is a diffusion model"),
        ("down_blocks.0.resnets.0.conv1.weight", "It is a diffusion model"),
        ("double_blocks.0.img_attn.norm.key_norm.scale", "It is a diffusion model"),
        ("progression.0.conv1.0.conv.weight_orig", "It is a StyleGAN1 or ProGAN network"),
        ("features.0.weight", "Its tensors (its first is 'features.0.weight') are not those of a network"),
    ],
)
def test_tensors_of_other_programs_are_recognised_by_their_names(
    name: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "network.safetensors"
    path.write_bytes(safetensors.torch.save({name: torch.zeros(2)}, {"ss_network_dim": "8"}))
    with pytest.raises(CheckpointError) as from_safetensors:
        network_bytes(path, "generator")
    with pytest.raises(CheckpointError) as from_state_dict:
        read_network(saved({"state_dict": {name: torch.zeros(2)}, "epoch": 3}))
    for caught in (from_safetensors, from_state_dict):
        assert expected in str(caught.value)
        assert WORKS in str(caught.value)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("pytorch_lightning.callbacks.model_checkpoint", "a PyTorch Lightning checkpoint"),
        ("omegaconf.dictconfig", "a checkpoint with settings of OmegaConf"),
        ("transformers.models.clip", "a model of the transformers library"),
        ("torch.nn.modules.linear", "a whole PyTorch module"),
        ("tfutil", "a ProGAN network"),
    ],
)
def test_a_pickle_is_recognised_by_whose_objects_it_holds(module: str, expected: str) -> None:
    with pytest.raises(CheckpointError, match=expected):
        read_network(b"\x80\x02c" + module.encode() + b"\nAnything\n)R.")


def test_pickles_of_plain_things_are_no_checkpoints() -> None:
    contents: list[object] = [{}, [], 3, "text", {"G_ema": {"state": {}}}, {"g_ema": 3}, [[]] * 3]
    for content in contents:
        with pytest.raises(CheckpointError, match="It holds no network that is known here"):
            read_network(pickle.dumps(content, protocol=4))

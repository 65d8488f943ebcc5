"""Bundle folders: what is written is what is loaded, and nothing else is."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import models
from models.attributes.estimator import AttributeEstimator, EstimatorConfig, save_estimator
from models.bundle import CheckpointError, load_bundle, write_bundle
from models.manifest import GalleryPicture, Source, manifest_json
from models.projection.encoder import Encoder, EncoderConfig, save_encoder
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow, save_flow
from models.stylegan2.checkpoint import load_generator, save_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig

TEXTS: dict[str, Any] = {"title": "Tiny", "description": "A model for tests.", "licence": "Apache-2.0"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Weight files of a generator, a flow and an estimator."""
    folder = tmp_path_factory.mktemp("parts")
    paths = {name: folder / f"{name}.bin" for name in ("generator", "flow", "attributes", "encoder")}
    scale = ((0.0,) * 17, (1.0,) * 17, (-9.0,) * 17, (9.0,) * 17)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        config = GeneratorConfig(z_dim=6, w_dim=6, img_resolution=8, channel_base=32, channel_max=4)
        save_generator(Generator(config), paths["generator"])
        save_flow(ConditionalFlow(FlowConfig(dim=6, hidden=(8,))), paths["flow"])
        save_estimator(AttributeEstimator(EstimatorConfig(16, (4, 4), *scale)), paths["attributes"])
        save_encoder(Encoder(EncoderConfig(8, (4, 4), w_dim=6, num_ws=4)), paths["encoder"])
    return paths


@pytest.fixture(scope="module")
def written(parts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    write_bundle(folder, name="tiny", **TEXTS, **parts, default_psi=0.6, seeds=[3, 14])
    return folder


@pytest.fixture
def bundle(written: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(written, tmp_path / "tiny")


def change_manifest(bundle: Path, **changes: Any) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal(bundle: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_bundle(bundle)
    return str(caught.value)


def test_a_bundle_comes_back_with_all_its_parts(bundle: Path, parts: dict[str, Any]) -> None:
    loaded = models.load_bundle(bundle)
    assert (loaded.manifest.name, loaded.manifest.title) == ("tiny", "Tiny")
    assert (loaded.manifest.description, loaded.manifest.licence) == ("A model for tests.", "Apache-2.0")
    assert (loaded.manifest.default_psi, loaded.manifest.seeds) == (0.6, (3, 14))
    expected = load_generator(parts["generator"]).state_dict()
    for name, value in loaded.generator.state_dict().items():
        assert torch.equal(value, expected[name])
    assert loaded.flow is not None
    assert loaded.flow.config.dim == 6
    assert loaded.estimator is not None
    assert loaded.estimator(torch.zeros(1, 3, 16, 16)).shape == (1, 17)
    assert loaded.encoder is not None
    assert loaded.encoder(torch.zeros(1, 3, 16, 16)).shape == (1, 4, 6)


def test_the_manifest_is_json_with_the_hash_of_every_file(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("latentloom-bundle", 1)
    for part in ("generator", "flow", "attributes", "encoder"):
        data = (bundle / manifest[part]["file"]).read_bytes()
        assert manifest[part]["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_bundle_may_have_a_generator_alone(parts: dict[str, Any], tmp_path: Path) -> None:
    write_bundle(tmp_path, name="plain", **TEXTS, generator=parts["generator"])
    loaded = load_bundle(tmp_path)
    assert (loaded.flow, loaded.estimator, loaded.encoder) == (None, None, None)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["flow"] is None
    assert "encoder" not in manifest  # as in manifests of before


SOURCE = {"file": "network.pkl", "sha256": "a" * 64, "url": "https://example.com/n.pkl", "converter": "us 1"}


@pytest.mark.parametrize("url", ["https://example.com/n.pkl", None])
def test_a_manifest_says_what_a_file_was_converted_from(bundle: Path, url: str | None) -> None:
    generator = json.loads((bundle / "manifest.json").read_text())["generator"]
    assert "source" not in generator  # as in manifests of before
    change_manifest(bundle, generator={**generator, "source": {**SOURCE, "url": url}})
    manifest = load_bundle(bundle).manifest
    assert manifest.generator.source == Source("network.pkl", "a" * 64, url, "us 1")
    assert json.loads(manifest_json(manifest)) == json.loads((bundle / "manifest.json").read_text())


def test_gallery_sizes_and_training_are_in_the_manifest(parts: dict[str, Any], tmp_path: Path) -> None:
    training: list[dict[str, str | int]] = [
        {"part": "generator", "command": "latentloom train generator", "seed": 3}
    ]
    write_bundle(
        tmp_path, name="tiny", **TEXTS, generator=parts["generator"], gallery={7: b"JPEG"}, training=training
    )
    manifest = load_bundle(tmp_path).manifest
    assert manifest.gallery == (GalleryPicture(7, "seed-7.jpg", hashlib.sha256(b"JPEG").hexdigest()),)
    assert (tmp_path / "seed-7.jpg").read_bytes() == b"JPEG"
    assert manifest.training == tuple(training)
    assert manifest.generator.size == (tmp_path / "generator.safetensors").stat().st_size
    assert json.loads(manifest_json(manifest)) == json.loads((tmp_path / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gallery", {"seed": 1}),
        ("gallery", [{"seed": 1, "file": "../a.jpg", "sha256": "a" * 64}]),
        ("gallery", [{"seed": -1, "file": "a.jpg", "sha256": "a" * 64}]),
        ("gallery", [{"file": "a.jpg", "sha256": "a" * 64}]),
        ("gallery", [3]),
        ("training", {"command": "x"}),
        ("training", ["x"]),
        ("training", [{"command": ["x"]}]),
        ("generator", {"file": "generator.safetensors", "sha256": "a" * 64, "size": "large"}),
        ("generator", {"file": "generator.safetensors", "sha256": "a" * 64, "size": -1}),
    ],
)
def test_a_wrong_gallery_training_or_size_is_named(bundle: Path, key: str, value: object) -> None:
    change_manifest(bundle, **{key: value})
    assert refusal(bundle) == f"The entry {key!r} of this bundle's manifest is missing or wrong."


@pytest.mark.parametrize(
    "source",
    [
        3,
        {},
        {**SOURCE, "sha256": "A" * 64},
        {**SOURCE, "file": None},
        {**SOURCE, "url": 3},
        {**SOURCE, "file": "x" * 10_001},
    ],
)
def test_a_wrong_source_is_named(bundle: Path, source: object) -> None:
    generator = json.loads((bundle / "manifest.json").read_text())["generator"]
    change_manifest(bundle, generator={**generator, "source": source})
    assert refusal(bundle) == "The entry 'generator.source' of this bundle's manifest is missing or wrong."


def test_load_generator_takes_the_bundle_folder(bundle: Path) -> None:
    assert models.load_generator(bundle).img_resolution == 8


def test_writing_again_replaces_the_parts_and_keeps_other_files(bundle: Path, parts: dict[str, Any]) -> None:
    (bundle / "README.md").write_text("About this model.")
    write_bundle(bundle, name="tiny", **(TEXTS | {"title": "Second"}), **parts)
    assert load_bundle(bundle).manifest.title == "Second"
    names = {path.name for path in bundle.iterdir()}
    assert names == {"README.md", "manifest.json"} | {f"{part}.safetensors" for part in parts}


@pytest.mark.parametrize("part", ["generator", "flow", "attributes", "encoder"])
def test_a_part_that_cannot_be_loaded_is_never_written(
    parts: dict[str, Any], tmp_path: Path, part: str
) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_bytes(parts[part].read_bytes()[:-1])
    with pytest.raises(CheckpointError):
        write_bundle(tmp_path / "tiny", name="tiny", **TEXTS, **(parts | {part: damaged}))
    assert not (tmp_path / "tiny").exists()


@pytest.mark.parametrize("part", ["generator", "flow", "attributes", "encoder"])
def test_one_changed_byte_is_refused_with_both_hashes(bundle: Path, part: str) -> None:
    path = bundle / f"{part}.safetensors"
    data = bytearray(path.read_bytes())
    before = hashlib.sha256(data).hexdigest()
    data[-1] ^= 1
    path.write_bytes(data)
    message = refusal(bundle)
    assert f"{part}.safetensors" in message
    assert f"sha256 {hashlib.sha256(data).hexdigest()[:12]}..., expected {before[:12]}..." in message
    if part == "generator":
        with pytest.raises(CheckpointError, match="is not the file its manifest names"):
            load_generator(bundle)


def test_parts_that_were_swapped_are_refused_though_their_hashes_match(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    change_manifest(bundle, generator=manifest["flow"])
    assert "This file holds 'latentloom-flow', not latentloom-generator." in refusal(bundle)


def test_a_missing_file_is_named(bundle: Path) -> None:
    (bundle / "flow.safetensors").unlink()
    assert "flow.safetensors of the bundle tiny cannot be read" in refusal(bundle)


@pytest.mark.parametrize(
    "file", ["../generator.safetensors", "/etc/passwd", "a\\b", ".hidden", "", "..", "a\n"]
)
def test_a_manifest_cannot_point_outside_its_folder(bundle: Path, file: str) -> None:
    change_manifest(bundle, generator={"file": file, "sha256": "0" * 64})
    assert refusal(bundle) == "The entry 'generator' of this bundle's manifest is missing or wrong."


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../tiny"),
        ("name", "Tiny"),
        ("name", None),
        ("title", 3),
        ("description", "x" * 10_001),
        ("licence", None),
        ("default_psi", "0.7"),
        ("default_psi", float("nan")),
        ("default_psi", True),
        ("seeds", [1.5]),
        ("seeds", [-1]),
        ("seeds", [2**31]),
        ("seeds", None),
        ("generator", None),
        ("generator", {"file": "generator.safetensors"}),
        ("flow", {"file": "flow.safetensors", "sha256": "ABC"}),
        ("attributes", "attributes.safetensors"),
    ],
)
def test_a_wrong_entry_of_the_manifest_is_named(bundle: Path, key: str, value: object) -> None:
    change_manifest(bundle, **{key: value})
    assert refusal(bundle) == f"The entry {key!r} of this bundle's manifest is missing or wrong."


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 200_000, '{"format": "other"}', " " * (2**20 + 1) + "{}"]
)
def test_another_file_in_place_of_the_manifest_is_refused(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    assert refusal(bundle) == "manifest.json in tiny is not the manifest of a bundle."


def test_a_later_manifest_version_is_refused(bundle: Path) -> None:
    change_manifest(bundle, version=2)
    assert refusal(bundle) == "manifest.json in tiny is not of version 1."


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    assert "has no manifest.json" in refusal(tmp_path)
